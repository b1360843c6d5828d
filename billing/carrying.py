"""Ledger entries of a week of drawings that is long over: added up into what stands in their stead,
and dropped, in one transaction. The only writer of CarriedWeek, CarriedDay, CarriedWallet and
CarriedKey.

What came in from outside (top-ups, corrections) belongs to no week and stays for ever, as does
UsageDay: statements and reports of any time tell the same afterwards.
"""

from datetime import UTC, date, datetime
from typing import Any

from django.db import OperationalError, transaction

from billing import closing, usage
from billing.models import CarriedWeek
from common import sql
from common.partitions import dropping, guard, parts, weeks
from common.partitions.parts import Part, Partitioned

ENTRIES = Partitioned("billing_entry", "drawing")
IN_USE = "a proof, a backup or a rebuild of usage needs all entries just now; tried again"
_SETTINGS = (
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL jit = off",
    f"SET LOCAL lock_timeout = '{round(dropping.LOCK_SECONDS * 1000)}ms'",
)

# What a week's entries come to. All of it but refunds is settled when its tasks have ended.
_SUMS = """
SELECT count(*) AS number, coalesce(sum(amount), 0)::bigint AS amount,
       count(*) FILTER (WHERE kind = 'hold') AS holds,
       coalesce(sum(held) FILTER (WHERE kind = 'hold'), 0)::bigint AS held,
       -coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint AS paid,
       count(*) FILTER (WHERE kind IN ('capture', 'release')) AS ends,
       max(created_at) AS newest_at
FROM billing_entry WHERE drawing >= %(first)s AND drawing < %(until)s
"""
_NO_NEW_ONES = "LOCK TABLE ONLY {part} IN SHARE MODE"
_NEWEST = "SELECT created_at FROM {part} ORDER BY id DESC LIMIT 1"
# One look into `entry_by_wallet` for each wallet.
_NOT_ROLLED_UP = """
SELECT EXISTS (
    SELECT FROM billing_wallet wallet LEFT JOIN billing_usagemark mark ON mark.wallet_id = wallet.id
    WHERE EXISTS (
        SELECT FROM {part} entry
        WHERE entry.wallet_id = wallet.id AND entry.id > coalesce(mark.entry_id, 0)
    )
) AS is_so
"""
_ADDED = ("number", "amount", "held", "cost", "cost_unknown", "submits", "failures")
_CARRY_DAYS = f"""
INSERT INTO billing_carriedday AS known ({usage.GROUPS}, {usage.FIGURES}, submits, failures)
SELECT {usage.GROUPS}, {usage.SUMS}, sum(submits)::int, sum(failures)::int
FROM (SELECT {usage.ENTRY_AS_USAGE}, {usage.NEWS_OF_ENTRY} FROM {{part}} entry) line
GROUP BY {usage.GROUPS}
ON CONFLICT ON CONSTRAINT carried_day_is_unique DO UPDATE SET
    {", ".join(f"{name} = known.{name} + excluded.{name}" for name in _ADDED)}
"""  # noqa: S608  the parts are constants
_CARRY_WALLETS = """
INSERT INTO billing_carriedwallet AS known (wallet_id, last_id, balance_after, held_after)
SELECT last.* FROM billing_wallet wallet CROSS JOIN LATERAL (
    SELECT wallet_id, id, balance_after, held_after FROM {part}
    WHERE wallet_id = wallet.id ORDER BY id DESC LIMIT 1
) last
ON CONFLICT (wallet_id) DO UPDATE SET last_id = excluded.last_id,
    balance_after = excluded.balance_after, held_after = excluded.held_after
WHERE excluded.last_id > known.last_id
"""
# As billing/ledger.py counts them: in the periods that a hold was made in, as far as its key has
# not begun later ones. Two sums, because there is an index for each.
_PERIODS = ("day", "week", "month")
_NAMES = ", ".join(f"{name}_began, {name}_used" for name in _PERIODS)
_USED = ", ".join(
    f"""token.{name}_began, coalesce(sum(came.used) FILTER (
        WHERE came.day >= token.{name}_began AND came.day < token.{name}_began + interval '1 {name}'
    ), 0)::bigint"""
    for name in _PERIODS
)
_NEWEST_PERIODS = ", ".join(
    f"""{name}_began = excluded.{name}_began, {name}_used = excluded.{name}_used
        + CASE known.{name}_began WHEN excluded.{name}_began THEN known.{name}_used ELSE 0 END"""
    for name in _PERIODS
)
_CARRY_KEYS = f"""
INSERT INTO billing_carriedkey AS known (token_id, {_NAMES})
SELECT token.id, {_USED}
FROM billing_token token JOIN {{part}} hold ON hold.token_id = token.id AND hold.kind = 'hold'
     AND hold.created_at >= least(token.day_began, token.week_began, token.month_began)
         ::timestamp AT TIME ZONE 'UTC'
CROSS JOIN LATERAL (
    SELECT (hold.created_at AT TIME ZONE 'UTC')::date AS day, -coalesce((
        SELECT sum(amount) FROM {{part}} WHERE reference = hold.reference AND kind <> 'refund'
    ), 0) - coalesce((
        SELECT sum(amount) FROM {{part}} WHERE reference = hold.reference AND kind = 'refund'
    ), 0) AS used
) came
GROUP BY token.id
ON CONFLICT (token_id) DO UPDATE SET {_NEWEST_PERIODS}
"""  # noqa: S608  the parts are constants
# Else what was written is checked at the end, when the ledger is nobody's but ours.
_CHECK_NOW = "SET CONSTRAINTS ALL IMMEDIATE"
_KEPT_FROM = "SELECT max(newest_at) AS moment FROM billing_carriedweek"


def sums(monday: date) -> Any:
    """What the entries of a week of drawings come to: a row of _SUMS. They are all read, so in a
    patient transaction."""
    first, until = weeks.first_id(monday), weeks.first_id(monday + weeks.WEEK)
    return sql.fetch_one(_SUMS, {"first": first, "until": until})


def kept_by(monday: date, *, younger_than: datetime) -> str:
    """What the ledger needs a week's entries for, "" for nothing; at little cost. Entries since
    `younger_than` are kept, whatever they are about."""
    if (part := parts.find(ENTRIES, monday)) is None:
        return dropping.GONE
    newest = sql.fetch_one(_NEWEST.format(part=part.name))
    if newest is None:
        return ""
    if newest.created_at >= younger_than:
        return f"there is an entry of {newest.created_at:%Y-%m-%d} (a refund?)"
    if sql.fetch_one(_NOT_ROLLED_UP.format(part=part.name)).is_so:
        return "there are entries that are not added up by days yet"
    closed = closing.closed_until()
    if closed is None or closed < newest.created_at.astimezone(UTC).date():
        return f"the day {newest.created_at:%Y-%m-%d} is not closed yet"
    return ""


def drop(monday: date, *, younger_than: datetime) -> str:
    """Carries a week's entries forward and drops them, or tells why not: then all are there."""
    with transaction.atomic(), sql.patient():
        if not guard.is_alone(usage.WEEKS):
            return IN_USE
        if (part := parts.find(ENTRIES, monday)) is None:
            return dropping.GONE
        try:
            for setting in _SETTINGS:
                sql.execute(setting)
            sql.execute(_NO_NEW_ONES.format(part=part.name))
        except OperationalError as error:
            if not guard.is_busy(error):
                raise
            transaction.set_rollback(True)
            return dropping.BUSY
        why = kept_by(monday, younger_than=younger_than) or _carry(part, younger_than)
        why = why or dropping.drop([(ENTRIES, part.name)], unless=lambda: "")
        # All of it or nothing.
        transaction.set_rollback(bool(why))
        return why


def dropped_until() -> date | None:
    """The last day of which single entries are missing; None when all are there."""
    moment = sql.fetch_one(_KEPT_FROM).moment
    return None if moment is None else moment.astimezone(UTC).date()


def _carry(part: Part, younger_than: datetime) -> str:
    found = sums(part.monday)
    if found.ends != found.holds:
        return f"{found.holds - found.ends} of its holds have not ended"
    if found.newest_at is not None and found.newest_at >= younger_than:
        return f"there is an entry of {found.newest_at:%Y-%m-%d}"
    for statement in (_CARRY_DAYS, _CARRY_WALLETS, _CARRY_KEYS):
        sql.execute(statement.format(part=part.name))
    sql.execute(_CHECK_NOW)
    CarriedWeek.objects.create(
        monday=part.monday,
        **{
            name: getattr(found, name)
            for name in ("number", "amount", "holds", "held", "paid", "newest_at")
        },
    )
    return ""
