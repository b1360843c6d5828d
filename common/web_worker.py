"""gunicorn's gevent worker, with clients that may be slow, but not for ever, and not all of us.

Slow clients cost no thread, only a place among the connections of a worker, and those are counted:
a head has to come in time, a body and an answer have to move, and no address may have all places.
While we wait for a client no database connection is held for it.

gunicorn's master loads this before anything is patched, so it imports nothing of ours at the top.
"""

import errno
import math
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any, TypeVar

import gevent
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker

T = TypeVar("T")
# Who moves so much may take longer than WEB_CLIENT_SECONDS.
SLOWEST_BYTES_PER_SECOND = 10_000
# Of a worker that is to stop: who has said nothing for so long is not waited for.
IDLE_SECONDS_AT_STOP = 1.0
LOOK_SECONDS = 0.2
# New connections, one after the other; then it is another process' turn.
ACCEPTED_AT_ONCE = 20


class Pace:
    """How long we have waited for a client, and for how many bytes."""

    def __init__(self, *, grace: float, rate: float) -> None:
        self._left = grace
        self._rate = rate

    def patience(self) -> float:
        """Seconds that the next bytes may take; none left: TimeoutError."""
        if self._left <= 0:
            raise TimeoutError("the client is too slow")
        return self._left

    def count(self, *, waited: float, moved: int) -> None:
        self._left += moved / self._rate - waited


class Client:
    """A client's socket as gunicorn uses it; all that is not here is the socket's own."""

    def __init__(self, sock: Any, *, head_seconds: float, client_seconds: float) -> None:
        self._sock = sock
        self._head_seconds = head_seconds
        self._client_seconds = client_seconds
        self._begins_answer, self._kept = False, b""
        self.await_head(idle_seconds=head_seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def await_head(self, *, idle_seconds: float) -> None:
        """Nothing need come for so long; what has begun has to come whole in `head_seconds`."""
        self._idle_seconds: float | None = idle_seconds
        self._idle_since: float | None = time.monotonic()
        self._reading = Pace(grace=self._head_seconds, rate=math.inf)
        self._is_head = True
        # For what gunicorn itself answers to a head that is none.
        self._writing = self._pace()

    def has_been_idle(self, seconds: float) -> bool:
        """Nothing of a head has come for so long."""
        return self._idle_since is not None and time.monotonic() - self._idle_since > seconds

    def end_reading(self) -> None:
        """What has come by now is still read, and answered; then the connection ends."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def begin_request(self) -> None:
        self._is_head, self._idle_since = False, None
        self._reading, self._writing = self._pace(), self._pace()
        self._begins_answer = True

    def end_request(self) -> None:
        """An answer that was nothing but a head goes now. Raises BrokenPipeError."""
        self._begins_answer = False
        self.sendall(b"")

    def recv(self, size: int) -> bytes:
        """Raises TimeoutError for a body that is too slow. A head that is, is taken for the end of
        the connection, which gunicorn closes without a word in the log."""
        if not self._is_head:
            return self._done(self._reading, self._sock.recv, size, len)
        try:
            if self._idle_seconds is None:
                return self._done(self._reading, self._sock.recv, size, len)
            self._sock.settimeout(self._idle_seconds)
            self._idle_seconds = None
            found: bytes = self._sock.recv(size)
            self._idle_since = None
        except TimeoutError:
            return b""
        return found

    def send(self, data: Any) -> int:
        """Raises BrokenPipeError when the client does not take it in time."""
        try:
            return self._done(self._writing, self._sock.send, data, int)
        except TimeoutError as error:
            raise BrokenPipeError(errno.EPIPE, "the client is too slow") from error

    def sendall(self, data: Any) -> None:
        """The head of an answer waits for what follows it: one call to the system, and one packet,
        for both. Raises BrokenPipeError."""
        if self._begins_answer:
            self._begins_answer, self._kept = False, data
            return
        head, self._kept = self._kept, b""
        left = memoryview(head + data if head else data)
        while left:
            left = left[self.send(left) :]

    def close(self) -> None:
        """What has broken off in the middle is no answer."""
        self._kept = b""
        self._sock.close()

    def _pace(self) -> Pace:
        return Pace(grace=self._client_seconds, rate=SLOWEST_BYTES_PER_SECOND)

    def _done(
        self, pace: Pace, act: Callable[[Any], T], argument: Any, moved: Callable[[T], int]
    ) -> T:
        """`act(argument)` at once, else as soon as the client lets us."""
        self._sock.settimeout(0)
        try:
            found = act(argument)
        except BlockingIOError:
            _release_connection()
            began = time.monotonic()
            self._sock.settimeout(pace.patience())
            found = act(argument)
            pace.count(waited=time.monotonic() - began, moved=0)
        pace.count(waited=0, moved=moved(found))
        return found


class Worker(GeventWorker):
    """`--worker-class=common.web_worker.Worker`"""

    def run(self) -> None:
        from django.conf import settings

        self._patience: dict[str, float] = {
            "head_seconds": settings.WEB_HEAD_SECONDS,
            "client_seconds": settings.WEB_CLIENT_SECONDS,
        }
        self._most: int = settings.WEB_CONNECTIONS_PER_ADDRESS
        self._trusted: list[str] = settings.TRUSTED_PROXIES
        self._connections: Counter[str] = Counter()
        self._clients: set[Client] = set()
        super().run()

    def server_class(self, listener: Any, *, spawn: Any, **options: Any) -> StreamServer:
        """gunicorn's own takes one new connection each time that it has looked at all others: of
        two thousand at once the last one waited for seconds before anybody read its request."""
        server = StreamServer(listener, handle=partial(self.handle, listener), spawn=spawn)
        server.max_accept = ACCEPTED_AT_ONCE
        return server

    def timeout_ctx(self) -> AbstractContextManager[None]:
        """gunicorn's own ends a first head, too, after the `keepalive` seconds of one that is kept
        open, in the middle and without an answer. Client has the time of each."""
        return nullcontext()

    def handle_exit(self, sig: Any, frame: Any) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn(self._let_idle_go)

    def _let_idle_go(self) -> None:
        """gunicorn would wait for connections that are merely kept open, those of a proxy among
        them, as long as for a request: until its `graceful_timeout` is over."""
        while True:
            for client in [*self._clients]:
                if client.has_been_idle(IDLE_SECONDS_AT_STOP):
                    client.end_reading()
            gevent.sleep(LOOK_SECONDS)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        name = self._counted_as(addr)
        if name and self._connections[name] >= self._most:
            client.close()
            return
        self._connections[name] += 1
        ours = Client(client, **self._patience)
        self._clients.add(ours)
        try:
            super().handle(listener, ours, addr)
        finally:
            self._clients.discard(ours)
            self._connections[name] -= 1
            if not self._connections[name]:
                del self._connections[name]

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        sock.begin_request()
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:
            try:
                sock.end_request()
            finally:
                sock.await_head(idle_seconds=self.cfg.keepalive)

    def _counted_as(self, addr: Any) -> str:
        """The client's address; empty for our own proxies, who speak for many."""
        from common import addresses

        if not self._most or not isinstance(addr, tuple):
            return ""
        try:
            is_proxy = addresses.is_in(addresses.address(addr[0]), self._trusted)
        except ValueError:
            return ""
        return "" if is_proxy else str(addr[0])


def _release_connection() -> None:
    """To the pool, unless somebody is in the midst of a transaction."""
    from django.db import connection

    if connection.connection is not None and not connection.in_atomic_block:
        connection.close()
