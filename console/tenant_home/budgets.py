"""Keys that have spent nearly all that they may."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

NEAR = Decimal("0.8")
SHOWN_MAX = 5
PERIODS = {"day": _("of the day"), "week": _("of the week"), "month": _("of the month")}


class Near(NamedTuple):
    """`share` of 1 of the budget is used; `period` empty: in all."""

    key: Mapping[str, Any]
    share: Decimal
    period: Any
    left: str


def near(keys: Iterable[Mapping[str, Any]]) -> list[Near]:
    """The worst first, each key once."""
    worst = [max(found, key=lambda one: one.share) for key in keys if (found := list(_all(key)))]
    return sorted(worst, key=lambda one: -one.share)[:SHOWN_MAX]


def _all(key: Mapping[str, Any]) -> Iterable[Near]:
    budgets = [("", key["budget"], key["left"])]
    budgets += [(name, row["budget"], row["left"]) for name, row in key["periods"].items()]
    for name, budget, left in budgets:
        if budget is None or left is None:
            continue
        whole = Decimal(budget)
        share = (whole - Decimal(left)) / whole if whole else Decimal(1)
        if share >= NEAR:
            yield Near(key, share, PERIODS.get(name, _("in all")), left)
