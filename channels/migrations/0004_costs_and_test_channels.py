import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0003_kinds_and_filters"),
    ]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="is_test",
            field=models.BooleanField(
                default=False, help_text="Draws for test keys, and for them only."
            ),
        ),
        migrations.CreateModel(
            name="CostRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The price name, e.g. mj_imagine or mj_*.", max_length=64
                    ),
                ),
                ("mode", models.CharField(blank=True, help_text="Empty: any mode.", max_length=8)),
                (
                    "amount",
                    models.BigIntegerField(
                        help_text="Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="costs",
                        to="channels.channel",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("channel"),
                        models.F("name"),
                        models.F("mode"),
                        name="cost_rule_is_unique",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)), name="cost_is_not_negative"
                    ),
                ],
            },
        ),
    ]
