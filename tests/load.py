"""A load of submits in a process of its own: so many clients, each with one connection, each of
which asks again as soon as it is answered.

Without a library and in one thread: it must not be what is slow. `run()` starts it as a program,
which reads the keys from its standard input and prints what came, by HTTP status.
"""

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.stack import ROOT

RECEIVE_BYTES = 65536


def run(port: int, keys: list[str], *, seconds: float, prompt: str) -> Counter[int]:
    """One client for each key (a key may stand there several times). How many answers came, by
    HTTP status; what was under way at the end is waited for, and counts."""
    command = [sys.executable, "-m", "tests.load", str(port), str(seconds), prompt]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(keys), text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Counter({int(status): number for status, number in json.loads(done.stdout).items()})


@dataclass
class Client:
    connection: socket.socket
    request: bytes
    received: bytearray = field(default_factory=bytearray)

    def send(self) -> None:
        self.received.clear()
        self.connection.sendall(self.request)

    def receive(self) -> int:
        """The status, once the answer is complete; 0 before that."""
        data = self.connection.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError(bytes(self.received))
        self.received += data
        head, end, body = bytes(self.received).partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return 0
        return int(head.split(b" ", 2)[1])


def load(port: int, keys: list[str], *, seconds: float, prompt: str) -> Counter[int]:
    statuses: Counter[int] = Counter()
    with selectors.DefaultSelector() as selector:
        for key in keys:
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(
                connection, selectors.EVENT_READ, Client(connection, _request(key, prompt))
            )
        for ready in selector.get_map().values():
            ready.data.send()
        until = time.monotonic() + seconds
        under_way = len(keys)
        while under_way:
            for ready, _ in selector.select(30):
                client = ready.data
                if not (status := client.receive()):
                    continue
                statuses[status] += 1
                if time.monotonic() < until:
                    client.send()
                else:
                    under_way -= 1
                    selector.unregister(client.connection)
                    client.connection.close()
    return statuses


def _request(key: str, prompt: str) -> bytes:
    body = json.dumps({"prompt": prompt})
    head = (
        "POST /mj/submit/imagine HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def _content_length(head: bytes) -> int:
    (line,) = (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return int(line.partition(b":")[2])


if __name__ == "__main__":
    port, seconds, prompt = sys.argv[1:]
    found = load(int(port), json.load(sys.stdin), seconds=float(seconds), prompt=prompt)
    print(json.dumps(found))
