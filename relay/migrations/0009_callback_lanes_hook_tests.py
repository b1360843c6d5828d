import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_policies_and_two_secrets"),
        ("relay", "0008_faults_hooks_late_looks"),
    ]

    operations = [
        migrations.CreateModel(
            name="HookTest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("url", models.TextField()),
                ("body", models.TextField()),
                (
                    "status_code",
                    models.SmallIntegerField(help_text="Empty: no answer came.", null=True),
                ),
                (
                    "answer",
                    models.TextField(
                        blank=True, help_text="The receiver's answer or the error, cut."
                    ),
                ),
                (
                    "milliseconds",
                    models.IntegerField(help_text="Empty: it is under way.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.AddField(
            model_name="callback",
            name="lane",
            field=models.SmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="callback",
            name="rung",
            field=models.SmallIntegerField(
                default=0, help_text="Tries of the ladder that failed; a replay begins it anew."
            ),
        ),
        migrations.AddField(
            model_name="hook",
            name="host",
            field=models.CharField(blank=True, default="", max_length=255),
        ),
        migrations.AddField(
            model_name="hook",
            name="lane",
            field=models.SmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="hook",
            name="quiet_until",
            field=models.DateTimeField(help_text="It has asked to be left in peace.", null=True),
        ),
        migrations.AlterField(
            model_name="hook",
            name="failing_since",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.RemoveIndex(model_name="callback", name="callback_flying"),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                models.F("flies_until"),
                condition=models.Q(("flies_until__isnull", False)),
                name="callback_in_flight",
            ),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                models.F("tenant"),
                models.F("host"),
                models.F("lane"),
                models.F("due_at"),
                condition=models.Q(("due_at__isnull", False)),
                name="callback_due_by_lane",
            ),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                models.F("tenant"),
                models.F("created_at"),
                models.F("id"),
                condition=models.Q(("is_final", True)),
                name="callback_by_time",
            ),
        ),
        migrations.AddIndex(
            model_name="hook",
            index=models.Index(
                fields=["tenant", "host", "lane", "quiet_until"], name="hook_by_lane"
            ),
        ),
        migrations.AddIndex(
            model_name="hook",
            index=models.Index(
                models.F("off_since"),
                condition=models.Q(("off_since__isnull", False)),
                name="hook_off",
            ),
        ),
        migrations.AddField(
            model_name="hooktest",
            name="tenant",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="billing.tenant"
            ),
        ),
        migrations.AddIndex(
            model_name="hooktest",
            index=models.Index(fields=["tenant", "-id"], name="hook_test_by_tenant"),
        ),
    ]
