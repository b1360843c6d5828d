"""What a channel takes: read and replaced as a whole."""

from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from channels import costs, selection
from channels.errors import CostsInvalid
from channels.models import Channel
from common.price_lines import PriceLine
from tests.accounts import Account

pytestmark = pytest.mark.usefixtures("unseen")
ROWS = '[{"name": "mj_*", "amount": 0.05}, {"name": "mj_*", "mode": "relax", "amount": 0.000001}]'


def told(channel: Channel) -> set[tuple[str, str, int]]:
    return set(channel.costs.values_list("name", "mode", "amount"))


def test_costs_are_read_by_name_or_in_rows() -> None:
    assert costs.parse('{"mj_imagine": 0.05, "*": 1}') == [
        PriceLine("mj_imagine", "", 50_000),
        PriceLine("*", "", 1_000_000),
    ]
    assert costs.parse(ROWS) == [PriceLine("mj_*", "", 50_000), PriceLine("mj_*", "relax", 1)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "line 1, column 2: expected a name"),
        ("1", "line 1, column 1: expected a list such as"),
        ('{"mj_imagine": -1}', "line 1, column 16: the price of mj_imagine is negative"),
        ('{"mj_imagine": "1"}', "is not a number"),
        ('{"m*j": 1}', "may only stand once"),
        ('[{"name": "a", "mode": "quick", "amount": 1}]', "'quick' is not a mode"),
        ('[{"name": "a", "group": "vip", "amount": 1}]', "'group' is not known here"),
        ('[{"name": "a"}]', "no amount"),
    ],
)
def test_what_is_wrong_in_costs_is_said(text: str, says: str) -> None:
    with pytest.raises(CostsInvalid, match=says):
        costs.parse(text)


def test_costs_are_replaced_as_a_whole(bystander: Account) -> None:
    channel = bystander.channel
    costs.replace(channel, costs.parse('{"mj_imagine": 1, "gone": 2}'))
    costs.replace(channel, costs.parse(ROWS))
    assert told(channel) == {("mj_*", "", 50_000), ("mj_*", "relax", 1)}
    assert costs.parse(costs.dump(channel)) == costs.parse(ROWS)
    upstream = selection.load(channel.pk)
    assert upstream.costs.find(["mj_imagine"], "relax") == 1
    assert upstream.costs.find(["swap_face"], "relax") is None
    costs.replace(channel, [])
    assert told(channel) == set()


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([PriceLine("a", "", 1), PriceLine("a", "", 2)], "twice"),
        ([PriceLine("a", "", -1)], "negative"),
        ([PriceLine("a", "FAST", 1)], "not a mode"),
        ([PriceLine("", "", 1)], "not a price name"),
        ([PriceLine("a", "", Decimal("0.5"))], "whole number"),
        ([PriceLine(f"a{number}", "", 1) for number in range(2001)], "at most 2000"),
    ],
)
def test_costs_that_make_no_sense_change_nothing(
    bystander: Account, lines: list[PriceLine], says: str
) -> None:
    costs.replace(bystander.channel, costs.parse(ROWS))
    with pytest.raises(CostsInvalid, match=says):
        costs.replace(bystander.channel, lines)
    assert len(told(bystander.channel)) == 2


def test_the_command(bystander: Account, tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text(ROWS)
    out = StringIO()
    call_command("set_costs", bystander.channel.name, str(file), stdout=out)
    assert out.getvalue().endswith("has 2 cost rules\n")
    file.write_text('{"mj_imagine": -1}')
    for name, path in (
        (bystander.channel.name, str(file)),
        (bystander.channel.name, str(tmp_path / "none")),
        ("no such channel", str(file)),
    ):
        with pytest.raises(CommandError):
            call_command("set_costs", name, path)
    assert len(told(bystander.channel)) == 2
