"""JSON that people write: whatever is wrong in it is said with line and column.

Python's own parser knows where the syntax breaks, but not where a wrong value stands, and it reads
numbers as floats. This one is for files of prices, not for requests: it is ten times slower.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

DEPTH_MAX = 10
_STRINGS = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9])")
_WORDS = {"true": True, "false": False, "null": None}
# No JSON, but programs write them; said to be no number instead of no value.
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_OTHER_WORDS = _WORDS | dict.fromkeys(_NOT_FINITE)


class JsonRefused(ValueError):
    """The text begins with line and column."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. Inside are dict[str, Node], list[Node], str, Decimal, bool or
    None. `read` methods raise JsonRefused; `what` names the value in the message."""

    value: Any
    text: str
    at: int

    def refusal(self, why: str) -> JsonRefused:
        return _refusal(self.text, self.at, why)

    def members(self, example: str) -> dict[str, "Node"]:
        if not isinstance(self.value, dict):
            raise self.refusal(f"expected an object such as {example}")
        return self.value

    def items(self, example: str) -> list["Node"]:
        if not isinstance(self.value, list):
            raise self.refusal(f"expected a list such as {example}")
        return self.value

    def number(self, what: str) -> Decimal:
        if not isinstance(self.value, Decimal):
            raise self.refusal(f"{what} is not a number")
        return self.value

    def string(self, what: str) -> str:
        if not isinstance(self.value, str):
            raise self.refusal(f"{what} is not a text")
        return self.value

    def only(self, names: Sequence[str], example: str) -> dict[str, "Node"]:
        """The members; others than these are refused."""
        members = self.members(example)
        for name, node in members.items():
            if name not in names:
                raise node.refusal(f"{name!r} is not known here: there are {', '.join(names)}")
        return members


def parse(text: str) -> Node:
    """Raises JsonRefused."""
    # Windows' editors put a mark before it.
    text = text.removeprefix("\ufeff")
    node, end = _value(text, _skip(text, 0), DEPTH_MAX)
    end = _skip(text, end)
    if end != len(text):
        raise _refusal(text, end, "expected nothing more")
    return node


def write(value: Any, indent: str = "") -> str:
    """Objects, lists, texts and decimals as JSON; decimals to the last digit. An object in a list
    takes one line."""
    inner = indent + "  "
    if isinstance(value, dict):
        members = [f"{_quoted(name)}: {write(member, inner)}" for name, member in value.items()]
        return _block("{", members, "}", indent)
    if isinstance(value, list):
        return _block("[", [_line(item) for item in value], "]", indent)
    return f"{value:f}" if isinstance(value, Decimal) else _quoted(value)


def _line(item: dict[str, Any]) -> str:
    members = (f"{_quoted(name)}: {write(member)}" for name, member in item.items())
    return "{" + ", ".join(members) + "}"


def _block(opening: str, lines: list[str], closing: str, indent: str) -> str:
    if not lines:
        return opening + closing
    between = f",\n{indent}  "
    return f"{opening}\n{indent}  {between.join(lines)}\n{indent}{closing}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _value(text: str, at: int, depth: int) -> tuple[Node, int]:
    """The value that begins at `at`, and where it ends."""
    if depth == 0:
        raise _refusal(text, at, "nested too deeply")
    first = text[at : at + 1]
    if first == "{":
        return _object(text, at, depth)
    if first == "[":
        return _array(text, at, depth)
    if first == '"':
        value, end = _string(text, at)
        return Node(value, text, at), end
    if match := _NUMBER.match(text, at):
        return Node(_decimal(text, match), text, at), match.end()
    for word, value in _OTHER_WORDS.items():
        if text.startswith(word, at):
            return Node(value, text, at), at + len(word)
    raise _refusal(text, at, "expected a value")


def _object(text: str, at: int, depth: int) -> tuple[Node, int]:
    members: dict[str, Node] = {}
    end = _skip(text, at + 1)
    if text.startswith("}", end):
        return Node(members, text, at), end + 1
    while True:
        if not text.startswith('"', end):
            raise _refusal(text, end, "expected a name in double quotes")
        name, colon = _string(text, end)
        if name in members:
            raise _refusal(text, end, f"{name!r} stands there twice")
        colon = _expect(text, _skip(text, colon), ":")
        members[name], end = _value(text, _skip(text, colon), depth - 1)
        end, is_last = _next(text, end, "}")
        if is_last:
            return Node(members, text, at), end


def _array(text: str, at: int, depth: int) -> tuple[Node, int]:
    items: list[Node] = []
    end = _skip(text, at + 1)
    if text.startswith("]", end):
        return Node(items, text, at), end + 1
    while True:
        item, end = _value(text, end, depth - 1)
        items.append(item)
        end, is_last = _next(text, end, "]")
        if is_last:
            return Node(items, text, at), end


def _next(text: str, at: int, closing: str) -> tuple[int, bool]:
    """Behind a value: where the following one begins, and whether there is none."""
    at = _skip(text, at)
    if text.startswith(closing, at):
        return at + 1, True
    return _skip(text, _expect(text, at, ",", f"{closing} or ,")), False


def _expect(text: str, at: int, sign: str, wanted: str = "") -> int:
    if not text.startswith(sign, at):
        raise _refusal(text, at, f"expected {wanted or sign}")
    return at + 1


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        value, end = _STRINGS.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise _refusal(text, error.pos, error.msg) from error
    return str(value), end


def _decimal(text: str, match: re.Match[str]) -> Decimal:
    try:
        return Decimal(match.group())
    except InvalidOperation as error:
        raise _refusal(text, match.start(), "this is not a number that can be used") from error


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _refusal(text: str, at: int, why: str) -> JsonRefused:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return JsonRefused(f"line {line}, column {column}: {why}")
