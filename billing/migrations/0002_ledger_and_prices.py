"""The ledger is append-only, and a new price book is seen by all processes at once."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION refuse_to_rewrite_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are append-only: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_the_ledger();
"""
UNDO_APPEND_ONLY = """
DROP TRIGGER ledger_is_append_only ON billing_entry;
DROP FUNCTION refuse_to_rewrite_the_ledger();
"""
WATCH = """
CREATE TRIGGER prices_generation AFTER INSERT OR UPDATE OR DELETE ON billing_pricerule
FOR EACH STATEMENT EXECUTE FUNCTION raise_generation('prices');
"""
UNDO_WATCH = "DROP TRIGGER prices_generation ON billing_pricerule;"


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("common", "0002_generations")]
    operations = [
        migrations.RunSQL(APPEND_ONLY, UNDO_APPEND_ONLY),
        migrations.RunSQL(WATCH, UNDO_WATCH),
    ]
