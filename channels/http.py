"""The outgoing HTTP sessions to upstreams: keep-alive, time-outs, bounded answers, no redirects.

urllib3 and not requests: a third of the CPU per call on the submit path.
"""

import json
import re
import ssl
import time
from typing import Any, NamedTuple

import orjson
import urllib3
from django.conf import settings
from urllib3 import exceptions

from channels import redaction
from channels.errors import OutcomeUnknown, Unreachable
from common import bounded, retry_after
from common.deadline import POOLS, deadline

# At least the number of calls in flight in one process, else connections are thrown away.
CONNECTIONS_PER_HOST = 2000
HOSTS = 200
USER_AGENT = "mj-relay"
# The escape itself, not a backslash and the text after it.
_ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

_pool = urllib3.PoolManager(
    num_pools=HOSTS, maxsize=CONNECTIONS_PER_HOST, retries=False, headers={"User-Agent": USER_AGENT}
)


_pool.pool_classes_by_scheme = POOLS


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
            response = _pool.request(
                method,
                url,
                body=None if body is None else orjson.dumps(body),
                headers={
                    **_pool.headers,
                    "Accept": "application/json",
                    **_json_type(body),
                    **headers,
                },
                timeout=urllib3.Timeout(connect=settings.UPSTREAM_CONNECT_SECONDS, read=seconds),
                redirect=False,
                preload_content=False,
            )
            data = redaction.clean(_read(response, until=started + whole), headers)
    except (exceptions.HTTPError, bounded.TooMuch, TimeoutError) as error:
        kind = Unreachable if _nothing_was_sent(error) else OutcomeUnknown
        words = redaction.clean_text(_words(error), headers)
        raise kind(words, milliseconds=_since(started)) from error
    asked = retry_after.seconds(response.headers.get("Retry-After"))
    return Answer(response.status, data, _since(started), asked)


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


def _read(response: urllib3.BaseHTTPResponse, *, until: float) -> bytes:
    limit = settings.UPSTREAM_ANSWER_MAX_BYTES
    return b"".join(bounded.chunks(response, max_bytes=limit, until=until))


def _nothing_was_sent(error: Exception) -> bool:
    """Only what fails before the request is written proves that nothing arrived."""
    if isinstance(error, exceptions.SSLError):
        # A connection cut in mid-flight looks like an SSL error too; a failed handshake does not
        # end in "end of file".
        cause = error.args[0] if error.args else None
        return not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)
    return isinstance(
        error,
        exceptions.NewConnectionError
        | exceptions.ConnectTimeoutError
        | exceptions.LocationValueError,
    )


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
