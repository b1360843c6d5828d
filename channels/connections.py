"""Connections to upstreams that stay open for the next call: the standard library's own.

urllib3 takes twice as much CPU for a call, requests five times (docs/bench.md), and the submit path
makes one for each task.
"""

import select
import ssl
from collections import OrderedDict, deque
from functools import lru_cache
from http.client import HTTPConnection, HTTPSConnection
from typing import NamedTuple

from gevent import monkey
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from common.deadline import BoundedResponse

# Kept open of one upstream, and of how many upstreams.
KEPT = 2000
UPSTREAMS = 200
PORTS = {"http": 80, "https": 443}
# gevent's own asks its hub first; this one only looks, and never waits.
_Poll = monkey.get_original("select", "poll")


class Place(NamedTuple):
    """Whom a connection leads to."""

    scheme: str
    host: str
    port: int


class _Plain(HTTPConnection):
    response_class = BoundedResponse
    # It is opened by take() alone, so that what fails later has always been under way.
    auto_open = 0


class _Secure(HTTPSConnection):
    response_class = BoundedResponse
    auto_open = 0


class Connections:
    """Those that nobody uses just now."""

    def __init__(self) -> None:
        self._idle: OrderedDict[Place, deque[HTTPConnection]] = OrderedDict()

    def take(self, place: Place, *, seconds: float) -> HTTPConnection:
        """One that is open, new if need be. `seconds` bounds each step of opening it.

        Raises OSError (a TimeoutError, an ssl.SSLError): it was not opened, and nothing was sent.
        """
        idle = self._idle.get(place, ())
        while idle:
            try:
                kept = idle.pop()
            except IndexError:
                break
            if not _has_ended(kept):
                return kept
            kept.close()
        fresh = _new(place, seconds)
        try:
            fresh.connect()
        except BaseException:
            fresh.close()
            raise
        return fresh

    def give_back(self, place: Place, connection: HTTPConnection) -> None:
        """After an answer that was read to its end."""
        if connection.sock is None:
            return
        idle = self._idle.setdefault(place, deque(maxlen=KEPT))
        if len(idle) == KEPT:
            connection.close()
        else:
            idle.append(connection)
        if len(self._idle) > UPSTREAMS:
            _, rest = self._idle.popitem(last=False)
            for each in rest:
                each.close()


@lru_cache(maxsize=1000)
def read(url: str) -> tuple[Place, str]:
    """Where a call goes, and what is asked for there. Raises ValueError, for an address that is
    none."""
    try:
        found = parse_url(url)
    except LocationParseError as error:
        raise ValueError(str(error)) from error
    if found.scheme not in PORTS or not found.host:
        raise ValueError(f"{url} is no http or https address")
    place = Place(found.scheme, found.host.strip("[]"), found.port or PORTS[found.scheme])
    return place, found.request_uri


def _new(place: Place, seconds: float) -> HTTPConnection:
    if place.scheme == "https":
        return _Secure(place.host, place.port, timeout=seconds, context=_tls())
    return _Plain(place.host, place.port, timeout=seconds)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _has_ended(connection: HTTPConnection) -> bool:
    """The other side has closed it meanwhile, or says something that nobody has asked for."""
    if connection.sock is None:
        return True
    try:
        poll = _Poll()
        poll.register(connection.sock.fileno(), select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True
