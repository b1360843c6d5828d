"""New costs are known to all processes at once, like everything else of a channel."""

from django.db import migrations

WATCH = """
CREATE TRIGGER costs_generation AFTER INSERT OR UPDATE OR DELETE ON channels_costrule
FOR EACH STATEMENT EXECUTE FUNCTION raise_generation('channels');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0004_costs_and_test_channels"),
        ("common", "0002_generations"),
    ]
    operations = [migrations.RunSQL(WATCH, "DROP TRIGGER costs_generation ON channels_costrule;")]
