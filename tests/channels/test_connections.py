"""Calls to upstreams by connections that stay open."""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.conf import LazySettings

from channels import connections, http
from channels.connections import Place
from channels.errors import OutcomeUnknown, Unreachable
from tests.stack import wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Upstream:
    """Answers each request with the next of `answers`, the last one again and again."""

    def __init__(self) -> None:
        self.answers = [answer(b'{"code": 1}')]
        # One list for each connection: the request lines that came by it.
        self.lines: list[list[str]] = []
        self.open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.drop_all()

    def drop_all(self) -> None:
        """As upstreams do with connections that nobody has used for a while."""
        for line in self.open:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self.lines.append([])
                self.open.append(line)
                threading.Thread(target=self._serve, args=(line, self.lines[-1])).start()

    def _serve(self, line: socket.socket, lines: list[str]) -> None:
        with line, suppress(OSError, IndexError):
            while head := line.recv(65536):
                lines.append(head.decode().splitlines()[0])
                line.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


def answer(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return HEAD + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


def ask(upstream: Upstream, path: str = "/mj/task/1/fetch") -> http.Answer:
    return http.request("GET", upstream.url + path, headers={}, seconds=5)


def test_one_connection_serves_one_call_after_the_other(upstream: Upstream) -> None:
    for number in range(3):
        assert ask(upstream, f"/{number}").json() == {"code": 1}
    assert upstream.lines == [[f"GET /{number} HTTP/1.1" for number in range(3)]]


def test_each_of_two_calls_at_once_has_its_own(upstream: Upstream) -> None:
    place, _ = connections.read(upstream.url)
    kept = connections.Connections()
    pair = [kept.take(place, seconds=1) for _ in range(2)]
    assert pair[0] is not pair[1]
    for each in pair:
        kept.give_back(place, each)
    assert kept.take(place, seconds=1) in pair


def test_one_that_was_dropped_meanwhile_is_not_used_again(upstream: Upstream) -> None:
    """A submit by it would have an unknown outcome."""
    ask(upstream)
    upstream.drop_all()
    wait_until(lambda: ask(upstream).status == 200)
    assert [len(lines) for lines in upstream.lines] == [1, 1]


def test_one_that_is_said_to_end_is_not_used_again(upstream: Upstream) -> None:
    upstream.answers = [answer(b"{}", b"Connection: close")]
    ask(upstream)
    ask(upstream)
    assert [len(lines) for lines in upstream.lines] == [1, 1]


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", id="too short"),
        pytest.param(b"nothing like HTTP\r\n\r\n", id="no HTTP"),
    ],
)
def test_after_half_an_answer_it_is_not_used_again(upstream: Upstream, first: bytes) -> None:
    upstream.answers = [first, answer(b"{}")]
    with pytest.raises(OutcomeUnknown):
        http.request("GET", upstream.url, headers={}, seconds=0.3)
    assert ask(upstream).json() == {}
    assert [len(lines) for lines in upstream.lines] == [1, 1]


def test_what_comes_unasked_is_no_answer_to_the_next_call(upstream: Upstream) -> None:
    upstream.answers = [answer(b'{"code": 1}') + answer(b'{"code": 2}'), answer(b'{"code": 3}')]
    assert ask(upstream).json() == {"code": 1}
    assert ask(upstream).json() == {"code": 3}


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_packed_answer_is_read(upstream: Upstream, pack: object) -> None:
    name = b"gzip" if pack is gzip.compress else b"deflate"
    upstream.answers = [answer(pack(b'{"code": 1}'), b"Content-Encoding: " + name)]  # type: ignore[operator]
    assert ask(upstream).json() == {"code": 1}


def test_an_answer_that_unpacks_to_too_much_is_none(
    upstream: Upstream, settings: LazySettings
) -> None:
    settings.UPSTREAM_ANSWER_MAX_BYTES = 10_000
    upstream.answers = [answer(gzip.compress(b" " * 10_001), b"Content-Encoding: gzip")]
    with pytest.raises(OutcomeUnknown, match="more than 10000 bytes"):
        ask(upstream)


def test_an_answer_without_a_body_is_one(upstream: Upstream) -> None:
    upstream.answers = [answer(b"")]
    assert [ask(upstream).body for _ in range(2)] == [b"", b""]
    assert [len(lines) for lines in upstream.lines] == [2]


@pytest.mark.parametrize(
    "url", ["", "nowhere", "ftp://127.0.0.1/", "http://", "http://[::1", "http://127.0.0.1:99999/"]
)
def test_what_is_no_address_is_not_called(url: str) -> None:
    with pytest.raises(Unreachable):
        http.request("GET", url, headers={}, seconds=1)


@pytest.mark.parametrize(
    ("url", "place", "target"),
    [
        ("http://up", Place("http", "up", 80), "/"),
        ("HTTPS://Up/a?b=c#d", Place("https", "up", 443), "/a?b=c"),
        ("http://[::1]:8080/a b/ü", Place("http", "::1", 8080), "/a%20b/%C3%BC"),
        ("http://me:secret@up:81/x", Place("http", "up", 81), "/x"),
    ],
)
def test_addresses_are_read(url: str, place: Place, target: str) -> None:
    assert connections.read(url) == (place, target)
