"""Incidents, refused credentials, and generations that only real changes raise."""

from django.db import migrations, models

# Once for each row that changes: an update that finds nothing to change (somebody else was faster)
# must not make every process read its list anew.
EACH_ROW = """
DROP TRIGGER channels_generation ON channels_channel;
CREATE TRIGGER channels_generation AFTER INSERT OR UPDATE OR DELETE ON channels_channel
FOR EACH ROW EXECUTE FUNCTION raise_generation('channels');
DROP TRIGGER credentials_generation ON channels_credential;
CREATE TRIGGER credentials_generation AFTER INSERT OR UPDATE OR DELETE ON channels_credential
FOR EACH ROW EXECUTE FUNCTION raise_generation('channels');
"""
EACH_STATEMENT = EACH_ROW.replace("EACH ROW", "EACH STATEMENT")


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0006_breaker_credentials_events"),
    ]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="incident_since",
            field=models.DateTimeField(
                blank=True, help_text="Since when the breaker opens again and again.", null=True
            ),
        ),
        migrations.AddField(
            model_name="credential",
            name="refused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="channelevent",
            name="kind",
            field=models.CharField(
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
                    ("credential_made", "Credential Made"),
                    ("credential_changed", "Credential Changed"),
                    ("credential_deleted", "Credential Gone"),
                    ("credential_works", "Credential Works"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunSQL(EACH_ROW, EACH_STATEMENT),
    ]
