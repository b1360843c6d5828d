"""Every change of a channel makes all processes read their list anew."""

from django.db import migrations

WATCH = """
CREATE TRIGGER channels_generation AFTER INSERT OR UPDATE OR DELETE ON channels_channel
FOR EACH STATEMENT EXECUTE FUNCTION raise_generation('channels');
"""
UNDO = "DROP TRIGGER channels_generation ON channels_channel;"


class Migration(migrations.Migration):
    dependencies = [("channels", "0001_initial"), ("common", "0002_generations")]
    operations = [migrations.RunSQL(WATCH, UNDO)]
