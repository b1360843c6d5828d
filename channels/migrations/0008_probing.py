"""A channel that is being asked is not asked again meanwhile; that alone changes nobody's list."""

from django.db import migrations, models

QUIET = """
DROP TRIGGER channels_generation ON channels_channel;
CREATE TRIGGER channels_generation AFTER INSERT OR DELETE ON channels_channel
FOR EACH ROW EXECUTE FUNCTION raise_generation('channels');
CREATE TRIGGER channels_generation_changed AFTER UPDATE ON channels_channel
FOR EACH ROW
WHEN (to_jsonb(OLD) - 'probing_until' IS DISTINCT FROM to_jsonb(NEW) - 'probing_until')
EXECUTE FUNCTION raise_generation('channels');
"""
LOUD = """
DROP TRIGGER channels_generation_changed ON channels_channel;
DROP TRIGGER channels_generation ON channels_channel;
CREATE TRIGGER channels_generation AFTER INSERT OR UPDATE OR DELETE ON channels_channel
FOR EACH ROW EXECUTE FUNCTION raise_generation('channels');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0007_incidents_and_refusals"),
    ]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="probing_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunSQL(QUIET, LOUD),
    ]
