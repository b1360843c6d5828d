"""What an action costs."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from threading import Lock
from typing import NamedTuple

from billing.errors import PriceMissing
from billing.models import PriceBook, PriceRule

MODES = ("fast", "relax", "turbo")


class Quote(NamedTuple):
    """A price: micro-units, and the rule it comes from."""

    amount: int
    rule_id: int


class _Book(NamedTuple):
    generation: int
    rules: dict[tuple[str, str], Quote]


_book = _Book(generation=-1, rules={})
_lock = Lock()


def quote(*, names: Sequence[str], mode: str, ratio: Decimal, generation: int) -> Quote:
    """The price of the first of `names` that has one, in `mode`, for a group with `ratio`.

    Rounded half up, once. `generation` is the caller's (billing/tokens.py): the book in this
    process is read anew when it is older. Raises PriceMissing.
    """
    rules = _rules(generation)
    for name in names:
        if rule := rules.get((name, mode)) or rules.get((name, "")):
            amount = (rule.amount * ratio).quantize(Decimal(1), rounding=ROUND_HALF_UP)
            return Quote(amount=int(amount), rule_id=rule.rule_id)
    raise PriceMissing(names[0])


def by_mode(*, names: Sequence[str], ratio: Decimal, generation: int) -> dict[str, int]:
    """The price in each mode that has one, micro-units. An upstream may end in another mode than
    it was asked for, and then the cheaper price counts."""
    prices = {}
    for mode in MODES:
        with suppress(PriceMissing):
            prices[mode] = quote(names=names, mode=mode, ratio=ratio, generation=generation).amount
    return prices


def known_names(generation: int) -> list[str]:
    """The names that have a price now."""
    return sorted({name for name, _ in _rules(generation)})


def _rules(generation: int) -> dict[tuple[str, str], Quote]:
    global _book
    if _book.generation < generation:
        with _lock:
            if _book.generation < generation:
                _book = _Book(generation=generation, rules=_read_rules())
    return _book.rules


def _read_rules() -> dict[tuple[str, str], Quote]:
    newest = PriceBook.objects.order_by("-id").values("id")[:1]
    return {
        (rule.name, rule.mode): Quote(amount=rule.amount, rule_id=rule.pk)
        for rule in PriceRule.objects.filter(book=newest)
    }
