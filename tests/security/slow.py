"""Clients that take their time: each speaks, or listens, one byte at a time."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

# Between two bytes of one client.
PAUSE_SECONDS = 0.4
SMALL_BUFFER_BYTES = 2048


class SlowClients:
    """`words`: what each says. The first `at_once` bytes of it come together, the others one by
    one; who has said all listens, byte by byte."""

    def __init__(self, port: int, words: bytes, *, number: int, at_once: int = 0) -> None:
        self.port = port
        self.answers: Counter[bytes] = Counter()
        self.ended_after: list[float] = []
        self._words = words
        self._number = number
        self._at_once = at_once
        self._sockets: dict[socket.socket, bytearray] = {}
        self._said: dict[socket.socket, int] = {}
        self._over = Event()

    @property
    def alive(self) -> int:
        return len(self._sockets)

    @property
    def all_listen(self) -> bool:
        """Each has the beginning of an answer."""
        return all(self._sockets.values())

    @contextmanager
    def at_work(self) -> Iterator["SlowClients"]:
        for _ in range(self._number):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
            client.connect(("127.0.0.1", self.port))
            client.sendall(self._words[: self._at_once])
            client.setblocking(False)
            self._sockets[client] = bytearray()
            self._said[client] = self._at_once
        thread = Thread(target=self._work, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            for client in list(self._sockets):
                client.close()

    def _work(self) -> None:
        began = time.monotonic()
        while not self._over.wait(PAUSE_SECONDS):
            for client in list(self._sockets):
                if not self._moves(client):
                    self.answers[bytes(self._sockets.pop(client))[:12]] += 1
                    self.ended_after.append(time.monotonic() - began)
                    client.close()

    def _moves(self, client: socket.socket) -> bool:
        """One byte further; False when the server has ended the connection."""
        said = self._said[client]
        try:
            if said < len(self._words):
                client.send(self._words[said : said + 1])
                self._said[client] += 1
            byte = client.recv(1 if said >= len(self._words) else 4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._sockets[client] += byte
        return bool(byte)
