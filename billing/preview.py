"""What real traffic has earned, and what it would have earned under another price book.

Counted are captures of real money (none of test keys), as they were made: what was refunded later
is in there, for the draft as for the past, so that the two compare. Each drawing is priced anew in
the mode that it was bought in, for the group that its key uses today, and rounded by itself; that
an upstream ended some in a cheaper mode is only in what was earned.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any, NamedTuple, TypeVar

from billing import pricing, usage
from billing.errors import PriceMissing
from billing.models import PriceBook
from billing.pricing import Buyer, Prices
from common import sql

# A price name, and what it is called too (relay/actions.py).
NamesOf = Callable[[str], Sequence[str]]
Key = TypeVar("Key", str, tuple[str, str], tuple[str, int, str, str])

_TRAFFIC = """
SELECT tenant.id AS tenant_id, tenant.name AS tenant, tenant.group_id AS home_id,
       coalesce(token.group_id, tenant.group_id) AS group_id, day.price_name, day.mode,
       sum(day.number)::bigint AS number, -sum(day.amount)::bigint AS earned
FROM billing_usageday day
JOIN billing_wallet wallet ON wallet.id = day.wallet_id AND NOT wallet.is_test
JOIN billing_tenant tenant ON tenant.id = wallet.tenant_id
LEFT JOIN billing_token token ON token.id = day.token_id
WHERE day.kind = 'capture' AND day.day BETWEEN %(first)s AND %(last)s
GROUP BY 1, 2, 3, 4, 5, 6
"""


class Days(NamedTuple):
    """From the first to the last, both included, UTC."""

    first: date
    last: date


class Figures(NamedTuple):
    """Numbers of drawings, and micro-units. `refused` of `number` have no price in the book: they
    are in `earned` and not in `would_earn`."""

    number: int = 0
    refused: int = 0
    earned: int = 0
    would_earn: int = 0

    def plus(self, other: "Figures") -> "Figures":
        return Figures(*(mine + its for mine, its in zip(self, other, strict=True)))


class Line(NamedTuple):
    """One action in one mode of one tenant."""

    tenant_id: int
    tenant: str
    price_name: str
    mode: str
    figures: Figures


class Preview(NamedTuple):
    days: Days
    lines: list[Line]

    @property
    def total(self) -> Figures:
        return reduce(Figures.plus, (line.figures for line in self.lines), Figures())

    def by_action(self) -> dict[tuple[str, str], Figures]:
        """By price name and mode."""
        return _sums(((line.price_name, line.mode), line.figures) for line in self.lines)

    def by_tenant(self) -> dict[str, Figures]:
        """By the tenants' names."""
        return _sums((line.tenant, line.figures) for line in self.lines)

    def refused(self) -> list[Line]:
        """What the book has no price for."""
        return [line for line in self.lines if line.figures.refused]


def yesterday() -> Days:
    day = datetime.now(UTC).date() - timedelta(days=1)
    return Days(day, day)


def last_30_days() -> Days:
    """The 30 days that are over."""
    return Days(yesterday().last - timedelta(days=29), yesterday().last)


def of(book: PriceBook | None, *, days: Days, names_of: NamesOf) -> Preview:
    """What these days earned, and would have under `book`, which may be a draft; without one
    everything is refused. Raises ValueError when they end before they begin."""
    if days.last < days.first:
        raise ValueError("the last day is before the first")
    usage.roll_up()
    prices = pricing.read(book)
    # One tenant's keys may use several groups.
    sums = _sums(
        ((row.tenant, row.tenant_id, row.price_name, row.mode), _figures(prices, row, names_of))
        for row in sql.fetch_all(_TRAFFIC, days._asdict())
    )
    return Preview(
        days,
        [
            Line(tenant_id, tenant, price_name, mode, figures)
            for (tenant, tenant_id, price_name, mode), figures in sums.items()
        ],
    )


def _figures(prices: Prices, row: Any, names_of: NamesOf) -> Figures:
    buyer = Buyer(tenant_id=row.tenant_id, group_id=row.group_id, home_id=row.home_id)
    try:
        price = prices.quote(names=names_of(row.price_name), mode=row.mode, buyer=buyer).amount
    except PriceMissing:
        return Figures(row.number, row.number, row.earned, 0)
    return Figures(row.number, 0, row.earned, row.number * price)


def _sums(parts: Iterable[tuple[Key, Figures]]) -> dict[Key, Figures]:
    """In the order of the keys."""
    sums: dict[Key, Figures] = defaultdict(Figures)
    for key, figures in parts:
        sums[key] = sums[key].plus(figures)
    return {key: sums[key] for key in sorted(sums)}
