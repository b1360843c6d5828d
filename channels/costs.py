"""What a channel takes: its cost rules, read and replaced as a whole."""

from collections.abc import Sequence

from django.db import transaction

from channels.errors import CostsInvalid
from channels.models import Channel, CostRule
from common import json_text, price_lines
from common.json_text import JsonRefused, Node
from common.price_lines import PriceLine

EXAMPLE = f"{price_lines.BY_NAME_EXAMPLE} or {price_lines.ROW_EXAMPLE}"
LINES_MAX = 2_000


def parse(text: str) -> list[PriceLine]:
    """Costs in currency units: `{"mj_imagine": 0.05}`, or rows where a mode has its own:
    `[{"name": "mj_*", "mode": "relax", "amount": 0.02}]`. Raises CostsInvalid, with line and
    column."""
    try:
        node = json_text.parse(text)
        if isinstance(node.value, dict):
            return price_lines.by_name(node)
        return [_row(item) for item in node.items(EXAMPLE)]
    except JsonRefused as error:
        raise CostsInvalid(str(error)) from error


def dump(channel: Channel) -> str:
    """The text that parse() reads."""
    return json_text.write(
        [
            {"name": rule.name}
            | ({"mode": rule.mode} if rule.mode else {})
            | {"amount": price_lines.units(rule.amount)}
            for rule in channel.costs.order_by("name", "mode")
        ]
    )


@transaction.atomic
def replace(channel: Channel, lines: Sequence[PriceLine]) -> None:
    """The channel's costs from the next submit on; tasks under way keep what was copied to them.

    Raises CostsInvalid, Channel.DoesNotExist; nothing changes then.
    """
    _check(lines)
    # Of two who do this at once one comes after the other.
    Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
    CostRule.objects.filter(channel_id=channel.pk).delete()
    CostRule.objects.bulk_create(
        CostRule(channel_id=channel.pk, **line._asdict()) for line in lines
    )


def _row(item: Node) -> PriceLine:
    return price_lines.row(item.only(price_lines.ROW_FIELDS, price_lines.ROW_EXAMPLE), item)


def _check(lines: Sequence[PriceLine]) -> None:
    if len(lines) > LINES_MAX:
        raise CostsInvalid(f"a channel has at most {LINES_MAX} cost rules")
    seen = set()
    for line in lines:
        try:
            price_lines.check_line(line)
        except ValueError as error:
            raise CostsInvalid(str(error)) from error
        if line[:2] in seen:
            raise CostsInvalid(f"the cost of {line.name} {line.mode} stands there twice")
        seen.add(line[:2])
