"""Slow-loris in all its forms: hundreds of clients that speak or listen byte by byte. Everybody
else is served as if they were not there, and none of them stays for ever."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from relay.up import programs
from tests.accounts import Account
from tests.faults.place import Place, open_place
from tests.security.slow import SlowClients
from tests.stack import Stack, wait_until

CLIENTS = 500
# To make so many large answers takes the processes a while; that is another matter.
READERS = 150
SUBMITS = 20
# A quick machine needs a hundredth of it.
QUICK_SECONDS = 5
CLIENT_SECONDS = 8
HEAD_SECONDS = 4
# gunicorn's `keepalive`, where nobody says another.
KEPT_SECONDS = 2
# Of one address at one of the two processes.
PLACES = 600


class AsMakeRunHasIt(Stack):
    @property
    def commands(self) -> dict[str, list[str]]:
        started = programs.app(host="127.0.0.1", port=self.port, var=self.folder)
        web = {program.name: program.command for program in started}["web"]
        return super().commands | {"web": web}


@pytest.fixture(scope="module")
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("slow")
    # This machine is nobody's proxy here.
    with open_place(
        folder,
        own_database_url,
        make=AsMakeRunHasIt,
        TRUSTED_PROXIES="192.0.2.0/24",
        WEB_CLIENT_SECONDS=str(CLIENT_SECONDS),
        WEB_HEAD_SECONDS=str(HEAD_SECONDS),
        WEB_CONNECTIONS_PER_ADDRESS=str(PLACES),
    ) as place:
        yield place


@pytest.fixture
def account(place: Place) -> Account:
    return place.account()


def head(account: Account, path: str, *, length: int = 0) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: relay.example",
        f"Authorization: Bearer {account.key}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def assert_all_is_well(account: Account, slow: SlowClients) -> None:
    """Submits are taken, and quickly, while the slow ones are there."""
    taken = 0
    while taken < SUBMITS and slow.alive > READERS / 2:
        began = time.monotonic()
        assert account.imagine(f"a lighthouse {taken}").status_code == 200
        assert time.monotonic() - began < QUICK_SECONDS
        taken += 1
    assert taken > 0


def assert_all_are_gone(place: Place) -> None:
    """From the server's side: what a client has not read yet, it may go on reading."""
    wait_until(lambda: sockets(place) < READERS / 2, seconds=90, what="the end of the slow ones")


def sockets(place: Place) -> int:
    """That the web processes have open."""
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in web_processes(place))


def web_processes(place: Place) -> list[str]:
    master = place.stack.processes["web"].pid
    return Path(f"/proc/{master}/task/{master}/children").read_text().split()


def test_heads_byte_by_byte(place: Place, account: Account) -> None:
    words = head(account, "/mj/submit/imagine", length=2)
    with SlowClients(place.stack.port, words, number=CLIENTS).at_work() as slow:
        assert_all_is_well(account, slow)
        assert_all_are_gone(place)
        wait_until(lambda: not slow.alive, seconds=30, what="the end of the heads")
    # Closed without a word: nothing was understood.
    assert set(slow.answers) == {b""}


def test_a_head_that_begins_late_is_answered(stack: Stack) -> None:
    """A new connection has the time of a head, not that of one that is kept open for the next."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=5) as client:
        time.sleep(KEPT_SECONDS + 0.5)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_process_that_stood_still_takes_nobody_for_slow(place: Place) -> None:
    """What has come meanwhile is answered, and its time was over."""
    with socket.create_connection(("127.0.0.1", place.stack.port), timeout=5) as client:
        time.sleep(0.5)
        web = [int(pid) for pid in web_processes(place)]
        try:
            for pid in web:
                os.kill(pid, signal.SIGSTOP)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n")
            time.sleep(HEAD_SECONDS + 0.5)
        finally:
            for pid in web:
                os.kill(pid, signal.SIGCONT)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_bodies_byte_by_byte_with_a_good_key(place: Place, account: Account) -> None:
    """The key is looked up before the body is read; no database connection is kept for it."""
    body = b'{"prompt": "a lighthouse that comes in small pieces, very small ones indeed"}'
    words = head(account, "/mj/submit/imagine", length=len(body))
    slow = SlowClients(place.stack.port, words + body, number=CLIENTS, at_once=len(words) + 3)
    with slow.at_work():
        assert_all_is_well(account, slow)
        assert_all_are_gone(place)
        wait_until(lambda: not slow.alive, seconds=30, what="the end of the bodies")
    # Where a byte of the client's crosses it, the answer is lost.
    assert slow.answers[b"HTTP/1.1 408"] > CLIENTS / 2


def test_answers_byte_by_byte(place: Place, account: Account) -> None:
    """Answers that do not fit into the sockets' buffers, built from the database."""
    ids = [account.draw("x" * 7000 + str(number)) for number in range(25)]
    body = ('{"ids": ["' + '","'.join(ids) + '"]}').encode()
    words = head(account, "/mj/task/list-by-condition", length=len(body)) + body
    slow = SlowClients(place.stack.port, words, number=READERS, at_once=len(words))
    with slow.at_work():
        wait_until(lambda: slow.all_listen, seconds=40, what="the beginnings of the answers")
        assert_all_is_well(account, slow)
        assert_all_are_gone(place)


def test_no_address_has_all_the_places(place: Place, account: Account) -> None:
    """As many as two processes may have of it, and then none."""
    connections = [connect(place) for _ in range(2 * PLACES + 50)]
    began = time.monotonic()
    try:
        wait_until(lambda: sum(map(is_closed, connections)) >= 50, what="the refusals")
        assert time.monotonic() - began < HEAD_SECONDS
    finally:
        for connection in connections:
            connection.close()
    wait_until(lambda: is_served(account), what="a free place")


def connect(place: Place) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", place.stack.port))
    connection.setblocking(False)
    return connection


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def is_served(account: Account) -> bool:
    with suppress(requests.ConnectionError):
        return account.imagine("a lighthouse").status_code == 200
    return False


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /healthz", b"200"),
        ("HEAD /healthz", b"200"),
        ("OPTIONS /mj/submit/imagine", b"204"),
        ("GET /nothing", b"404"),
    ],
)
@pytest.mark.parametrize("ends", ["keep-alive", "close"])
def test_an_answer_comes_in_one_piece(
    place: Place, request_line: str, status: bytes, ends: str
) -> None:
    """Its head does not wait for a body that never comes, nor its body for a second packet."""
    with socket.create_connection(("127.0.0.1", place.stack.port), timeout=5) as client:
        for _ in range(1 if ends == "close" else 3):
            head = f"{request_line} HTTP/1.1\r\nHost: relay\r\nConnection: {ends}\r\n\r\n"
            client.sendall(head.encode())
            answer = client.recv(65536)
            found, _, body = answer.partition(b"\r\n\r\n")
            lines = found.lower().split(b"\r\n")
            assert lines[0].split()[1] == status
            lengths = [int(x.split(b":")[1]) for x in lines if x.startswith(b"content-length")]
            assert len(body) == (lengths[0] if request_line.startswith("GET") else 0)
