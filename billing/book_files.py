"""A whole price book as JSON, for moving it to another site or keeping it: every rule with its
mode and scope, and every ratio. Tenants and groups stand there by name."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import transaction

from billing import drafts
from billing.drafts import Ratio, Rule
from billing.models import GroupRatio, PriceBook, PriceRule, Tenant
from billing.price_files import group_ids, group_name, ratio, reading
from common import json_text, price_lines
from common.json_text import Node

EXAMPLE = '{"rules": [{"name": "mj_*", "group": "vip", "amount": 0.1}], "ratios": []}'
RULES_EXAMPLE = '[{"name": "mj_*", "mode": "relax", "tenant": "acme", "amount": 0.1}]'
RATIOS_EXAMPLE = '[{"group": "vip", "home": "default", "ratio": 0.8}]'
RULE_FIELDS = (*price_lines.ROW_FIELDS, "tenant", "group")
RATIO_FIELDS = ("group", "home", "ratio")
Line = TypeVar("Line", Rule, Ratio)


def dump(book: PriceBook) -> str:
    """The text that load() reads."""
    rules = book.rules.select_related("tenant", "group").order_by("name", "mode", "id")
    ratios = book.ratios.select_related("group", "home").order_by("group__name", "home__name")
    return json_text.write(
        {"rules": [_rule_row(rule) for rule in rules], "ratios": [_ratio_row(r) for r in ratios]}
    )


@transaction.atomic
def load(draft: PriceBook, text: str) -> None:
    """Gives a draft exactly the lines of the text. Groups are made when they are new, tenants must
    be there. Raises PricesInvalid, with line and column, and BookRefused; nothing changes then."""
    with reading("price book"):
        node = json_text.parse(text)
        members = node.only(("rules", "ratios"), EXAMPLE)
        for needed in ("rules", "ratios"):
            if needed not in members:
                raise node.refusal(f"there are no {needed}: expected {EXAMPLE}")
        rules = members["rules"].items(RULES_EXAMPLE)
        ratios = members["ratios"].items(RATIOS_EXAMPLE)
        groups = group_ids(_group_names(rules, RULE_FIELDS) | _group_names(ratios, RATIO_FIELDS))
        tenants = dict(Tenant.objects.values_list("name", "pk"))
        new_rules = _once((item, _rule(item, tenants, groups)) for item in rules)
        new_ratios = _once((item, _ratio(item, groups)) for item in ratios)
    drafts.replace_rules(draft, new_rules)
    drafts.replace_ratios(draft, new_ratios)


def _rule_row(rule: PriceRule) -> dict[str, Any]:
    row: dict[str, Any] = {"name": rule.name}
    if rule.mode:
        row["mode"] = rule.mode
    if rule.tenant is not None:
        row["tenant"] = rule.tenant.name
    if rule.group is not None:
        row["group"] = rule.group.name
    return row | {"amount": price_lines.units(rule.amount)}


def _ratio_row(line: GroupRatio) -> dict[str, Any]:
    home = {} if line.home is None else {"home": line.home.name}
    return {"group": line.group.name} | home | {"ratio": line.ratio.normalize()}


def _group_names(items: list[Node], fields: tuple[str, ...]) -> set[str]:
    return {
        group_name(node, node.string(f"the {field}"))
        for item in items
        for field, node in item.only(fields, "{}").items()
        if field in ("group", "home")
    }


def _once(lines: Iterable[tuple[Node, Line]]) -> list[Line]:
    found: dict[object, Line] = {}
    for item, line in lines:
        if line.key in found:
            raise item.refusal("a line about the same stands further up")
        found[line.key] = line
    return list(found.values())


def _rule(item: Node, tenants: dict[str, int], groups: dict[str, int]) -> Rule:
    members = item.only(RULE_FIELDS, RULES_EXAMPLE)
    line = price_lines.row(members, item)
    if "tenant" in members and "group" in members:
        raise item.refusal("a price is for a tenant or for a group, not for both")
    tenant_id = group_id = None
    if (node := members.get("tenant")) is not None:
        name = node.string("the tenant")
        if name not in tenants:
            raise node.refusal(f"there is no tenant {name!r}")
        tenant_id = tenants[name]
    if (node := members.get("group")) is not None:
        group_id = groups[node.string("the group")]
    return Rule(line.name, line.amount, line.mode, tenant_id, group_id)


def _ratio(item: Node, groups: dict[str, int]) -> Ratio:
    members = item.only(RATIO_FIELDS, RATIOS_EXAMPLE)
    for needed in ("group", "ratio"):
        if needed not in members:
            raise item.refusal(f"this ratio has no {needed}")
    group = members["group"].string("the group")
    home = members.get("home")
    home_id = None if home is None else groups[home.string("the home")]
    return Ratio(groups[group], ratio(members["ratio"], f"the ratio of {group}"), home_id)
