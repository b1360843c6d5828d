"""Calls to upstreams: keep-alive, time-outs, bounded answers, no redirects."""

import json
import re
import time
import zlib
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Any, NamedTuple

import orjson
from django.conf import settings

from channels import connections, redaction
from channels.errors import OutcomeUnknown, Unreachable
from common import retry_after
from common.deadline import deadline

CHUNK_BYTES = 65536
USER_AGENT = "mj-relay"
# The escape itself, not a backslash and the text after it.
_ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

_connections = connections.Connections()
# What may go wrong once a call has begun. Nobody knows then what has arrived.
_BROKEN = (OSError, HTTPException, zlib.error)


class TooMuch(HTTPException):
    """The answer is larger, or comes more slowly, than is allowed."""


class Answer(NamedTuple):
    """What came back: HTTP status, raw body, time taken, and how long we are asked to wait."""

    status: int
    body: bytes
    milliseconds: int
    retry_after: float | None = None

    def json(self) -> Any:
        """The parsed body, or None when it is not JSON. NUL has no place in a database."""
        body = _ESCAPED_NUL.sub(rb"\1", self.body)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            return _mended(body)

    @property
    def text(self) -> str:
        """The body for people, as far as it is text."""
        return self.body.decode("utf-8", "replace").replace("\x00", "")


def request(
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    seconds: float,
    body: Any = None,
) -> Answer:
    """One call. `seconds` bounds the whole of it after the connect. `headers` are the credentials,
    which are cut out of everything that comes back.

    Raises Unreachable when surely nothing was sent, OutcomeUnknown when it may have arrived.
    """
    started = time.monotonic()
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        raise Unreachable("the credential has signs in it that nobody can send")
    whole = settings.UPSTREAM_CONNECT_SECONDS + seconds
    try:
        with deadline(whole):
            place, connection, target = _open(url)
            try:
                _send(connection, method, target, headers, body, seconds=seconds)
                response = connection.getresponse()
                data = _read(response, until=started + whole)
            except BaseException:
                connection.close()
                raise
            _connections.give_back(place, connection)
    except _NothingSent as error:
        raise Unreachable(_words(error.__cause__, headers), milliseconds=_since(started)) from error
    except _BROKEN as error:
        raise OutcomeUnknown(_words(error, headers), milliseconds=_since(started)) from error
    asked = retry_after.seconds(response.headers.get("Retry-After"))
    return Answer(response.status, redaction.clean(data, headers), _since(started), asked)


class _NothingSent(Exception):
    """What is wrong is its cause."""


def _open(url: str) -> tuple[connections.Place, HTTPConnection, str]:
    try:
        place, target = connections.read(url)
        seconds = settings.UPSTREAM_CONNECT_SECONDS
        return place, _connections.take(place, seconds=seconds), target
    except (OSError, ValueError) as error:
        raise _NothingSent from error


def _send(
    connection: HTTPConnection,
    method: str,
    target: str,
    headers: dict[str, str],
    body: Any,
    *,
    seconds: float,
) -> None:
    connection.sock.settimeout(seconds)
    told = {"User-Agent": USER_AGENT, "Accept": "application/json", **_json_type(body), **headers}
    connection.request(method, target, None if body is None else orjson.dumps(body), told)


def _mended(body: bytes) -> Any:
    """JSON with half an emoji in it, which only Python's own parser takes: the half becomes "?".
    None when it is no JSON at all."""
    try:
        parsed = json.loads(body)
        return orjson.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _json_type(body: Any) -> dict[str, str]:
    return {} if body is None else {"Content-Type": "application/json"}


def _read(response: HTTPResponse, *, until: float) -> bytes:
    """The whole body. Raises TooMuch, IncompleteRead, zlib.error."""
    limit = settings.UPSTREAM_ANSWER_MAX_BYTES
    chunks, size = [], 0
    while chunk := response.read(CHUNK_BYTES):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise TooMuch(f"more than {limit} bytes")
        if time.monotonic() > until:
            raise TooMuch("it comes too slowly")
    data = b"".join(chunks)
    if response.length:
        raise IncompleteRead(data, response.length)
    return _unpacked(data, response.headers.get("Content-Encoding", ""), limit)


def _unpacked(data: bytes, encoding: str, limit: int) -> bytes:
    """Some pack their answer although it was not asked for."""
    if encoding.lower() not in ("gzip", "deflate") or not data:
        return data
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    found = unpacker.decompress(data, limit + 1)
    if len(found) > limit:
        raise TooMuch(f"more than {limit} bytes")
    if not unpacker.eof:
        raise IncompleteRead(found)
    return found


def _words(error: BaseException | None, headers: dict[str, str]) -> str:
    # What came instead of an answer may stand in it, and a NUL has no place in a database.
    text = f"{type(error).__name__}: {error}".replace("\x00", "")[:500]
    return redaction.clean_text(text, headers)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
