"""Files from addresses that an upstream named: bounded in size, time and hops, and guarded.

The time is what the other side makes us wait in sum. Bytes that trickle in do not stretch it (the
HTTP library's own time-out starts anew with each of them), and the slow line of our own client
does not use it up.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings

from common import guard

T = TypeVar("T")

CHUNK_BYTES = 65536
# Storages of pictures redirect to signed addresses; who needs more is leading us around.
REDIRECTS_MAX = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PORTS = (80, 443)
EVERYWHERE = ("0.0.0.0/0", "::/0")
HOSTS = 100
CONNECTIONS_PER_HOST = 200
HEADERS = {"User-Agent": "mj-relay", "Accept": "image/*,video/*", "Accept-Encoding": "identity"}


class DownloadFailed(Exception):
    """The file cannot be had, or not within the limits."""


class Download(Iterator[bytes]):
    """An open download, in chunks. Raises DownloadFailed where it breaks off; close it."""

    def __init__(self, response: requests.Response, patience: "_Patience") -> None:
        self._response = response
        self._patience = patience
        self._chunks = response.iter_content(CHUNK_BYTES)
        self._first = b""
        self._taken = 0
        self.size = _announced_size(response)

    def peek(self) -> bytes:
        """The first chunk, which is still to come; empty when the file is."""
        self._first = next(self, b"")
        return self._first

    def __next__(self) -> bytes:
        chunk, self._first = self._first or self._read(), b""
        if not chunk:
            raise StopIteration
        return chunk

    def _read(self) -> bytes:
        try:
            chunk = self._patience.wait(_line(self._response), lambda: next(self._chunks, b""))
        except requests.RequestException as error:
            raise DownloadFailed(str(error)) from error
        self._taken += len(chunk)
        _check_size(self._taken)
        return chunk

    def close(self) -> None:
        self._response.close()


def open_url(url: str, *, home: str) -> Download:
    """Begins a download. Its host must be a public one, unless it is the one that `home` names:
    that address was typed in by the operator and may be an inner one. Raises DownloadFailed.
    """
    patience = _Patience(settings.PICTURE_TIMEOUT_SECONDS)
    is_at_home = True
    try:
        for _ in range(REDIRECTS_MAX + 1):
            # Whoever has led us away must not lead us back in.
            is_at_home = is_at_home and _place(url) == _place(home)
            response = _get(_open_session() if is_at_home else _guarded_session(), url, patience)
            if response.status_code not in REDIRECTS:
                return _accepted(response, patience)
            response.close()
            url = urljoin(url, response.headers.get("Location", ""))
    except (requests.RequestException, ValueError) as error:
        raise DownloadFailed(str(error)) from error
    raise DownloadFailed("it is redirected too often")


def _accepted(response: requests.Response, patience: "_Patience") -> Download:
    try:
        if response.status_code != 200:
            raise DownloadFailed(f"the answer is HTTP {response.status_code}")
        _check_size(_announced_size(response) or 0)
    except DownloadFailed:
        response.close()
        raise
    return Download(response, patience)


def _get(session: requests.Session, url: str, patience: "_Patience") -> requests.Response:
    """The answer's head. Not by `session.get`: that reads the body of a redirect into memory."""
    request = requests.Request("GET", url, headers=HEADERS).prepare()
    adapter = session.get_adapter(request.url or "")
    connect = min(settings.UPSTREAM_CONNECT_SECONDS, patience.left)
    with patience.counting():
        return adapter.send(request, stream=True, timeout=(connect, patience.left))


def _place(url: str) -> tuple[str | None, int | None]:
    """Host and port. Raises ValueError for what is no address."""
    parts = urlsplit(url)
    return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _announced_size(response: requests.Response) -> int | None:
    """None when the answer does not say, or says the size of something packed."""
    size = response.headers.get("Content-Length", "")
    packed = response.headers.get("Content-Encoding", "identity") != "identity"
    return int(size) if size.isascii() and size.isdigit() and not packed else None


def _check_size(size: int) -> None:
    if size > settings.PICTURE_MAX_BYTES:
        raise DownloadFailed(f"it is larger than {settings.PICTURE_MAX_BYTES} bytes")


class _Patience:
    """What is left of the time that we wait for others. Raises DownloadFailed when it is over."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.left -= time.monotonic() - started
        if self.left <= 0:
            raise DownloadFailed("it comes too slowly")

    def wait(self, line: socket.socket, read: Callable[[], T]) -> T:
        with self.counting(), _cut_after(self.left, line):
            return read()


@contextlib.contextmanager
def _cut_after(seconds: float, line: socket.socket) -> Iterator[None]:
    """Ends a read that takes longer, however many bytes trickle in meanwhile."""
    timer = threading.Timer(seconds, _cut, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # The plain socket's own: that of a TLS socket also takes the ground from under the reader.
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _line(response: requests.Response) -> socket.socket:
    raw: Any = response.raw
    line: socket.socket = raw.line
    return line


@lru_cache(maxsize=1)
def _open_session() -> requests.Session:
    return _watched(guard.session(guard.Policy(ports=(), allowed=EVERYWHERE)))


@lru_cache(maxsize=1)
def _guarded_session() -> requests.Session:
    return _watched(
        guard.session(guard.Policy(ports=PORTS, allowed=settings.PICTURE_ALLOWED_NETWORKS))
    )


def _watched(session: requests.Session) -> requests.Session:
    """The same session, with connections that keep to their time-out."""
    adapter: Any = session.get_adapter("http://")
    adapter.init_poolmanager(HOSTS, CONNECTIONS_PER_HOST)
    pools = adapter.poolmanager.pool_classes_by_scheme
    adapter.poolmanager.pool_classes_by_scheme = {
        scheme: _watched_pool(pool) for scheme, pool in pools.items()
    }
    return session


def _watched_pool(pool: type[Any]) -> type[Any]:
    connection = type("Watched", (_Watched, pool.ConnectionCls), {})
    return type("WatchedPool", (pool,), {"ConnectionCls": connection})


class _Watched:
    """Part of a connection: the handshake of TLS and the whole head of an answer each come within
    the time-out, and the answer knows its socket, so that its body can be cut off too."""

    sock: socket.socket
    timeout: float

    def connect(self) -> None:
        with contextlib.ExitStack() as self.while_connecting:
            super().connect()  # type: ignore[misc]

    def _new_conn(self) -> socket.socket:
        line: socket.socket = super()._new_conn()  # type: ignore[misc]
        # TLS takes the line itself over, so a second hold on it is needed.
        hold = self.while_connecting.enter_context(line.dup())
        self.while_connecting.enter_context(_cut_after(self.timeout, hold))
        return line

    def getresponse(self) -> Any:
        line = self.sock
        with _cut_after(self.timeout, line):
            response = super().getresponse()  # type: ignore[misc]
        response.line = line
        return response
