"""Published price books never change, their time's coming is felt, and old lines get new columns."""

from django.db import migrations

STAY = """
CREATE FUNCTION refuse_to_rewrite_prices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- PL/pgSQL looks at NEW only where there is one.
    touched bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.book_id ELSE OLD.book_id END;
    other bigint := CASE WHEN TG_OP = 'UPDATE' THEN NEW.book_id ELSE touched END;
BEGIN
    IF EXISTS (
        SELECT FROM billing_pricebook WHERE id IN (touched, other) AND published_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'price book % is published and does not change: % is refused',
            touched, TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER price_rule_stays BEFORE INSERT OR UPDATE OR DELETE ON billing_pricerule
FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_prices();
CREATE TRIGGER group_ratio_stays BEFORE INSERT OR UPDATE OR DELETE ON billing_groupratio
FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_prices();

CREATE FUNCTION refuse_to_rewrite_a_price_book() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A book whose time has not come may become a draft again.
    IF OLD.published_at IS NOT NULL
       AND (TG_OP = 'DELETE' OR NEW.published_at IS NOT NULL OR OLD.effective_at <= now()) THEN
        RAISE EXCEPTION 'price book % is published and does not change: % is refused',
            OLD.id, TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER price_book_stays BEFORE UPDATE OR DELETE ON billing_pricebook
FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_a_price_book();
"""
UNDO_STAY = """
DROP TRIGGER price_rule_stays ON billing_pricerule;
DROP TRIGGER group_ratio_stays ON billing_groupratio;
DROP TRIGGER price_book_stays ON billing_pricebook;
DROP FUNCTION refuse_to_rewrite_prices();
DROP FUNCTION refuse_to_rewrite_a_price_book();
"""
# A draft's lines concern nobody; what counts is that a book is published or withdrawn.
WATCH = """
DROP TRIGGER prices_generation ON billing_pricerule;
CREATE TRIGGER prices_generation AFTER INSERT OR UPDATE OR DELETE ON billing_pricebook
FOR EACH STATEMENT EXECUTE FUNCTION raise_generation('prices');
"""
UNDO_WATCH = """
DROP TRIGGER prices_generation ON billing_pricebook;
CREATE TRIGGER prices_generation AFTER INSERT OR UPDATE OR DELETE ON billing_pricerule
FOR EACH STATEMENT EXECUTE FUNCTION raise_generation('prices');
"""
OPEN_HOLDS = """
WITH open AS (
    SELECT hold.wallet_id, hold.token_id, count(*) AS number FROM billing_entry hold
    WHERE hold.kind = 'hold' AND NOT EXISTS (
        SELECT FROM billing_entry ending
        WHERE ending.reference = hold.reference AND ending.kind IN ('capture', 'release')
    ) GROUP BY 1, 2
), wallets AS (
    UPDATE billing_wallet SET open_holds = sums.number
    FROM (SELECT wallet_id, sum(number) AS number FROM open GROUP BY 1) sums
    WHERE sums.wallet_id = billing_wallet.id
)
UPDATE billing_token SET open_holds = sums.number
FROM (SELECT token_id, sum(number) AS number FROM open GROUP BY 1) sums
WHERE sums.token_id = billing_token.id;
"""
# What the holds of the present day, week and month have come to so far.
PERIODS = "\n".join(
    f"""
UPDATE billing_token SET {period}_began = sums.began, {period}_used = sums.used FROM (
    SELECT hold.token_id, date_trunc('{period}', now() AT TIME ZONE 'UTC')::date AS began,
           sum(CASE WHEN ending.id IS NULL THEN hold.held ELSE -ending.amount END) AS used
    FROM billing_entry hold LEFT JOIN billing_entry ending
      ON ending.reference = hold.reference AND ending.kind IN ('capture', 'release')
    WHERE hold.kind = 'hold' AND date_trunc('{period}', hold.created_at AT TIME ZONE 'UTC')
          = date_trunc('{period}', now() AT TIME ZONE 'UTC')
    GROUP BY 1
) sums WHERE sums.token_id = billing_token.id;
"""
    for period in ("day", "week", "month")
)
# New columns of old lines; nothing that was said before is changed.
NAMES = """
ALTER TABLE billing_entry DISABLE TRIGGER ledger_is_append_only;
UPDATE billing_entry SET price_name = billing_pricerule.name
FROM billing_pricerule WHERE billing_pricerule.id = billing_entry.price_rule_id;
ALTER TABLE billing_entry ENABLE TRIGGER ledger_is_append_only;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_limits_sales_usage_notices")]
    operations = [
        migrations.RunSQL(OPEN_HOLDS, migrations.RunSQL.noop),
        migrations.RunSQL(PERIODS, migrations.RunSQL.noop),
        migrations.RunSQL(NAMES, migrations.RunSQL.noop),
        migrations.RunSQL(STAY, UNDO_STAY),
        migrations.RunSQL(WATCH, UNDO_WATCH),
    ]
