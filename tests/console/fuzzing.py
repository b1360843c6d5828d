"""Every page of the console with every value that nobody should send."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import Client

from tests.console.town import Place, Town, ids_for, places, taken_back

# Whole words, so that a find says what it was.
VALUES = {
    "nul": "a\x00b",
    "long": "x" * 10_000,
    "markup": "<script>\"'&{{ x }}{% x %}",
    "overrides": "\N{RIGHT-TO-LEFT OVERRIDE}\N{ZERO WIDTH JOINER}\U0001f3f4",
    "lines": "a\r\n\u2028b\x1b[2J",
    "percent": "%s%(x)s{0}%00",
    "negative": "-1",
    "nothing": "0",
    "larger than a column": str(2**63),
    "larger than a text": "9" * 5000,
    "other digits": "\u0661\u0662",
    "superscript": "\N{SUPERSCRIPT TWO}",
    "fraction": "1.5",
    "exponent": "1e400",
    "not a number": "NaN",
    "without an end": "Infinity",
    "first moment": "0001-01-01T00:00",
    "last moment": "9999-12-31T23:59",
    "first moment elsewhere": "0001-01-01T00:00+14:00",
    "last moment elsewhere": "9999-12-31T23:59:59-14:00",
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "no day": "2026-02-30",
    "nested": "[" * 5_000,
    "object": '{"a": {"b": [1e400, NaN]}}',
    "list": "[1, null, {}]",
    "path": "../../../../etc/passwd",
    "address": "//evil.example\\@x",
    "broken address": "http://[::1",
    "port": "http://a.example:999999999/",
    "name": "http://\N{LATIN SMALL LETTER DOTLESS I}.example/\ud7ff",
    "cursor": "LTE",
    "pages": "~" * 3000,
    "commas": "," * 3000,
}
# Also where no form of the page has them.
NAMES = (
    "after", "trail", "format", "limit", "q", "first", "last", "by", "group", "key", "tenant",
    "channel", "state", "status", "hours", "view", "task", "kind", "prompt", "scope", "from", "to",
    "origin", "person", "seen", "next",
)  # fmt: skip
# These wait for another machine's answer.
NETWORK = ("test-channel", "playground", "playground-seed", "look-at-task", "new-hook-test",
           "order-top-up", "top-up-order")  # fmt: skip
# Of a large form the first are enough.
NAMES_MAX = 6
VALUES_OF_A_FIELD = 6
# Has no divisor in common with the number of values.
STEP = 5
ZONES = ("Pacific/Kiritimati", "Pacific/Niue")


def pages() -> list[Place]:
    return [place for place in places() if place.name != "sign-out"]


def names_of(page: str) -> list[str]:
    """What the page's forms would send."""
    found = re.findall(r'<(?:input|select|textarea|button)[^>]*?\bname="([^"]*)"', page)
    return list(dict.fromkeys(unescape(name) for name in found if "csrf" not in name))


def filled(page: str) -> dict[str, str]:
    """What is in them."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'\bname="([^"]*)"', tag), re.search(r'\bvalue="([^"]*)"', tag)
        if name and "csrf" not in name[1]:
            fields[unescape(name[1])] = unescape(value[1]) if value else ""
    return fields


def address(town: Town, place: Place) -> str:
    return place.address(ids_for(town, place))


@contextmanager
def town(folder: Path) -> Iterator[Town]:
    """Nobody else ever sees it."""
    with transaction.atomic():
        yield Town(folder)
        transaction.set_rollback(True)


def ask(town: Town, who: str, place: Place, number: int) -> str:
    """Every value in the page's address; the page as it is without any. `number`: the page's."""
    client, url = town.clients[who], address(town, place)
    client.cookies["zone"] = ZONES[number % len(ZONES)]
    page = _answer(client, "get", url, {})
    for query in _all_at_once([*NAMES, *names_of(page)]):
        _answer(client, "get", url, query)
    return page


def fuzz(town: Town, who: str, place: Place, number: int) -> None:
    """Every value in its address, and in all fields of its forms; some in one field, the rest as it
    was: others for each field and page."""
    page = ask(town, who, place, number)
    if place.name in NETWORK:
        return
    client, url, names = town.clients[who], address(town, place), names_of(page)
    for body in (*_all_at_once(names), *_one_at_a_time(names[:NAMES_MAX], filled(page), number)):
        _answer(client, "post", url, body)


def _one_at_a_time(names: list[str], base: dict[str, Any], first: int) -> Iterator[dict[str, Any]]:
    values = list(VALUES.values())
    for place, name in enumerate(names):
        for nth in range(VALUES_OF_A_FIELD):
            value = values[(first * VALUES_OF_A_FIELD + place + nth * STEP) % len(values)]
            yield base | {name: value}


def _all_at_once(names: list[str]) -> Iterator[dict[str, Any]]:
    return (dict.fromkeys(names, value) for value in VALUES.values())


def _answer(client: Client, method: str, url: str, fields: dict[str, Any]) -> str:
    """The page, as if it had never been asked. (What breaks raises here: it is no answer.)"""
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    with taken_back():
        answer = getattr(client, method)(url, fields)
        # A file is read while the database is asked.
        raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    client.cookies.load(cookies)
    assert answer.status_code < 500, (url, fields)
    return "" if answer.streaming else raw.decode(errors="replace")
