"""Money for people: in one place, so that it looks the same everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from common import money, site

SYMBOLS = {"USD": "$", "EUR": "€", "CNY": "¥", "GBP": "£", "JPY": "¥", "HKD": "HK$"}
# A minus that is as wide as a plus.
MINUS = "\N{MINUS SIGN}"
# The currency that a page has begun with; None outside of a page.
_of_page: ContextVar[list[str] | None] = ContextVar("currency", default=None)


@contextmanager
def one_currency() -> Iterator[None]:
    """All amounts of a page in one currency, which is asked for once."""
    before = _of_page.set([])
    try:
        yield
    finally:
        _of_page.reset(before)


def units(value: str | int | Decimal) -> Decimal:
    """In units of the currency: of micro-units (an integer, as rows have it), or of the decimal
    text of the API."""
    return money.to_units(value) if isinstance(value, int) else Decimal(value)


def text(value: Any, *, currency: str | None = None) -> str:
    """As in "$1,234.50": at least two decimals, up to six where they say something."""
    amount = units(value)
    exponent = amount.normalize().as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) else 2
    # As both languages of the console write it.
    shown = f"{abs(amount):,.{decimals}f}"
    sign = MINUS if amount < 0 else ""
    unit = currency or _currency()
    symbol = SYMBOLS.get(unit)
    return f"{sign}{symbol}{shown}" if symbol else f"{sign}{shown} {unit}"


def _currency() -> str:
    kept = _of_page.get()
    if kept is None:
        return str(site.value("currency"))
    if not kept:
        kept.append(str(site.value("currency")))
    return kept[0]
