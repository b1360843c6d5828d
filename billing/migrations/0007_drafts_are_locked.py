"""A line that is written while its book is being published waits for that, and is refused."""

from django.db import migrations

# The book is locked before it is looked at: whoever publishes it meanwhile has to wait, or has
# done it by then, and each statement here sees what was committed before it.
STAY = """
CREATE OR REPLACE FUNCTION refuse_to_rewrite_prices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- PL/pgSQL looks at NEW only where there is one.
    touched bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.book_id ELSE OLD.book_id END;
    other bigint := CASE WHEN TG_OP = 'UPDATE' THEN NEW.book_id ELSE touched END;
BEGIN
    PERFORM FROM billing_pricebook WHERE id IN (touched, other) ORDER BY id FOR SHARE;
    IF EXISTS (
        SELECT FROM billing_pricebook WHERE id IN (touched, other) AND published_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'price book % is published and does not change: % is refused',
            touched, TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
"""
# A long transaction's now() is from when it began.
TIME = """
CREATE OR REPLACE FUNCTION refuse_to_rewrite_a_price_book() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A book whose time has not come may become a draft again.
    IF OLD.published_at IS NOT NULL AND (
        TG_OP = 'DELETE' OR NEW.published_at IS NOT NULL OR OLD.effective_at <= clock_timestamp()
    ) THEN
        RAISE EXCEPTION 'price book % is published and does not change: % is refused',
            OLD.id, TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_published_books_stay")]
    # Backwards the functions may stay: they refuse what those before them did.
    operations = [
        migrations.RunSQL(STAY, migrations.RunSQL.noop),
        migrations.RunSQL(TIME, migrations.RunSQL.noop),
    ]
