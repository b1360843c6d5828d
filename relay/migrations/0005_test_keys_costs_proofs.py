import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_limits_sales_usage_notices"),
        ("relay", "0004_idempotency"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProofRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "findings",
                    models.JSONField(default=list, help_text="What contradicted, with ids, cut."),
                ),
                (
                    "number",
                    models.IntegerField(default=0, help_text="How many contradictions there were."),
                ),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="idempotentrequest",
            name="idempotency_key_is_unique",
        ),
        migrations.AddField(
            model_name="attempt",
            name="cost",
            field=models.BigIntegerField(
                help_text="What the channel takes if it draws; empty: not known. Micro-units.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="idempotentrequest",
            name="is_test",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="task",
            name="is_test",
            field=models.BooleanField(
                default=False, help_text="Of a test key; costs no real money."
            ),
        ),
        migrations.AddConstraint(
            model_name="idempotentrequest",
            constraint=models.UniqueConstraint(
                models.F("tenant"),
                models.F("is_test"),
                models.F("key"),
                name="idempotency_key_is_unique",
            ),
        ),
    ]
