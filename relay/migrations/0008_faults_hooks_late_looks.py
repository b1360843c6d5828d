import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_policies_and_two_secrets"),
        ("channels", "0006_breaker_credentials_events"),
        ("relay", "0007_callbacks_by_tenant"),
    ]

    operations = [
        migrations.CreateModel(
            name="Hook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("url", models.TextField()),
                ("digest", models.BinaryField(help_text="SHA-256 of the address.", max_length=32)),
                ("failing_since", models.DateTimeField(null=True)),
                ("off_since", models.DateTimeField(help_text="Empty: it is called.", null=True)),
                ("off_reason", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.AddField(
            model_name="attempt",
            name="credential",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, to="channels.credential"
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="is_fault",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="task",
            name="credential",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, to="channels.credential"
            ),
        ),
        migrations.AddField(
            model_name="task",
            name="is_written_off",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="task",
            name="late_look_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="callback",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("delivered", "Delivered"),
                    ("given_up", "Given Up"),
                    ("overtaken", "Overtaken"),
                    ("held_back", "Held Back"),
                ],
                default="pending",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["channel", "-created_at"], name="attempt_by_channel"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                models.F("late_look_at"),
                condition=models.Q(("late_look_at__isnull", False)),
                name="task_late",
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                models.F("id"),
                condition=models.Q(("is_written_off", True)),
                name="task_written_off",
            ),
        ),
        migrations.AddField(
            model_name="hook",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="billing.tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="hook",
            constraint=models.UniqueConstraint(
                models.F("tenant"), models.F("digest"), name="hook_is_unique"
            ),
        ),
    ]
