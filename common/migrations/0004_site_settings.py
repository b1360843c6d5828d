"""What an operator sets, and its generation.

That one comes from a sequence, which no rollback turns back: a process may have read, inside a
transaction, what was never committed.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

WATCH = """
CREATE SEQUENCE common_settings_generation START 2;
CREATE FUNCTION raise_settings_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE common_generation SET value = nextval('common_settings_generation')
    WHERE name = 'settings';
    RETURN NULL;
END $$;
INSERT INTO common_generation (name, value) VALUES ('settings', 1);
CREATE TRIGGER settings_generation AFTER INSERT OR UPDATE OR DELETE ON common_sitesetting
FOR EACH STATEMENT EXECUTE FUNCTION raise_settings_generation();
"""
UNDO = """
DROP TRIGGER settings_generation ON common_sitesetting;
DROP FUNCTION raise_settings_generation();
DROP SEQUENCE common_settings_generation;
DELETE FROM common_generation WHERE name = 'settings';
"""


class Migration(migrations.Migration):
    dependencies = [("common", "0003_pulses")]
    operations = [
        migrations.CreateModel(
            name="SiteSetting",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("value", models.JSONField()),
                ("changed_by", models.CharField(max_length=150)),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.RunSQL(WATCH, UNDO),
    ]
