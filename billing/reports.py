"""What the site earns: revenue, refunds, cost and margin of all tenants' real money."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billing import closing
from billing.margins import Margins
from billing.models import Tenant, Token
from billing.periods import Period
from common import sql

LINES_MAX = 20_000
# What a report can be split by, and the SQL of it.
DIMENSIONS = {
    "day": "usage.day",
    "channel": "usage.channel",
    "tenant": "chosen.tenant_id",
    "key": "usage.token_id",
    "action": "usage.price_name",
    "mode": "usage.mode",
}
# The roll-ups of closed days, the smallest first, and what each tells.
_CLOSED_DAYS = "billing_earnedday"
_CLOSED_TABLES = {
    _CLOSED_DAYS: {"day", "channel", "action", "mode"},
    "billing_earnedkey": {"day", "tenant", "key"},
    "billing_earnedkeychannel": {"day", "tenant", "key", "channel"},
    "billing_earnedkeyaction": {"day", "tenant", "key", "action", "mode"},
}
_WITH_CHANNELS = {table for table, told in _CLOSED_TABLES.items() if "channel" in told}

_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in closing.FIGURE_NAMES)


@dataclass(frozen=True)
class Figures(Margins):
    """Money in micro-units. A release is a hold that came to nothing."""

    captures: int = 0
    revenue: int = 0
    refunds: int = 0
    refunded: int = 0
    releases: int = 0
    cost: int = 0
    cost_unknown: int = 0


@dataclass(frozen=True)
class Line:
    """`values`: what it is about, in the order of the report's `by`. Of a channel its number (None:
    not drawn by any, or from before channels were kept), of a tenant and of a key its id."""

    values: tuple[Any, ...]
    figures: Figures


@dataclass(frozen=True)
class Report:
    by: tuple[str, ...]
    period: Period
    lines: tuple[Line, ...]
    tenants: dict[int, str]
    keys: dict[int, str]

    @property
    def total(self) -> Figures:
        return sum((line.figures for line in self.lines), Figures())


# Closed days come from one of the roll-ups of them, where it tells all that is asked for, others
# from UsageDay. Entries that are in no roll-up yet are taken one by one: OFFSET keeps the planner
# from reading the whole ledger for them. One statement sees all in one snapshot. (Sums are made
# before they are cut, or the planner would look for the quickest way to the first lines.)
_REPORT = """
WITH chosen AS (
    SELECT id AS wallet_id, tenant_id FROM billing_wallet
    WHERE NOT is_test AND (%(tenant)s::bigint IS NULL OR tenant_id = %(tenant)s)
), line AS (
    {closed}
    SELECT {names} {sums} FROM (
        SELECT {open_columns} {figures}
        FROM billing_usageday usage JOIN billing_wallet chosen ON chosen.id = usage.wallet_id
        WHERE NOT is_test AND (%(tenant)s::bigint IS NULL OR tenant_id = %(tenant)s)
          AND usage.day BETWEEN %(first)s AND %(last)s AND kind IN {kinds} {after}
          AND (%(channel)s::bigint IS NULL OR usage.channel = %(channel)s)
    ) day_by_day {grouped}
    UNION ALL
    SELECT {open_columns} {figures}
    FROM chosen LEFT JOIN billing_usagemark mark USING (wallet_id) CROSS JOIN LATERAL (
        SELECT entry.kind, entry.token_id, entry.price_name, entry.mode, entry.channel,
               (entry.created_at AT TIME ZONE 'UTC')::date AS day, 1 AS number, entry.amount,
               coalesce(entry.cost, 0) AS cost,
               (entry.kind = 'capture' AND entry.cost IS NULL)::int AS cost_unknown
        FROM billing_entry entry
        WHERE entry.wallet_id = chosen.wallet_id AND entry.id > coalesce(mark.entry_id, 0)
        OFFSET 0
    ) usage
    WHERE usage.day BETWEEN %(first)s AND %(last)s AND kind IN {kinds}
      AND (%(channel)s::bigint IS NULL OR usage.channel = %(channel)s)
), sums AS MATERIALIZED (
    SELECT {names} {sums} FROM line {grouped} {something}
)
SELECT * FROM sums {ordered} LIMIT %(limit)s
"""
# The last closed day has a line without anything (billing/closing.py).
_SOMETHING = "HAVING sum(captures + refunds + releases) > 0"
_CLOSED = """
SELECT {columns} {names} FROM {table}
WHERE usage.day BETWEEN %(first)s AND %(last)s
  AND (%(channel)s::bigint IS NULL OR {channel} = %(channel)s)
UNION ALL
"""


def report(
    *,
    by: Sequence[str],
    period: Period,
    tenant_id: int | None = None,
    channel_id: int | None = None,
    lines_max: int | None = None,
) -> Report:
    """Split by any of DIMENSIONS, by none into one line; in the order of what it is split by. Of
    all tenants and channels, or of one.

    A release has no channel: no channel was paid for it. Raises ValueError for anything else, and
    when it would be longer than `lines_max`, or LINES_MAX.
    """
    by = check_dimensions(by)
    most = lines_max or LINES_MAX
    params = {
        "first": period.first,
        "last": period.last,
        "limit": most + 1,
        "tenant": tenant_id,
        "channel": channel_id,
    }
    statement = _statement(by, of_all=tenant_id is None, of_all_channels=channel_id is None)
    rows = sql.read_all(statement, params)
    if len(rows) > most:
        raise ValueError(
            f"this report has more than {most} lines: take fewer days or split it less"
        )
    lines = tuple(Line(tuple(row[: len(by)]), Figures(*row[len(by) :])) for row in rows)
    tenants, keys = _names(Tenant, "tenant", by, lines), _names(Token, "key", by, lines)
    return Report(by, period, lines, tenants, keys)


def check_dimensions(by: Sequence[str]) -> tuple[str, ...]:
    """Raises ValueError for an unknown one, and one that comes twice."""
    for name in by:
        if name not in DIMENSIONS:
            raise ValueError(f"a report is split by {', '.join(DIMENSIONS)}, not by {name!r}")
    if len(set(by)) != len(by):
        raise ValueError("a report is split by each of these once")
    return tuple(by)


def _statement(by: tuple[str, ...], *, of_all: bool, of_all_channels: bool) -> str:
    columns = "".join(f"{DIMENSIONS[name]} AS {name}_, " for name in by)
    names = "".join(f"{name}_, " for name in by)
    closed = _closed(by, columns, of_all=of_all, of_all_channels=of_all_channels)
    return _REPORT.format(
        closed=closed,
        after=f"AND {closing.IS_OPEN}" if closed else "",
        open_columns=columns,
        figures=closing.FIGURES_OF_USAGE,
        kinds=closing.OF_REPORTS,
        names=names,
        sums=_SUMS,
        grouped=f"GROUP BY {names.rstrip(', ')}" if by else "",
        something=_SOMETHING if by else "",
        ordered=f"ORDER BY {names.rstrip(', ')}" if by else "",
    )


def _closed(by: tuple[str, ...], columns: str, *, of_all: bool, of_all_channels: bool) -> str:
    """The part of closed days; nothing where they are not added up in that way. (Of one tenant
    there is not much to add up.)"""
    asked = {*by} if of_all_channels else {*by, "channel"}
    table = _closed_table(asked) if of_all else ""
    if not table:
        return ""
    channel = "usage.channel" if table in _WITH_CHANNELS else "NULL::bigint"
    source = f"{table} usage"
    if table != _CLOSED_DAYS:
        source += " JOIN chosen USING (wallet_id)"
    figures = ", ".join(closing.FIGURE_NAMES)
    return _CLOSED.format(columns=columns, names=figures, table=source, channel=channel)


def _closed_table(asked: set[str]) -> str:
    """The smallest that tells all that is asked for."""
    return next((table for table, told in _CLOSED_TABLES.items() if asked <= told), "")


def _names(
    kind: type[Tenant | Token], dimension: str, by: tuple[str, ...], lines: tuple[Line, ...]
) -> dict[int, str]:
    if dimension not in by:
        return {}
    place = by.index(dimension)
    ids = {line.values[place] for line in lines}
    return dict(kind.objects.filter(pk__in=ids).values_list("pk", "name"))
