from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("relay", "0009_callback_lanes_hook_tests")]

    operations = [
        migrations.CreateModel(
            name="OperatorCode",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32)),
                ("tries", models.SmallIntegerField(default=0, help_text="Wrong ones.")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="operator_code_is_one"
                    )
                ],
            },
        ),
    ]
