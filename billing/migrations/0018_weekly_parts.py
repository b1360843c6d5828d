"""Ledger entries lie in parts by the weeks of what was drawn, so that old ones can be dropped as a
whole (billing/carrying.py) and do not slow down new ones.

An entry's part follows from its reference, so that what happens once happens once in all parts.
"""

from django.db import migrations, models

from common.partitions import conversion
from common.partitions.parts import Partitioned

TABLE = Partitioned("billing_entry", "drawing")
DRAWING_OF = """
CREATE FUNCTION drawing_of(kind text, reference text) RETURNS bigint LANGUAGE sql IMMUTABLE
PARALLEL SAFE AS $$
    SELECT CASE WHEN kind NOT IN ('topup', 'adjust') AND reference ~ '^[0-9]{16}(:|$)'
                THEN left(reference, 16)::bigint ELSE 0 END
$$;
"""
UNDO_DRAWING_OF = "DROP FUNCTION drawing_of(text, text);"
# A new column of old lines; nothing that was said before is changed.
FILL = """
DROP TRIGGER ledger_is_append_only ON billing_entry;
UPDATE billing_entry SET drawing = drawing_of(kind, reference);
ALTER TABLE billing_entry ADD CONSTRAINT entry_is_of_its_drawing
    CHECK (drawing = drawing_of(kind, reference));
"""
# The first for what is said of the whole table, the second for what is said of one part.
KEEP = """
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_the_ledger();
CREATE TRIGGER ledger_line_stays BEFORE UPDATE OR DELETE ON billing_entry
FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_the_ledger();
"""


def convert(apps: object, schema_editor: object) -> None:
    conversion.by_week(TABLE)


class Migration(migrations.Migration):
    dependencies = [("billing", "0017_notice_wording")]
    operations = [
        migrations.RunSQL(DRAWING_OF, UNDO_DRAWING_OF),
        migrations.AddField(
            model_name="entry",
            name="drawing",
            field=models.BigIntegerField(default=0, help_text="Its task's id; 0: of no drawing."),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL),
        migrations.RemoveConstraint(model_name="entry", name="entry_happens_once"),
        migrations.RemoveConstraint(model_name="entry", name="hold_ends_once"),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                models.F("reference"),
                models.F("kind"),
                models.F("drawing"),
                condition=models.Q(("kind", "refund"), _negated=True),
                name="entry_happens_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                models.F("reference"),
                models.F("drawing"),
                condition=models.Q(("kind__in", ["capture", "release"])),
                name="hold_ends_once",
            ),
        ),
        migrations.RunPython(convert),
        migrations.RunSQL(KEEP),
    ]
