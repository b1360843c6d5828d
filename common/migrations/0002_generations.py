"""The counters, and the trigger function that raises them."""

from django.db import migrations

RAISE = """
CREATE FUNCTION raise_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE common_generation SET value = value + 1 WHERE name = TG_ARGV[0];
    RETURN NULL;
END $$;
INSERT INTO common_generation (name, value) VALUES ('channels', 1), ('prices', 1);
"""
UNDO = """
DROP FUNCTION raise_generation();
DELETE FROM common_generation;
"""


class Migration(migrations.Migration):
    dependencies = [("common", "0001_initial")]
    operations = [migrations.RunSQL(RAISE, UNDO)]
