"""Figures for pages: what was begun, paid and spent, by hours and by days, up to this moment.

They come from the roll-ups UsageHour and UsageTotal (billing/usage.py), whose size depends on how
many tenants there are and not on how much they draw, and from the few entries after the marks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

from billing import usage
from billing.margins import Margins
from billing.usage import HOURS_DAYS
from common import sql

HOURS = 24
DAYS = 30
_SUMS = usage.OUTCOME_SUMS
_NAMES = ", ".join(usage.OUTCOME_NAMES)

# Of the site: all real money. Of a tenant: one of his wallets.
_ALL = "SELECT id AS wallet_id FROM billing_wallet WHERE NOT is_test"
_ONE = "SELECT %(wallet)s::bigint AS wallet_id"
# Entries that are in no roll-up yet. OFFSET keeps the planner from reading the whole ledger.
_TAIL = f"""
tail AS (
    SELECT entry.price_name, entry.mode, entry.created_at, {usage.OUTCOME_OF_ENTRY}
    FROM chosen LEFT JOIN billing_usagemark mark USING (wallet_id) CROSS JOIN LATERAL (
        SELECT * FROM billing_entry
        WHERE wallet_id = chosen.wallet_id AND id > coalesce(mark.entry_id, 0) OFFSET 0
    ) entry
    WHERE entry.kind IN {usage.OF_DRAWINGS} AND entry.created_at >= %(since)s
)"""  # noqa: S608  the parts are constants
_HOURS = """
WITH chosen AS ({chosen}), {tail}
SELECT at, {columns} {sums} FROM (
    SELECT hour AS at, price_name, mode, {names}
    FROM billing_usagehour JOIN chosen USING (wallet_id) WHERE hour >= %(since)s
    UNION ALL
    SELECT date_trunc('hour', created_at, 'UTC'), price_name, mode, {names} FROM tail
) line
GROUP BY at {grouped} ORDER BY at {grouped}
"""
_DAYS = """
WITH chosen AS ({chosen}), {tail}
SELECT at, {sums} FROM (
    SELECT day AS at, {names}
    FROM billing_usagetotal JOIN chosen USING (wallet_id)
    WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT (created_at AT TIME ZONE 'UTC')::date, {names} FROM tail
) line
GROUP BY at ORDER BY at
"""


@dataclass(frozen=True)
class Outcomes(Margins):
    """What billing.models.Outcomes says of each. Money in micro-units."""

    submits: int = 0
    successes: int = 0
    failures: int = 0
    revenue: int = 0
    refunds: int = 0
    refunded: int = 0
    cost: int = 0
    cost_unknown: int = 0

    @property
    def success_rate(self) -> float | None:
        """Of 1, among those that have ended; None without any."""
        ended = self.successes + self.failures
        return round(self.successes / ended, 4) if ended else None


@dataclass(frozen=True)
class HourLine:
    """One action in one mode in one hour (UTC)."""

    at: datetime
    price_name: str
    mode: str
    outcomes: Outcomes


def total(outcomes: Iterable[Outcomes]) -> Outcomes:
    return sum(outcomes, Outcomes())


def by_hour(*, wallet_id: int | None = None, hours: int = HOURS) -> dict[datetime, Outcomes]:
    """The last `hours` (UTC), the present one among them, from the oldest on; those without
    anything too. Without a wallet: all real money. At most as many as are kept."""
    first = _first_hour(hours)
    rows = sql.read_all(_hours(wallet_id, split=False), {"wallet": wallet_id, "since": first})
    found = {first + timedelta(hours=number): Outcomes() for number in range(hours)}
    return found | {row.at: Outcomes(*row[1:]) for row in rows}


def actions_by_hour(wallet_id: int, *, hours: int = HOURS) -> list[HourLine]:
    """The same split by action and mode; what is nothing is left out."""
    params = {"wallet": wallet_id, "since": _first_hour(hours)}
    rows = sql.read_all(_hours(wallet_id, split=True), params)
    return [HourLine(row.at, row.price_name, row.mode, Outcomes(*row[3:])) for row in rows]


def by_day(*, wallet_id: int | None = None, days: int = DAYS) -> dict[date, Outcomes]:
    """The last `days` (UTC), today among them, from the oldest on; those without anything too.
    Without a wallet: all real money."""
    first = _now().date() - timedelta(days=days - 1)
    since = datetime.combine(first, datetime.min.time(), UTC)
    statement = _DAYS.format(chosen=_chosen(wallet_id), tail=_TAIL, sums=_SUMS, names=_NAMES)
    rows = sql.read_all(statement, {"wallet": wallet_id, "since": since})
    found = {first + timedelta(days=number): Outcomes() for number in range(days)}
    return found | {row.at: Outcomes(*row[1:]) for row in rows}


def _hours(wallet_id: int | None, *, split: bool) -> str:
    columns = "price_name, mode" if split else ""
    return _HOURS.format(
        chosen=_chosen(wallet_id),
        tail=_TAIL,
        sums=_SUMS,
        names=_NAMES,
        columns=f"{columns}," if split else "",
        grouped=f", {columns}" if split else "",
    )


def _chosen(wallet_id: int | None) -> str:
    return _ALL if wallet_id is None else _ONE


def _first_hour(hours: int) -> datetime:
    if not 0 < hours <= HOURS_DAYS * 24:
        raise ValueError(f"hours are kept for {HOURS_DAYS} days")
    present = _now().replace(minute=0, second=0, microsecond=0)
    return present - timedelta(hours=hours - 1)


def _now() -> datetime:
    """By the database's clock, which dates the entries."""
    now: datetime = sql.fetch_one("SELECT statement_timestamp() AS now").now
    return now.astimezone(UTC)


def as_dict(outcomes: Outcomes) -> dict[str, Any]:
    """All of it, with what follows from it."""
    told: dict[str, Any] = {field.name: getattr(outcomes, field.name) for field in fields(outcomes)}
    derived = ("net", "margin", "margin_at_most", "success_rate")
    return told | {name: getattr(outcomes, name) for name in derived}
