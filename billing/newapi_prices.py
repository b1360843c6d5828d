"""Prices in the JSON of new-api's settings `ModelPrice`, `GroupRatio` and `GroupGroupRatio`."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from billing import drafts
from billing.drafts import Ratio, Rule
from billing.models import PriceBook, PriceRule
from billing.price_files import group_ids, group_name, ratio, reading
from common import json_text, price_lines

RATIO_EXAMPLE = '{"vip": 0.8}'
HOME_EXAMPLE = '{"vip": {"default": 0.8}}'
# (home or "", group): ratio
NamedRatios = dict[tuple[str, str], Decimal]


class Maps(NamedTuple):
    """The three texts; None for one that is not at hand.

    `model_price` is {price name: currency units}, for everybody and any mode; `group_ratio` is
    {group: ratio}; `group_group_ratio` is {tenant's group: {group that the key uses: ratio}}.
    """

    model_price: str | None = None
    group_ratio: str | None = None
    group_group_ratio: str | None = None


class Export(NamedTuple):
    """`left_out` are the rules that new-api has no words for: of one mode, tenant or group."""

    maps: Maps
    left_out: list[PriceRule]


class _Lines(NamedTuple):
    """What was read; None where there was no text."""

    rules: list[Rule] | None
    general: NamedRatios | None
    by_home: NamedRatios | None


def merge(draft: PriceBook, maps: Maps) -> None:
    """Adds the lines of these texts to a draft; lines about the same get the new figures.

    Groups are made when they are new. Raises PricesInvalid, with the text's name, line and
    column, and BookRefused; nothing changes then.
    """
    _store(draft, _read(maps), lambda old, is_replaceable: True)


def replace(draft: PriceBook, maps: Maps) -> None:
    """The same, and drops what the texts at hand could say and do not: a `model_price` takes the
    place of all rules for everybody and any mode, each ratio text of its kind of ratios."""
    _store(draft, _read(maps), lambda old, is_replaceable: not is_replaceable)


def export(book: PriceBook) -> Export:
    """A draft that reads these texts with replace() has the same lines, but for `left_out`."""
    rules = list(book.rules.select_related("tenant", "group").order_by("name", "mode", "id"))
    prices = {rule.name: price_lines.units(rule.amount) for rule in rules if _is_plain(rule)}
    general: dict[str, Decimal] = {}
    by_home: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for line in book.ratios.select_related("group", "home").order_by("home__name", "group__name"):
        of_its_kind = general if line.home is None else by_home[line.home.name]
        of_its_kind[line.group.name] = line.ratio.normalize()
    maps = Maps(*(json_text.write(part) for part in (prices, general, by_home)))
    return Export(maps, [rule for rule in rules if not _is_plain(rule)])


def _is_plain(rule: PriceRule | Rule) -> bool:
    return not rule.mode and rule.tenant_id is None and rule.group_id is None


def _read(maps: Maps) -> _Lines:
    return _Lines(
        None if maps.model_price is None else _model_price(maps.model_price),
        None if maps.group_ratio is None else _group_ratio(maps.group_ratio),
        None if maps.group_group_ratio is None else _group_group_ratio(maps.group_group_ratio),
    )


def _model_price(text: str) -> list[Rule]:
    with reading("ModelPrice"):
        lines = price_lines.by_name(json_text.parse(text))
    return [Rule(line.name, line.amount, line.mode) for line in lines]


def _group_ratio(text: str) -> NamedRatios:
    with reading("GroupRatio"):
        members = json_text.parse(text).members(RATIO_EXAMPLE)
        return {
            ("", group_name(node, group)): ratio(node, f"the ratio of {group}")
            for group, node in members.items()
        }


def _group_group_ratio(text: str) -> NamedRatios:
    with reading("GroupGroupRatio"):
        homes = json_text.parse(text).members(HOME_EXAMPLE)
        return {
            (group_name(inner, home), group_name(node, group)): ratio(
                node, f"the ratio of {group} for {home}"
            )
            for home, inner in homes.items()
            for group, node in inner.members(RATIO_EXAMPLE).items()
        }


@transaction.atomic
def _store(draft: PriceBook, lines: _Lines, is_kept: Callable[[Rule | Ratio, bool], bool]) -> None:
    """`is_kept` is asked about each old line, and whether a text at hand could have said it."""
    drafts.lock(draft)
    if lines.rules is not None:
        old_rules = [rule for rule in drafts.rules_of(draft) if is_kept(rule, _is_plain(rule))]
        rules = {rule.key: rule for rule in [*old_rules, *lines.rules]}
        drafts.replace_rules(draft, list(rules.values()))
    if lines.general is not None or lines.by_home is not None:
        old_ratios = [
            line for line in drafts.ratios_of(draft) if is_kept(line, _could_be_said(line, lines))
        ]
        new = _ratios((lines.general or {}) | (lines.by_home or {}))
        ratios = {line.key: line for line in [*old_ratios, *new]}
        drafts.replace_ratios(draft, list(ratios.values()))


def _could_be_said(line: Ratio, lines: _Lines) -> bool:
    return (lines.general if line.home_id is None else lines.by_home) is not None


def _ratios(named: NamedRatios) -> list[Ratio]:
    ids = group_ids(name for pair in named for name in pair if name)
    return [
        Ratio(ids[group], figure, ids[home] if home else None)
        for (home, group), figure in named.items()
    ]
