"""How a Spring Boot 2.6 application reads JSON and words its errors.

The upstreams written in Java answer their business in HTTP 200; what is here is what the framework
below them says before they are asked, or when they stumble.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web


class Problem(Exception):
    """The framework answers instead of the application."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


MALFORMED = HTTPStatus.BAD_REQUEST
STUMBLED = HTTPStatus.INTERNAL_SERVER_ERROR
MISSING = HTTPStatus.NOT_FOUND


def json_answer(data: object) -> web.Response:
    """HTTP 200 in UTF-8 without a charset parameter, as Jackson writes."""
    return web.Response(body=json_bytes(data), content_type="application/json")


def json_bytes(data: object) -> bytes:
    """Half a surrogate pair comes out as "?", as from Java."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")


def problem_answer(status: HTTPStatus, path: str) -> web.Response:
    error = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "status": status.value,
        "error": status.phrase,
        "path": path,
    }
    return web.Response(status=status, body=json_bytes(error), content_type="application/json")


class Form:
    """A JSON object whose fields are read as Jackson binds them: numbers pass for texts and back.

    A field of the wrong shape raises Problem(400); fields nobody reads are ignored.
    """

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def text(self, name: str) -> str | None:
        return _text(self._fields.get(name))

    def texts(self, name: str) -> list[str | None] | None:
        values = self._fields.get(name)
        if values is None:
            return None
        if not isinstance(values, list):
            raise Problem(MALFORMED)
        return [_text(value) for value in values]

    def integer(self, name: str) -> int | None:
        value = self._fields.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Problem(MALFORMED)
        try:
            return int(value)
        except (ValueError, OverflowError) as error:
            raise Problem(MALFORMED) from error

    def choice(self, name: str, known: frozenset[str]) -> str | None:
        """One of an enumeration's names, or None; any other text is malformed JSON to Jackson."""
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or value not in known:
            raise Problem(MALFORMED)
        return value


async def read_object(request: web.Request) -> dict[str, object]:
    """The request's JSON object. Raises Problem: 415 without a JSON content type, 400 otherwise."""
    if not request.content_type.endswith("json"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise Problem(MALFORMED) from error
    if not isinstance(body, dict):
        raise Problem(MALFORMED)
    return body


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise Problem(MALFORMED)
    return json.dumps(value)
