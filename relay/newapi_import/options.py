"""The site settings that decide what rows mean."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from common import json_text
from relay.newapi_import import values
from relay.newapi_import.errors import ImportRefused
from relay.newapi_import.source import Row

QUOTA_PER_UNIT = "QuotaPerUnit"
QUOTA_PER_UNIT_DEFAULT = Decimal(500_000)
USABLE_GROUPS = "UserUsableGroups"
# What new-api has built in as long as nobody has saved another list.
USABLE_GROUPS_DEFAULT = ("default", "vip")
SPECIAL_GROUPS = "group_ratio_setting.group_special_usable_group"
ADDED, REMOVED = "+:", "-:"
EXAMPLE = '{"default": "..."}'

Options = Mapping[str, str]


def read(rows: list[Row]) -> Options:
    return {values.text(row, "key"): values.text(row, "value") for row in rows}


def quota_per_unit(options: Options) -> Decimal:
    """How much quota is 1.00 of the currency. Raises ImportRefused."""
    said = options.get(QUOTA_PER_UNIT, "")
    try:
        number = Decimal(said) if said else QUOTA_PER_UNIT_DEFAULT
    except InvalidOperation as error:
        raise ImportRefused(f"option {QUOTA_PER_UNIT} is not a number") from error
    # Anything else is a slip, and would make money out of nothing.
    if not number.is_finite() or not Decimal("0.001") <= number <= Decimal(10) ** 12:
        raise ImportRefused(f"option {QUOTA_PER_UNIT} is not a number that money can be divided by")
    return number


class UsableGroups:
    """Which groups the keys of a user may name."""

    def __init__(self, options: Options) -> None:
        """Raises ImportRefused, with line and column."""
        self._all = set(_members(options, USABLE_GROUPS)) or set(USABLE_GROUPS_DEFAULT)
        self._special = _members(options, SPECIAL_GROUPS)

    def allow(self, *, home: str, group: str) -> bool:
        """`home` is the user's own group."""
        usable = set(self._all)
        special = self._special.get(home)
        for name in special.members(EXAMPLE) if special else ():
            if name.startswith(REMOVED):
                usable.discard(name.removeprefix(REMOVED))
            else:
                usable.add(name.removeprefix(ADDED))
        return group == home or group in usable


def _members(options: Options, name: str) -> dict[str, json_text.Node]:
    if not (said := options.get(name, "")):
        return {}
    try:
        members = json_text.parse(said).members(EXAMPLE)
        for node in members.values() if name == SPECIAL_GROUPS else ():
            node.members(EXAMPLE)
    except json_text.JsonRefused as error:
        raise ImportRefused(f"option {name}: {error}") from error
    return members
