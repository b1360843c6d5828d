"""A channel has several credentials, a breaker, caps and a history."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import common.vault

# The one secret of a channel becomes the first of its credentials; it stays encrypted as it is.
# (The constraints of both tables are looked at now, so that they can be changed below.)
SECRETS = """
INSERT INTO channels_credential (channel_id, name, secret, is_active, reason)
SELECT id, 'main', secret, true, '' FROM channels_channel WHERE secret <> '';
SET CONSTRAINTS ALL IMMEDIATE;
"""
WATCH = """
CREATE TRIGGER credentials_generation AFTER INSERT OR UPDATE OR DELETE ON channels_credential
FOR EACH STATEMENT EXECUTE FUNCTION raise_generation('channels');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0005_costs_generation"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChannelEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("made", "Made"),
                            ("changed", "Changed"),
                            ("enabled", "Enabled"),
                            ("draining", "Draining"),
                            ("disabled", "Disabled"),
                            ("breaker_opened", "Opened"),
                            ("breaker_half_opened", "Half Opened"),
                            ("breaker_closed", "Closed"),
                            ("rests", "Rests"),
                            ("credential_off", "Credential Off"),
                            ("credential_on", "Credential On"),
                        ],
                        max_length=20,
                    ),
                ),
                ("text", models.CharField(blank=True, max_length=500)),
                (
                    "actor",
                    models.CharField(
                        blank=True, help_text="Empty: the relay itself.", max_length=150
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Credential",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "secret",
                    common.vault.EncryptedTextField(
                        blank=True, help_text="Never shown again. Empty: none is needed."
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "reason",
                    models.CharField(blank=True, help_text="Why it is not active.", max_length=500),
                ),
                ("rests_until", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Probe",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_ok", models.BooleanField()),
                ("milliseconds", models.IntegerField()),
                (
                    "headroom",
                    models.IntegerField(
                        help_text="Tasks it could take; empty: not told.", null=True
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=500)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.AddField(
            model_name="channel",
            name="breaker",
            field=models.CharField(
                choices=[("closed", "Closed"), ("open", "Open"), ("half_open", "Half Open")],
                default="closed",
                max_length=9,
            ),
        ),
        migrations.AddField(
            model_name="channel",
            name="breaker_seconds",
            field=models.FloatField(default=0, help_text="How long it was opened for last."),
        ),
        migrations.AddField(
            model_name="channel",
            name="breaker_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="breaker_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="concurrency",
            field=models.PositiveIntegerField(
                blank=True, help_text="Tasks under way at once. Empty: no limit.", null=True
            ),
        ),
        migrations.AddField(
            model_name="channel",
            name="queue_depth",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Tasks that wait to be begun there. Empty: no limit.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="channel",
            name="reason",
            field=models.CharField(
                blank=True,
                help_text="Why it is in this state, if that was not asked for.",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="channel",
            name="rests_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="rpm",
            field=models.PositiveIntegerField(
                blank=True, help_text="Submits in any 60 seconds. Empty: no limit.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("breaker", "closed"), ("breaker_until__isnull", True)),
                    models.Q(
                        models.Q(("breaker", "closed"), _negated=True),
                        ("breaker_until__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="breaker_has_its_time",
            ),
        ),
        migrations.AddField(
            model_name="channelevent",
            name="channel",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="channels.channel",
            ),
        ),
        migrations.AddField(
            model_name="credential",
            name="channel",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="credentials",
                to="channels.channel",
            ),
        ),
        migrations.AddField(
            model_name="probe",
            name="channel",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="probes",
                to="channels.channel",
            ),
        ),
        migrations.AddIndex(
            model_name="channelevent",
            index=models.Index(fields=["channel", "-id"], name="event_by_channel"),
        ),
        migrations.AddConstraint(
            model_name="credential",
            constraint=models.UniqueConstraint(
                models.F("channel"), models.F("name"), name="credential_is_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="probe",
            index=models.Index(fields=["channel", "-id"], name="probe_by_channel"),
        ),
        migrations.RunSQL(SECRETS, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="channel", name="secret"),
        migrations.RunSQL(WATCH, "DROP TRIGGER credentials_generation ON channels_credential;"),
    ]
