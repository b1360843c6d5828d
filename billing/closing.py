"""Days that are over, added up once more: EarnedDay, EarnedKey, EarnedKeyAction, EarnedKeyChannel.
By them reports over all tenants and previews of prices need not read UsageDay, which has a line
for each key, action, mode, channel and kind.

A day is closed when it is long past and all entries of its time are in UsageDay. Whoever changes a
closed day after all (an entry with an old date, a rebuild) forgets all that was closed, in the same
transaction; the next tick does it anew, and reports read UsageDay meanwhile.
"""

from datetime import date

from django.db import transaction

from common import sql

# An entry's time is that of its statement, its place in the ledger that of the wallet's lock: it
# is never a whole day older than those before it. One more for what is rolled up late.
OPEN_DAYS = 3
# Held by who closes or forgets.
LOCK = 6_207_431

# What a line of UsageDay tells a report, in the order of billing.reports.Figures.
FIGURE_NAMES = (
    "captures", "revenue", "refunds", "refunded", "releases", "cost", "cost_unknown",
)  # fmt: skip
FIGURES_OF_USAGE = """
    CASE kind WHEN 'capture' THEN number ELSE 0 END AS captures,
    CASE kind WHEN 'capture' THEN -amount ELSE 0 END AS revenue,
    CASE kind WHEN 'refund' THEN number ELSE 0 END AS refunds,
    CASE kind WHEN 'refund' THEN amount ELSE 0 END AS refunded,
    CASE kind WHEN 'release' THEN number ELSE 0 END AS releases,
    cost, cost_unknown"""
OF_REPORTS = "('capture', 'refund', 'release')"
_NAMES = ", ".join(FIGURE_NAMES)
_SUMS = ", ".join(f"sum({name})::bigint AS {name}" for name in FIGURE_NAMES)

_TRY = f"SELECT pg_try_advisory_xact_lock({LOCK}) AS ours"
_WAIT = f"SELECT pg_advisory_xact_lock({LOCK})"
_CLOSED = "SELECT max(day) AS day FROM billing_earnedday"
# Up to when nothing more comes: one look into `entry_by_wallet` for each wallet.
_LAST = """
SELECT (least(now(), min(news.created_at)) AT TIME ZONE 'UTC')::date - %(open)s AS day
FROM billing_wallet wallet LEFT JOIN billing_usagemark mark ON mark.wallet_id = wallet.id
CROSS JOIN LATERAL (
    SELECT created_at FROM billing_entry
    WHERE wallet_id = wallet.id AND id > coalesce(mark.entry_id, 0) ORDER BY id LIMIT 1
) news
"""
# All in one statement: one snapshot. The line of the last day without anything says how far it is.
_CLOSE = f"""
WITH usage AS (
    SELECT wallet_id, token_id, day, channel, price_name, mode, {FIGURES_OF_USAGE}
    FROM billing_usageday JOIN billing_wallet wallet ON wallet.id = wallet_id AND NOT is_test
    WHERE kind IN {OF_REPORTS} AND day <= %(last)s
      AND day > coalesce((SELECT max(day) FROM billing_earnedday), '-infinity')
), keys AS (
    INSERT INTO billing_earnedkey (day, wallet_id, token_id, {_NAMES})
    SELECT day, wallet_id, token_id, {_SUMS} FROM usage GROUP BY 1, 2, 3 ORDER BY 1
), actions AS (
    INSERT INTO billing_earnedkeyaction (day, wallet_id, token_id, price_name, mode, {_NAMES})
    SELECT day, wallet_id, token_id, price_name, mode, {_SUMS} FROM usage
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1
), channels AS (
    INSERT INTO billing_earnedkeychannel (day, wallet_id, token_id, channel, {_NAMES})
    SELECT day, wallet_id, token_id, channel, {_SUMS} FROM usage GROUP BY 1, 2, 3, 4 ORDER BY 1
)
INSERT INTO billing_earnedday (day, channel, price_name, mode, {_NAMES})
SELECT day, channel, price_name, mode, {_SUMS} FROM (
    SELECT day, channel, price_name, mode, {_NAMES} FROM usage
    UNION ALL SELECT %(last)s, NULL, '', '', 0, 0, 0, 0, 0, 0, 0
) line
GROUP BY 1, 2, 3, 4 ORDER BY 1
"""  # noqa: S608  the parts are constants
_TABLES = (
    "billing_earnedday", "billing_earnedkey", "billing_earnedkeyaction", "billing_earnedkeychannel",
)  # fmt: skip
_FORGET = tuple(f"DELETE FROM {table}" for table in _TABLES)  # noqa: S608  constants
# What is closed is in the tables above, the rest only in UsageDay, which is `usage`.
IS_OPEN = "usage.day > coalesce((SELECT max(day) FROM billing_earnedday), '-infinity')"


@transaction.atomic
def close_days() -> int:
    """Returns how many lines that came to; 0 when there was nothing to do, or somebody else is at
    it."""
    if not sql.fetch_one(_TRY).ours:
        return 0
    last, closed = _last(), closed_until()
    if closed is not None and closed >= last:
        return 0
    with sql.patient():
        return sql.execute(_CLOSE, {"last": last})


def closed_until() -> date | None:
    """The last closed day."""
    day: date | None = sql.fetch_one(_CLOSED).day
    return day


def forget() -> None:
    """In the transaction of what has changed closed days."""
    sql.fetch_one(_WAIT)
    for statement in _FORGET:
        sql.execute(statement)


def _last() -> date:
    day: date = sql.fetch_one(_LAST, {"open": OPEN_DAYS}).day
    return day
