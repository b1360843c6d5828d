"""A limit on the whole of a call. HTTP libraries only limit each read, so a peer who sends a byte
now and then, or one who never stops to send, could hold us for ever."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any

import gevent
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

# Status lines and headers together, those of any number of "100 Continue" included.
HEAD_MAX_BYTES = 256 * 1024
# A peer that always has data ready would never let anybody else run.
READS_IN_A_ROW = 8

_limits = threading.local()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Inside, a call over one of the connections below raises TimeoutError after `seconds`.

    In web and workers gevent also ends what does not read: a handshake, a send.
    """
    before = getattr(_limits, "until", None)
    _limits.until = time.monotonic() + seconds
    try:
        with gevent.Timeout(seconds, TimeoutError(f"it took longer than {seconds:g} s")):
            yield
    finally:
        _limits.until = before


class _BoundedReader(io.RawIOBase):
    """What comes from a socket, until the deadline, and only so much of it for the head."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._until = getattr(_limits, "until", None)
        self._reads = 0
        self.head_bytes_left: int | None = HEAD_MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None and time.monotonic() > self._until:
            raise TimeoutError("it took too long")
        self._reads += 1
        if self._reads % READS_IN_A_ROW == 0:
            time.sleep(0)
        size: int | None = self._source.readinto(buffer)
        if self.head_bytes_left is not None:
            self.head_bytes_left -= size or 0
            if self.head_bytes_left < 0:
                raise OSError("the head of the answer is too large")
        return size

    def close(self) -> None:
        self._source.close()
        super().close()


class BoundedResponse(HTTPResponse):
    """An answer that is read through a _BoundedReader."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._reader = _BoundedReader(self.fp.detach())
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        super().begin()
        self._reader.head_bytes_left = None


class BoundedHTTPConnection(HTTPConnection):
    response_class = BoundedResponse


class BoundedHTTPSConnection(HTTPSConnection):
    response_class = BoundedResponse


class BoundedHTTPPool(HTTPConnectionPool):
    ConnectionCls = BoundedHTTPConnection


class BoundedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = BoundedHTTPSConnection
