from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_unpaid_orders"),
    ]

    operations = [
        migrations.CreateModel(
            name="RateWindow",
            fields=[
                (
                    "subject",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("hits", models.JSONField(help_text="Second (since 1970) and number.")),
                ("newest", models.BigIntegerField(help_text="The newest second in it.")),
            ],
            options={
                "indexes": [models.Index(models.F("newest"), name="rate_window_by_time")],
            },
        ),
    ]
