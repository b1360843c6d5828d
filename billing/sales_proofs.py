"""Proofs over money that came in by codes and orders, and over the daily roll-up."""

from billing import closing
from common.proofs import Promise, Proof

_TOPUPS = """(
    SELECT entry.id, entry.reference, entry.amount, wallet.tenant_id, wallet.is_test
    FROM billing_entry entry JOIN billing_wallet wallet ON wallet.id = entry.wallet_id
    WHERE entry.kind = 'topup'
)"""
# The same for both: what was sold is in the ledger, once, and nothing else is.
_FITS_NOT = """(entry.amount, entry.tenant_id, entry.is_test)
    <> (sold.amount, sold.tenant_id, false)"""
_MISFIT = """entry.id, entry.amount, entry.tenant_id, CASE WHEN entry.is_test THEN ' (test)' END,
    sold.amount, sold.tenant_id"""

_CODES = Proof(
    f"""(
        SELECT code.id, 'code-' || code.id AS reference, batch.amount,
               code.redeemed_by_id AS tenant_id
        FROM billing_redemptioncode code JOIN billing_codebatch batch ON batch.id = code.batch_id
        WHERE code.redeemed_at IS NOT NULL OR code.redeemed_by_id IS NOT NULL
    ) sold
    FULL JOIN (SELECT * FROM {_TOPUPS} topup WHERE reference ~ '^code-[0-9]+$') entry
        ON entry.reference = sold.reference""",  # noqa: S608  the parts are constants
    (
        Promise(
            "every redeemed code is in the ledger",
            "entry.id IS NULL",
            "'code %s: redeemed by tenant %s, and not booked', sold.id, sold.tenant_id",
        ),
        Promise(
            "every code in the ledger was redeemed",
            "sold.id IS NULL",
            "'entry %s: %s was not redeemed', entry.id, entry.reference",
        ),
        Promise(
            "a code brings what it is worth to who redeemed it",
            _FITS_NOT,
            f"'entry %s: %s for tenant %s%s; the code: %s for tenant %s', {_MISFIT}",
        ),
    ),
)
_ORDERS = Proof(
    f"""(
        SELECT id, 'topup-' || number AS reference, amount, tenant_id
        FROM billing_topup WHERE state = 'paid'
    ) sold
    FULL JOIN (SELECT * FROM {_TOPUPS} topup WHERE reference LIKE 'topup-%') entry
        ON entry.reference = sold.reference""",  # noqa: S608  the parts are constants
    (
        Promise(
            "every paid order is in the ledger",
            "entry.id IS NULL",
            "'order %s (%s): paid, and not booked', sold.id, sold.reference",
        ),
        Promise(
            "every order in the ledger was paid",
            "sold.id IS NULL",
            "'entry %s: %s was not paid', entry.id, entry.reference",
        ),
        Promise(
            "an order brings what was ordered to who ordered it",
            _FITS_NOT,
            f"'entry %s: %s for tenant %s%s; the order: %s for tenant %s', {_MISFIT}",
        ),
    ),
)
_USAGE = Proof(
    """(
        SELECT wallet_id, day, kind, token_id, price_name, mode, channel,
               sum(number) AS number, sum(amount) AS amount, sum(held) AS held,
               sum(cost) AS cost, sum(cost_unknown) AS cost_unknown
        FROM (
            SELECT wallet_id, (created_at AT TIME ZONE 'UTC')::date AS day, kind, token_id,
                   price_name, mode, channel, count(*) AS number, sum(amount) AS amount,
                   sum(held) AS held, coalesce(sum(cost), 0) AS cost,
                   count(*) FILTER (WHERE kind = 'capture' AND cost IS NULL) AS cost_unknown
            FROM billing_entry entry JOIN billing_usagemark mark USING (wallet_id)
            WHERE entry.id <= mark.entry_id
            GROUP BY 1, 2, 3, 4, 5, 6, 7
            UNION ALL
            SELECT wallet_id, day, kind, token_id, price_name, mode, channel,
                   number, amount, held, cost, cost_unknown
            FROM billing_carriedday
            UNION ALL
            SELECT wallet_id, day, kind, token_id, price_name, mode, channel,
                   -number, -amount, -held, -cost, -cost_unknown
            FROM billing_usageday
        ) both_sides GROUP BY 1, 2, 3, 4, 5, 6, 7
    ) missing""",
    (
        Promise(
            "the daily roll-up is the sum of the entries",
            "(number, amount, held, cost, cost_unknown) <> (0, 0, 0, 0, 0)",
            """'wallet %s, %s, %s of key %s, %s %s, channel %s: %s entries, amount %s, held %s,
 cost %s are missing', wallet_id, day, kind, token_id, price_name, mode, channel, number, amount,
               held, cost""",
        ),
    ),
)
_FIGURES = ", ".join(closing.FIGURE_NAMES)
_LESS = ", ".join(f"-{name}" for name in closing.FIGURE_NAMES)
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in closing.FIGURE_NAMES)


def _closed(table: str, columns: str) -> str:
    """What is missing in a roll-up of closed days, or too much."""
    return f"""(
        SELECT day, {columns}, {_SUMS} FROM (
            SELECT day, {columns}, {closing.FIGURES_OF_USAGE}
            FROM billing_usageday JOIN billing_wallet wallet ON wallet.id = wallet_id
            WHERE NOT is_test AND kind IN {closing.OF_REPORTS}
              AND day <= (SELECT max(day) FROM billing_earnedday)
            UNION ALL
            SELECT day, {columns}, {_LESS} FROM {table}
        ) both_sides GROUP BY day, {columns}
    ) missing"""  # noqa: S608  the parts are constants


_DIFFERS = f"({_FIGURES}) <> (0, 0, 0, 0, 0, 0, 0)"
_CLOSED_DAYS = Proof(
    _closed("billing_earnedday", "channel, price_name, mode"),
    (
        Promise(
            "closed days are the sum of the days",
            _DIFFERS,
            """'%s, channel %s, %s %s: %s captures, revenue %s, cost %s are missing', day, channel,
               price_name, mode, captures, revenue, cost""",
        ),
    ),
)
_CLOSED_KEYS = Proof(
    _closed("billing_earnedkey", "wallet_id, token_id"),
    (
        Promise(
            "closed days of keys are the sum of the days",
            _DIFFERS,
            """'%s, wallet %s, key %s: %s captures, revenue %s, cost %s are missing', day,
               wallet_id, token_id, captures, revenue, cost""",
        ),
    ),
)
_CLOSED_ACTIONS = Proof(
    _closed("billing_earnedkeyaction", "wallet_id, token_id, price_name, mode"),
    (
        Promise(
            "closed days of keys and actions are the sum of the days",
            _DIFFERS,
            """'%s, wallet %s, key %s, %s %s: %s captures, revenue %s, cost %s are missing', day,
               wallet_id, token_id, price_name, mode, captures, revenue, cost""",
        ),
    ),
)
_CLOSED_CHANNELS = Proof(
    _closed("billing_earnedkeychannel", "wallet_id, token_id, channel"),
    (
        Promise(
            "closed days of keys and channels are the sum of the days",
            _DIFFERS,
            """'%s, wallet %s, key %s, channel %s: %s captures, revenue %s, cost %s are missing',
               day, wallet_id, token_id, channel, captures, revenue, cost""",
        ),
    ),
)

PROOFS = (
    _CODES,
    _ORDERS,
    _USAGE,
    _CLOSED_DAYS,
    _CLOSED_KEYS,
    _CLOSED_ACTIONS,
    _CLOSED_CHANNELS,
)
