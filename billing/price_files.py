"""What the files of prices have in common: names of groups, ratios, and how errors are said."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal

from billing.drafts import RATIO_LIMIT, RATIO_PLACES
from billing.errors import PricesInvalid
from billing.models import Group
from common.json_text import JsonRefused, Node

GROUP_MAX_CHARS = 64


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Errors in a text are said with its name, line and column."""
    try:
        yield
    except JsonRefused as error:
        raise PricesInvalid(f"{what}: {error}") from error


def group_name(node: Node, name: str) -> str:
    """Raises JsonRefused."""
    is_text = name.isprintable() and name == name.strip()
    if not name or len(name) > GROUP_MAX_CHARS or not is_text:
        raise node.refusal(f"{name!r} is not the name of a group")
    return name


def ratio(node: Node, what: str) -> Decimal:
    """Rounded half up to six decimals: programs write 0.7000000000000001. Raises JsonRefused."""
    number = node.number(what)
    if number < 0:
        raise node.refusal(f"{what} is negative")
    if number >= RATIO_LIMIT - 1:
        raise node.refusal(f"{what} is too large for a ratio")
    rounded = number.quantize(RATIO_PLACES, rounding=ROUND_HALF_UP)
    if rounded == 0 and number != 0:
        raise node.refusal(f"{what} is less than {RATIO_PLACES}, and would be nothing")
    return rounded


def group_ids(names: Iterable[str]) -> dict[str, int]:
    """The groups' numbers by name; those that are new are made."""
    # In one order everywhere: two who make the same groups do not wait for each other in a circle.
    wanted = sorted(set(names))
    Group.objects.bulk_create((Group(name=name) for name in wanted), ignore_conflicts=True)
    return dict(Group.objects.filter(name__in=wanted).values_list("name", "pk"))
