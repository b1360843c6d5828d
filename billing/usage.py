"""The roll-ups of the ledger: UsageDay for lists and reports, UsageHour and UsageTotal for figures
(billing/figures.py), kept from the entries together and always rebuildable.

Each wallet has a mark: the entries up to it are in all of them, those after it are not yet. That is
exact because a wallet's entries become visible in the order of their ids: every statement of
billing/ledger.py locks the wallet before it draws the entry's id, and keeps the lock until its
commit. (Over all wallets the ids do not come in order, so there is no mark for all of them.)

Whoever rolls up holds the mark's lock until its commit: two at once never count an entry twice, a
crash leaves mark and roll-ups as they were.
"""

from django.db import transaction

from billing import closing
from billing.models import Wallet
from common import sql
from common.partitions import guard

# How much one transaction takes on: short enough for nobody to wait for it.
WALLETS_PER_GO = 200
ENTRIES_PER_GO = 50_000
# How long hours are kept.
HOURS_DAYS = 9
# Locked by who needs all entries to stay, and by who takes some away.
WEEKS = "billing_carriedweek"

GROUPS = "wallet_id, day, kind, token_id, price_name, mode, channel"
FIGURES = "number, amount, held, cost, cost_unknown"
ENTRY_AS_USAGE = """
    entry.wallet_id, (entry.created_at AT TIME ZONE 'UTC')::date AS day, entry.kind,
    entry.token_id, entry.price_name, entry.mode, entry.channel,
    1 AS number, entry.amount, entry.held, coalesce(entry.cost, 0) AS cost,
    (entry.kind = 'capture' AND entry.cost IS NULL)::int AS cost_unknown"""
SUMS = """
    sum(number)::int AS number, sum(amount)::bigint AS amount, sum(held)::bigint AS held,
    sum(cost)::bigint AS cost, sum(cost_unknown)::int AS cost_unknown"""

# The usage of the wallets in a part `chosen(wallet_id)` up to this moment: the days and, entry by
# entry, what is not in them yet. One statement sees both in one snapshot, so nothing is missing and
# nothing counts twice. OFFSET keeps the planner from reading the whole ledger for it.
USAGE = f"""
usage AS (
    SELECT {GROUPS}, {FIGURES} FROM billing_usageday JOIN chosen USING (wallet_id)
    UNION ALL
    SELECT {ENTRY_AS_USAGE}
    FROM chosen LEFT JOIN billing_usagemark mark USING (wallet_id) CROSS JOIN LATERAL (
        SELECT * FROM billing_entry
        WHERE wallet_id = chosen.wallet_id AND id > coalesce(mark.entry_id, 0) OFFSET 0
    ) entry
)"""  # noqa: S608  the parts are constants

# What one entry tells. Only the first hold of a drawing has its bare number for a reference, others
# have something behind it. A release that says why and that nobody has ordered gives back what
# waits for its confirmation: nothing has failed.
OUTCOME_NAMES = (
    "submits", "successes", "failures", "revenue", "refunds", "refunded", "cost", "cost_unknown",
)  # fmt: skip
NEWS_OF_ENTRY = """
    (entry.kind = 'hold' AND strpos(entry.reference, ':') = 0)::int AS submits,
    (entry.kind = 'capture')::int AS successes,
    (entry.kind = 'release' AND (entry.memo = '' OR entry.actor <> ''))::int AS failures,
    CASE entry.kind WHEN 'capture' THEN -entry.amount ELSE 0 END AS revenue,
    (entry.kind = 'refund')::int AS refunds,
    CASE entry.kind WHEN 'refund' THEN entry.amount ELSE 0 END AS refunded"""
_COST_OF_ENTRY = """
    coalesce(entry.cost, 0) AS cost,
    (entry.kind = 'capture' AND entry.cost IS NULL)::int AS cost_unknown"""
OUTCOME_OF_ENTRY = f"{NEWS_OF_ENTRY}, {_COST_OF_ENTRY}"
OF_DRAWINGS = "('hold', 'capture', 'release', 'refund')"
_OUTCOMES = ", ".join(OUTCOME_NAMES)
OUTCOME_SUMS = ", ".join(f"sum({name})::bigint AS {name}" for name in OUTCOME_NAMES)
_OUTCOME_RISE = ", ".join(f"{name} = known.{name} + excluded.{name}" for name in OUTCOME_NAMES)

_NEW_MARKS = """
INSERT INTO billing_usagemark (wallet_id, entry_id)
SELECT id, 0 FROM billing_wallet
WHERE NOT EXISTS (SELECT FROM billing_usagemark WHERE wallet_id = billing_wallet.id)
ORDER BY id
ON CONFLICT DO NOTHING
"""
# One look into the index `entry_by_wallet` for each wallet, however many entries there are.
_WITH_NEWS = """
SELECT wallet_id FROM billing_usagemark mark
WHERE entry_id < (SELECT max(id) FROM billing_entry WHERE wallet_id = mark.wallet_id)
ORDER BY wallet_id
"""
_LOCK_MARKS = """
SELECT wallet_id FROM billing_usagemark WHERE wallet_id = ANY(%(wallets)s)
ORDER BY wallet_id FOR UPDATE SKIP LOCKED
"""
_WAIT_FOR_MARK = "SELECT FROM billing_usagemark WHERE wallet_id = %(wallet)s FOR UPDATE"

# Runs under the marks' locks, in a statement of its own: it sees all that was rolled up before.
_ROLL = f"""
WITH usage AS MATERIALIZED (
    SELECT entry.id, {ENTRY_AS_USAGE}, {NEWS_OF_ENTRY},
           date_trunc('hour', entry.created_at, 'UTC') AS hour
    FROM billing_usagemark mark CROSS JOIN LATERAL (
        SELECT * FROM billing_entry
        WHERE wallet_id = mark.wallet_id AND id > mark.entry_id
        ORDER BY id LIMIT %(limit)s
    ) entry
    WHERE mark.wallet_id = ANY(%(wallets)s)
), days AS (
    INSERT INTO billing_usageday AS day ({GROUPS}, {FIGURES})
    SELECT {GROUPS}, {SUMS} FROM usage GROUP BY {GROUPS}
    ON CONFLICT ON CONSTRAINT usage_day_is_unique DO UPDATE SET
        number = day.number + excluded.number, amount = day.amount + excluded.amount,
        held = day.held + excluded.held, cost = day.cost + excluded.cost,
        cost_unknown = day.cost_unknown + excluded.cost_unknown
), hours AS (
    INSERT INTO billing_usagehour AS known (wallet_id, hour, price_name, mode, {_OUTCOMES})
    SELECT wallet_id, hour, price_name, mode, {OUTCOME_SUMS} FROM usage
    WHERE kind IN {OF_DRAWINGS} AND hour > now() - make_interval(days => %(hours_days)s)
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (wallet_id, hour, price_name, mode) DO UPDATE SET {_OUTCOME_RISE}
), totals AS (
    INSERT INTO billing_usagetotal AS known (wallet_id, day, {_OUTCOMES})
    SELECT wallet_id, day, {OUTCOME_SUMS} FROM usage WHERE kind IN {OF_DRAWINGS} GROUP BY 1, 2
    ON CONFLICT (wallet_id, day) DO UPDATE SET {_OUTCOME_RISE}
), last AS (
    SELECT wallet_id, max(id) AS id, count(*) AS number, min(day) AS day
    FROM usage GROUP BY wallet_id
)
UPDATE billing_usagemark SET entry_id = last.id
FROM last WHERE billing_usagemark.wallet_id = last.wallet_id
RETURNING last.wallet_id, last.number,
          last.day <= (SELECT max(day) FROM billing_earnedday) AS is_closed
"""  # noqa: S608  the parts are constants

_FORGET = (
    "DELETE FROM billing_usageday WHERE wallet_id = %(wallet)s",
    "DELETE FROM billing_usagehour WHERE wallet_id = %(wallet)s",
    "DELETE FROM billing_usagetotal WHERE wallet_id = %(wallet)s",
)
# What is known of entries that are gone (billing/carrying.py); they are older than any hour.
_CARRIED = (
    f"""
    INSERT INTO billing_usageday ({GROUPS}, {FIGURES})
    SELECT {GROUPS}, {FIGURES} FROM billing_carriedday WHERE wallet_id = %(wallet)s
    """,  # noqa: S608  the parts are constants
    f"""
    INSERT INTO billing_usagetotal (wallet_id, day, {_OUTCOMES})
    SELECT wallet_id, day, {OUTCOME_SUMS} FROM (
        SELECT wallet_id, day, submits, failures, cost, cost_unknown,
               CASE kind WHEN 'capture' THEN number ELSE 0 END AS successes,
               CASE kind WHEN 'capture' THEN -amount ELSE 0 END AS revenue,
               CASE kind WHEN 'refund' THEN number ELSE 0 END AS refunds,
               CASE kind WHEN 'refund' THEN amount ELSE 0 END AS refunded
        FROM billing_carriedday WHERE wallet_id = %(wallet)s
    ) line GROUP BY 1, 2
    """,  # noqa: S608  the parts are constants
)
_SWEEP = "DELETE FROM billing_usagehour WHERE hour < now() - make_interval(days => %(days)s)"
_MARK_NOTHING = "UPDATE billing_usagemark SET entry_id = 0 WHERE wallet_id = %(wallet)s"


def roll_up() -> int:
    """Adds what is new in the ledger to UsageDay; returns how many entries that was.

    May run any number of times at once: a wallet that somebody else is at is left to him.
    """
    sql.execute(_NEW_MARKS)
    wallets = [row.wallet_id for row in sql.fetch_all(_WITH_NEWS)]
    starts = range(0, len(wallets), WALLETS_PER_GO)
    return sum(_roll_all(wallets[start : start + WALLETS_PER_GO]) for start in starts)


def sweep() -> int:
    """Drops hours that are too old; returns how many lines."""
    return sql.execute(_SWEEP, {"days": HOURS_DAYS})


def rebuild(wallet_id: int | None = None) -> int:
    """Forgets what was rolled up of a wallet, or of each, and does it anew; returns how many
    entries that was. Readers see the old days or the new ones, never a part."""
    wallets = Wallet.objects.order_by("pk").values_list("pk", flat=True)
    chosen = list(wallets) if wallet_id is None else [wallet_id]
    sql.execute(_NEW_MARKS)
    return sum(_rebuild(wallet) for wallet in chosen)


@transaction.atomic
def _rebuild(wallet_id: int) -> int:
    with sql.patient():
        # No entry goes meanwhile: it would be in nothing.
        guard.keep(WEEKS)
        sql.execute(_WAIT_FOR_MARK, {"wallet": wallet_id})
        for statement in (*_FORGET, *_CARRIED):
            sql.execute(statement, {"wallet": wallet_id})
        closing.forget()
        sql.execute(_MARK_NOTHING, {"wallet": wallet_id})
        return _roll_all([wallet_id])


def _roll_all(wallets: list[int]) -> int:
    """Until nothing is left of these wallets' news. One with very many does not stop the others:
    the fewer still have news, the more of each is taken on at once."""
    total = 0
    while wallets:
        limit = ENTRIES_PER_GO // len(wallets)
        rolled = _roll(wallets, limit=limit)
        total += sum(rolled.values())
        wallets = [wallet for wallet, number in rolled.items() if number == limit]
    return total


@transaction.atomic
def _roll(wallets: list[int], *, limit: int) -> dict[int, int]:
    """At most `limit` entries of each wallet that nobody else is at: how many, by wallet."""
    locked = [row.wallet_id for row in sql.fetch_all(_LOCK_MARKS, {"wallets": wallets})]
    with sql.patient():
        params = {"wallets": locked, "limit": limit, "hours_days": HOURS_DAYS}
        rows = sql.fetch_all(_ROLL, params)
        if any(row.is_closed for row in rows):
            closing.forget()
    return {row.wallet_id: row.number for row in rows}
