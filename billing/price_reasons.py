"""Why somebody pays what he pays: the lines of a book that fit, the best first."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q

from billing import pricing
from billing.errors import PriceMissing
from billing.models import GroupRatio, PriceBook, PriceRule
from billing.pricing import Buyer
from common.patterns import ANY_MODE, WILDCARD


class Reason(NamedTuple):
    """`amount`: micro-units; None: it is not sold. The first of `rules` decides; the others would,
    if those before them were not there. `ratio`: what its amount was multiplied by, None where
    ratios do not count; `ratio_line`: where that stands, None for the 1 of a group without."""

    amount: int | None
    rules: list[PriceRule]
    ratio: Decimal | None
    ratio_line: GroupRatio | None


def explain(book: PriceBook, *, names: Sequence[str], mode: str, buyer: Buyer) -> Reason:
    """`names` as Prices.quote takes them."""
    prices = pricing.read(book)
    rules = _fitting(book, names=names, mode=mode, buyer=buyer)
    try:
        amount = prices.quote(names=names, mode=mode, buyer=buyer).amount
    except PriceMissing:
        return Reason(None, rules, None, None)
    if rules[0].tenant_id is not None or rules[0].group_id is not None:
        return Reason(amount, rules, None, None)
    return Reason(amount, rules, prices.ratio(buyer), _ratio_line(book, buyer))


def _fitting(book: PriceBook, *, names: Sequence[str], mode: str, buyer: Buyer) -> list[PriceRule]:
    for_all = Q(tenant=None, group=None)
    whose = Q(tenant=buyer.tenant_id) | Q(group=buyer.group_id) | for_all
    rows = book.rules.filter(whose, mode__in=(mode, ANY_MODE)).select_related("tenant", "group")
    ranked = [(rank, rule) for rule in rows if (rank := _rank(rule, names)) is not None]
    return [rule for _, rule in sorted(ranked, key=lambda pair: pair[0])]


def _rank(rule: PriceRule, names: Sequence[str]) -> tuple[int, int, int, int] | None:
    """The smallest decides, as in pricing.Prices and common/patterns.py; None: it does not fit."""
    whose = 0 if rule.tenant_id is not None else 1 if rule.group_id is not None else 2
    mode = 1 if rule.mode == ANY_MODE else 0
    if not rule.name.endswith(WILDCARD):
        return (whose, 0, names.index(rule.name), mode) if rule.name in names else None
    prefix = rule.name.removesuffix(WILDCARD)
    return (whose, 1, -len(prefix), mode) if names[0].startswith(prefix) else None


def _ratio_line(book: PriceBook, buyer: Buyer) -> GroupRatio | None:
    lines = book.ratios.filter(Q(home=buyer.home_id) | Q(home=None), group=buyer.group_id)
    found = sorted(lines.select_related("group", "home"), key=lambda line: line.home_id is None)
    return found[0] if found else None
