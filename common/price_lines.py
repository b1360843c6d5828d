"""Price and cost lines as people give them: by name, pattern, mode and amount in currency units.

Everything here raises JsonRefused, with line and column, or ValueError for a single value.
"""

from decimal import Decimal
from typing import NamedTuple

from common import money
from common.json_text import Node
from common.patterns import check_mode, check_pattern

BY_NAME_EXAMPLE = '{"mj_imagine": 0.1}'
ROW_EXAMPLE = '[{"name": "mj_imagine", "mode": "relax", "amount": 0.05}]'
ROW_FIELDS = ("name", "mode", "amount")


class PriceLine(NamedTuple):
    """`amount` is micro-units, `mode` "" for any."""

    name: str
    mode: str
    amount: int


def check_line(line: PriceLine) -> None:
    """For lines that come from a form. Raises ValueError."""
    check_pattern(line.name)
    check_mode(line.mode)
    check_amount(line.amount, f"the price of {line.name}")


def check_amount(amount: int, what: str) -> None:
    """Micro-units. Raises ValueError."""
    if type(amount) is not int:
        raise ValueError(f"{what} is not a whole number of micro-units")
    if amount < 0:
        raise ValueError(f"{what} is negative")
    if amount > money.LARGEST:
        raise ValueError(f"{what} is too large for an amount of money")


def by_name(node: Node) -> list[PriceLine]:
    """`{"mj_imagine": 0.1}`: any mode."""
    return [
        PriceLine(_pattern(node_of, name), "", amount(node_of, f"the price of {name}"))
        for name, node_of in node.members(BY_NAME_EXAMPLE).items()
    ]


def row(members: dict[str, Node], whole: Node) -> PriceLine:
    """`{"name": "mj_imagine", "mode": "relax", "amount": 0.05}`; without a mode for any."""
    for needed in ("name", "amount"):
        if needed not in members:
            raise whole.refusal(f"this line has no {needed}")
    name = _pattern(members["name"], members["name"].string("the name"))
    mode = ""
    if (said := members.get("mode")) is not None:
        mode = said.string("the mode")
        try:
            check_mode(mode)
        except ValueError as error:
            raise said.refusal(str(error)) from error
    return PriceLine(name, mode, amount(members["amount"], f"the price of {name}"))


def amount(node: Node, what: str) -> int:
    """Currency units to micro-units, rounded half up."""
    number = node.number(what)
    try:
        micro = money.to_micro(number)
    except ValueError as error:
        raise node.refusal(f"{what} is too large for an amount of money") from error
    if micro < 0 or number < 0:
        raise node.refusal(f"{what} is negative")
    if micro == 0 and number != 0:
        raise node.refusal(f"{what} is less than 0.000001, and would be nothing")
    return micro


def units(micro: int) -> Decimal:
    """An amount as json_text.write takes it: 0.1, not 0.100000."""
    return money.to_units(micro).normalize()


def _pattern(node: Node, name: str) -> str:
    try:
        return check_pattern(name)
    except ValueError as error:
        raise node.refusal(str(error)) from error
