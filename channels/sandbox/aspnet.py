"""How an ASP.NET Core 8 application reads JSON and words its errors, as trueai's sets it up.

trueai 11.10: camelCase, enumerations as texts, null written out, everything outside ASCII escaped.
Whatever it cannot read, and every rule broken outside a submit's own checks, is HTTP 200 with
code -1 and a `message`.
"""

import json
from collections.abc import Collection, Mapping

from aiohttp import web

from .clock import now_ms

# Kestrel's default, which KESTREL_MAX_REQUEST_BODY_SIZE may raise.
BODY_BYTES_MAX = 30_000_000

# .NET counts time in steps of 100 ns since the year 1.
TICKS_PER_MS = 10_000
TICKS_UNTIL_1970 = 621_355_968_000_000_000

# System.Text.Json escapes what could close a tag, as well as what is not ASCII.
ESCAPES = str.maketrans({mark: f"\\u{ord(mark):04X}" for mark in "<>&'+`"})


class Failure(Exception):
    """What .NET throws: the request is answered in HTTP 200 with code -1 and this message."""


class BadMediaType(Exception):
    """The body is not called JSON."""


class TooLarge(Exception):
    """The body is longer than the server reads."""


def json_answer(data: object, *, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=json_bytes(data), content_type="application/json", charset="utf-8"
    )


def json_bytes(data: object) -> bytes:
    return json.dumps(data, separators=(",", ":")).translate(ESCAPES).encode()


def text_answer(text: str, *, status: int) -> web.Response:
    return web.Response(status=status, text=text) if text else web.Response(status=status)


def failure_answer(message: str) -> web.Response:
    return json_answer(failure_json(message))


def failure_json(message: str) -> dict[str, object]:
    ticks = now_ms() * TICKS_PER_MS + TICKS_UNTIL_1970
    return {"success": False, "code": -1, "message": message, "timestamp": str(ticks)}


def bad_media_type_answer() -> web.Response:
    """RFC 9457, as the framework writes it."""
    problem = {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.16",
        "title": "Unsupported Media Type",
        "status": 415,
    }
    return web.Response(
        status=415, body=json_bytes(problem), content_type="application/problem+json"
    )


class Form:
    """A JSON object as System.Text.Json binds it: names in any case, the last one of two wins.

    A number is no text, a text of digits is a number. A wrong type raises Failure; fields nobody
    reads are ignored.
    """

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields
        self._fields = {name.lower(): value for name, value in fields.items()}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._fields

    def _value(self, name: str) -> object:
        return self._fields.get(name.lower())

    def text(self, name: str) -> str | None:
        return _text(self._value(name), name)

    def filled(self, name: str) -> str:
        """The text, or "" where there is none or only blanks."""
        text = self.text(name) or ""
        return text if text.strip() else ""

    def texts(self, name: str) -> list[str | None]:
        value = self._value(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise _misfit(name, "List`1[System.String]")
        return [_text(item, f"{name}[{place}]") for place, item in enumerate(value)]

    def integer(self, name: str) -> int | None:
        value = self._value(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isdecimal():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _misfit(name, "Int32")
        return value

    def true_or_false(self, name: str) -> bool | None:
        value = self._value(name)
        if value is None or isinstance(value, bool):
            return value
        raise _misfit(name, "Boolean")

    def choice(self, name: str, known: Collection[str]) -> str | None:
        return _choice(self._value(name), name, known)

    def choices(self, name: str, known: Collection[str]) -> list[str]:
        found = [_choice(text, name, known) for text in self.texts(name)]
        return [one for one in found if one is not None]

    def form(self, name: str) -> "Form | None":
        value = self._value(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise _misfit(name, "Object")
        return Form(value)


async def read_object(request: web.Request) -> dict[str, object]:
    """The request's JSON object. Raises BadMediaType, TooLarge, Failure."""
    if not request.content_type.endswith("json"):
        raise BadMediaType
    body = await request.read()
    if len(body) > BODY_BYTES_MAX:
        raise TooLarge
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Failure("The request body is no valid JSON. Path: $") from error
    if not isinstance(found, dict):
        raise _misfit("", "Object")
    return found


def _text(value: object, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise _misfit(name, "String")


def _choice(value: object, name: str, known: Collection[str]) -> str | None:
    text = _text(value, name)
    if text is None:
        return None
    if text.upper() not in known:
        raise _misfit(name, "Nullable`1[Enum]")
    return text.upper()


def _misfit(name: str, kind: str) -> Failure:
    path = f"$.{name}" if name else "$"
    return Failure(f"The JSON value could not be converted to System.{kind}. Path: {path}")
