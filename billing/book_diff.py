"""What is different between two price books, as plain data."""

from decimal import Decimal
from typing import NamedTuple

from billing.models import PriceBook


class RuleChange(NamedTuple):
    """A rule that was added (no `before`), removed (no `after`) or changed; micro-units. `tenant`
    and `group` are names, "" for everybody."""

    name: str
    mode: str
    tenant: str
    group: str
    before: int | None
    after: int | None


class RatioChange(NamedTuple):
    """The same for a group's ratio; `home` is "" for tenants of every group."""

    group: str
    home: str
    before: Decimal | None
    after: Decimal | None


class Diff(NamedTuple):
    rules: list[RuleChange]
    ratios: list[RatioChange]


def between(old: PriceBook | None, new: PriceBook | None) -> Diff:
    """From `old` to `new`; None is a book without lines. Everybody's rules come first, then the
    groups' and the tenants'."""
    rules, new_rules = _rules(old), _rules(new)
    ratios, new_ratios = _ratios(old), _ratios(new)
    return Diff(
        [
            RuleChange(name, mode, tenant, group, rules.get(key), new_rules.get(key))
            for key in sorted(rules | new_rules)
            if rules.get(key) != new_rules.get(key)
            for tenant, group, name, mode in [key]
        ],
        [
            RatioChange(group, home, ratios.get(key), new_ratios.get(key))
            for key in sorted(ratios | new_ratios)
            if ratios.get(key) != new_ratios.get(key)
            for group, home in [key]
        ],
    )


def _rules(book: PriceBook | None) -> dict[tuple[str, str, str, str], int]:
    """By tenant, group, name and mode."""
    if book is None:
        return {}
    return {
        (
            "" if rule.tenant is None else rule.tenant.name,
            "" if rule.group is None else rule.group.name,
            rule.name,
            rule.mode,
        ): rule.amount
        for rule in book.rules.select_related("tenant", "group")
    }


def _ratios(book: PriceBook | None) -> dict[tuple[str, str], Decimal]:
    """By group and home."""
    if book is None:
        return {}
    return {
        (line.group.name, "" if line.home is None else line.home.name): line.ratio
        for line in book.ratios.select_related("group", "home")
    }
