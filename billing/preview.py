"""What real traffic has earned, and what it would have earned under another price book.

Counted are captures of real money (none of test keys), as they were made: what was refunded later
is in there, for the draft as for the past, so that the two compare. Each drawing is priced anew in
the mode that it was bought in, for the group that its key uses today, and rounded by itself; that
an upstream ended some in a cheaper mode is only in what was earned.

The database adds it all up; the prices are worked out here (billing/pricing.py), one for each kind
of buyer and each thing that was bought, and told to it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from billing import closing, pricing, usage
from billing.errors import PriceMissing
from billing.models import PriceBook
from billing.pricing import Buyer, Prices
from common import sql

# A price name, and what it is called too (relay/actions.py).
NamesOf = Callable[[str], Sequence[str]]

_IS_OPEN = f"""
    usage.kind = 'capture' AND usage.day BETWEEN %(first)s AND %(last)s AND {closing.IS_OPEN}"""
# Tenants without prices of their own, whose number is 0 here, pay what their group does.
_OWN = "CASE WHEN tenant.id = ANY(%(own)s::bigint[]) THEN tenant.id ELSE 0 END"
# Every kind of buyer with all that was bought.
_TO_PRICE = f"""
WITH buyer AS (
    SELECT {_OWN} AS own_id, group_id, group_id AS home_id FROM billing_tenant tenant
    UNION
    SELECT {_OWN}, token.group_id, tenant.group_id
    FROM billing_token token JOIN billing_tenant tenant ON tenant.id = token.tenant_id
    WHERE token.group_id IS NOT NULL
), bought AS (
    SELECT price_name, mode FROM billing_earnedday
    WHERE captures > 0 AND day BETWEEN %(first)s AND %(last)s
    UNION
    SELECT price_name, mode FROM billing_usageday usage WHERE {_IS_OPEN}
)
SELECT own_id, group_id, home_id, price_name, mode FROM buyer CROSS JOIN bought
"""  # noqa: S608  the parts are constants
# Of closed days (billing/closing.py) what they were added up to. Three lists in one, all of the
# same lines: by action and mode, by tenant, and by both. (Sums of small numbers are quicker.)
_TRAFFIC = f"""
WITH day AS (
    SELECT wallet_id, token_id, price_name, mode, captures::int AS number, revenue AS earned
    FROM billing_earnedkeyaction WHERE captures > 0 AND day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT wallet_id, token_id, price_name, mode, number, -amount
    FROM billing_usageday usage WHERE {_IS_OPEN}
), paid AS MATERIALIZED (
    SELECT wallet_id, token_id, price_name, mode, sum(number) AS number, sum(earned) AS earned
    FROM day GROUP BY 1, 2, 3, 4
), line AS MATERIALIZED (
    SELECT tenant.id AS tenant_id, tenant.name AS tenant, paid.price_name, paid.mode,
           sum(paid.number) AS number, sum(paid.earned) AS earned,
           coalesce(sum(paid.number) FILTER (WHERE price.amount IS NULL), 0) AS refused,
           coalesce(sum(paid.number * price.amount), 0) AS would_earn
    FROM paid JOIN billing_wallet wallet ON wallet.id = paid.wallet_id AND NOT wallet.is_test
    JOIN billing_tenant tenant ON tenant.id = wallet.tenant_id
    LEFT JOIN billing_token token ON token.id = paid.token_id
    LEFT JOIN unnest(%(own_ids)s::bigint[], %(group_ids)s::bigint[], %(home_ids)s::bigint[],
                     %(price_names)s::text[], %(modes)s::text[], %(amounts)s::numeric[])
         price (own_id, group_id, home_id, price_name, mode, amount)
      ON price.own_id = {_OWN} AND price.home_id = tenant.group_id
     AND price.group_id = coalesce(token.group_id, tenant.group_id)
     AND price.price_name = paid.price_name AND price.mode = paid.mode
    GROUP BY tenant.id, 3, 4
)
SELECT 'action' AS list, NULL AS tenant_id, NULL AS tenant, price_name, mode,
       sum(number) AS number, sum(refused) AS refused, sum(earned) AS earned,
       sum(would_earn) AS would_earn
FROM line GROUP BY price_name, mode
UNION ALL (
    SELECT 'tenant', tenant_id, tenant, NULL, NULL, sum(number), sum(refused), sum(earned),
           sum(would_earn)
    FROM line GROUP BY tenant_id, tenant
    ORDER BY abs(sum(would_earn) - sum(earned)) DESC, tenant LIMIT %(most)s
) UNION ALL (
    SELECT 'line', tenant_id, tenant, price_name, mode, number, refused, earned, would_earn
    FROM line ORDER BY abs(would_earn - earned) DESC, tenant, price_name, mode LIMIT %(most)s
)
"""  # noqa: S608  the parts are constants


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

    @property
    def change(self) -> int:
        """By how many micro-units more it would have earned."""
        return self.would_earn - self.earned


class Line(NamedTuple):
    """One action in one mode of one tenant."""

    tenant_id: int
    tenant: str
    price_name: str
    mode: str
    figures: Figures


class Preview(NamedTuple):
    """`by_action`: by price name and mode, in their order. `by_tenant`: by the tenants' names, and
    `lines`: those that would change most first, and not more than asked for."""

    days: Days
    by_action: dict[tuple[str, str], Figures]
    by_tenant: dict[str, Figures]
    lines: list[Line]

    @property
    def total(self) -> Figures:
        """Of all tenants."""
        all_figures = self.by_action.values()
        return Figures(*(sum(figures[place] for figures in all_figures) for place in range(4)))


def yesterday() -> Days:
    day = datetime.now(UTC).date() - timedelta(days=1)
    return Days(day, day)


def last_30_days() -> Days:
    """The 30 days that are over."""
    return Days(yesterday().last - timedelta(days=29), yesterday().last)


def of(
    book: PriceBook | None, *, days: Days, names_of: NamesOf, most: int | None = None
) -> Preview:
    """What these days earned, and would have under `book`, which may be a draft; without one
    everything is refused. `most`: so many tenants and lines; None: all. Raises ValueError when they
    end before they begin."""
    if days.last < days.first:
        raise ValueError("the last day is before the first")
    usage.roll_up()
    prices = pricing.read(book)
    asked = days._asdict() | {"own": list(prices.by_tenant), "most": most}
    with sql.snapshot():
        to_price = sql.read_all(_TO_PRICE, asked)
        rows = sql.read_all(_TRAFFIC, asked | _told(to_price, prices, names_of))
    by_action = {(row.price_name, row.mode): _figures(row) for row in _list("action", rows)}
    return Preview(
        days,
        by_action={key: by_action[key] for key in sorted(by_action)},
        by_tenant={row.tenant: _figures(row) for row in _list("tenant", rows)},
        lines=[
            Line(row.tenant_id, row.tenant, row.price_name, row.mode, _figures(row))
            for row in _list("line", rows)
        ],
    )


def _told(to_price: list[Any], prices: Prices, names_of: NamesOf) -> dict[str, list[Any]]:
    """The rows with their prices, column by column."""
    return {
        "own_ids": [row.own_id for row in to_price],
        "group_ids": [row.group_id for row in to_price],
        "home_ids": [row.home_id for row in to_price],
        "price_names": [row.price_name for row in to_price],
        "modes": [row.mode for row in to_price],
        "amounts": [_price(prices, row, names_of) for row in to_price],
    }


def _price(prices: Prices, row: Any, names_of: NamesOf) -> int | None:
    """Micro-units; None: there is none."""
    buyer = Buyer(tenant_id=row.own_id, group_id=row.group_id, home_id=row.home_id)
    try:
        return prices.quote(names=names_of(row.price_name), mode=row.mode, buyer=buyer).amount
    except PriceMissing:
        return None


def _list(name: str, rows: list[Any]) -> Iterable[Any]:
    return (row for row in rows if row.list == name)


def _figures(row: Any) -> Figures:
    return Figures(int(row.number), int(row.refused), int(row.earned), int(row.would_earn))
