"""What the site earns: revenue, refunds, cost and margin of all tenants' real money."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from billing import usage
from billing.models import Tenant
from billing.periods import Period
from common import sql

LINES_MAX = 20_000
# What a report can be split by, and the SQL of it.
DIMENSIONS = {
    "day": "usage.day",
    "channel": "usage.channel",
    "tenant": "wallet.tenant_id",
    "action": "usage.price_name",
    "mode": "usage.mode",
}


@dataclass(frozen=True)
class Figures:
    """Money in micro-units. A release is a hold that came to nothing."""

    captures: int = 0
    revenue: int = 0
    refunds: int = 0
    refunded: int = 0
    releases: int = 0
    cost: int = 0
    cost_unknown: int = 0

    @property
    def net(self) -> int:
        return self.revenue - self.refunded

    @property
    def margin(self) -> int | None:
        """None while the cost of a drawing is not known: it is not nothing."""
        return None if self.cost_unknown else self.margin_at_most

    @property
    def margin_at_most(self) -> int:
        """As if drawings of unknown cost had cost nothing."""
        return self.net - self.cost

    def __add__(self, other: "Figures") -> "Figures":
        names = [field.name for field in fields(self)]
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True)
class Line:
    """`values`: what it is about, in the order of the report's `by`. Of a channel its number (None:
    not drawn by any, or from before channels were kept), of a tenant its id."""

    values: tuple[Any, ...]
    figures: Figures


@dataclass(frozen=True)
class Report:
    by: tuple[str, ...]
    period: Period
    lines: tuple[Line, ...]
    tenants: dict[int, str]

    @property
    def total(self) -> Figures:
        return sum((line.figures for line in self.lines), Figures())


_REPORT = """
WITH chosen AS (SELECT id AS wallet_id FROM billing_wallet WHERE NOT is_test), {usage}
SELECT {keys}
       coalesce(sum(number) FILTER (WHERE kind = 'capture'), 0)::int AS captures,
       -coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint AS revenue,
       coalesce(sum(number) FILTER (WHERE kind = 'refund'), 0)::int AS refunds,
       coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::bigint AS refunded,
       coalesce(sum(number) FILTER (WHERE kind = 'release'), 0)::int AS releases,
       coalesce(sum(cost), 0)::bigint AS cost,
       coalesce(sum(cost_unknown), 0)::int AS cost_unknown
FROM usage JOIN billing_wallet wallet ON wallet.id = usage.wallet_id
WHERE day BETWEEN %(first)s AND %(last)s AND kind IN ('capture', 'refund', 'release')
{grouped}
LIMIT %(limit)s
"""


def report(*, by: Sequence[str], period: Period) -> Report:
    """Split by any of DIMENSIONS, by none into one line; in the order of what it is split by.

    A release has no channel: no channel was paid for it. Raises ValueError for anything else, and
    when it would be longer than LINES_MAX.
    """
    by = check_dimensions(by)
    rows = sql.fetch_all(
        _statement(by), {"first": period.first, "last": period.last, "limit": LINES_MAX + 1}
    )
    if len(rows) > LINES_MAX:
        raise ValueError(
            f"this report has more than {LINES_MAX} lines: take fewer days or split it less"
        )
    lines = tuple(Line(tuple(row[: len(by)]), Figures(*row[len(by) :])) for row in rows)
    return Report(by, period, lines, _tenant_names(by, lines))


def check_dimensions(by: Sequence[str]) -> tuple[str, ...]:
    """Raises ValueError for an unknown one, and one that comes twice."""
    for name in by:
        if name not in DIMENSIONS:
            raise ValueError(f"a report is split by {', '.join(DIMENSIONS)}, not by {name!r}")
    if len(set(by)) != len(by):
        raise ValueError("a report is split by each of these once")
    return tuple(by)


def _statement(by: tuple[str, ...]) -> str:
    keys = "".join(f"{DIMENSIONS[name]} AS {name}, " for name in by)
    places = ", ".join(str(place) for place in range(1, len(by) + 1))
    grouped = f"GROUP BY {places} ORDER BY {places}" if by else ""
    return _REPORT.format(usage=usage.USAGE, keys=keys, grouped=grouped)


def _tenant_names(by: tuple[str, ...], lines: tuple[Line, ...]) -> dict[int, str]:
    if "tenant" not in by:
        return {}
    place = by.index("tenant")
    ids = {line.values[place] for line in lines}
    return dict(Tenant.objects.filter(pk__in=ids).values_list("pk", "name"))
