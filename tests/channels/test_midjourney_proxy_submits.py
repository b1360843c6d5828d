"""Submits to midjourney-proxy 2.6: every way it can say yes and no, and every way a line can break.

The answers come from a real HTTP server, or from a bare socket where HTTP itself is broken.
"""

import json
import re
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.conf import LazySettings

from channels.adapters.base import Accepted
from channels.adapters.family import FamilyAdapter
from channels.errors import OutcomeUnknown, Refusal, Rejected, Unreachable, UpstreamError
from tests.channels.proxy import ADAPTER, PAGE, STATE, SUBMISSION, answering, upstream
from tests.listener import Listener, listening
from tests.stack import free_port


def submit(at: Listener) -> Accepted:
    return ADAPTER.submit(upstream(at.url), SUBMISSION)


def submitted(payload: Any, status: int = 200) -> Accepted:
    """A submit that is answered like this."""
    with answering(payload, status) as server:
        return submit(server)


def rejected(payload: Any, status: int = 200) -> Rejected:
    with pytest.raises(Rejected) as raised:
        submitted(payload, status)
    return raised.value


def result(code: Any, **fields: Any) -> dict[str, Any]:
    return {"code": code, "description": "…", "result": None, "properties": {}} | fields


def test_a_submit_as_that_program_reads_it() -> None:
    with answering(result(1, result="1712204995849323")) as server:
        accepted = ADAPTER.submit(upstream(server.url, secret="open sesame"), SUBMISSION)
    ((method, path, headers, body),) = server.asked
    assert (method, path) == ("POST", "/mj/submit/imagine")
    assert headers["mj-api-secret"] == "open sesame"
    assert headers["content-type"] == "application/json"
    assert "authorization" not in headers
    assert json.loads(body) == {
        "prompt": "灯塔 at dusk --ar 16:9 --fast",
        "base64Array": ["data:image/png;base64,iVBORw0K"],
        "state": STATE,
        "notifyHook": "http://relay.example/hints/1.x",
    }
    assert accepted.upstream_id == "1712204995849323"
    assert accepted.raw.startswith('HTTP 200 {"code"')
    assert accepted.milliseconds >= 0


def test_without_a_secret_none_is_sent() -> None:
    with answering(result(1, result="7")) as server:
        submit(server)
    assert "mj-api-secret" not in server.asked[0][2]


@pytest.mark.parametrize("code", sorted(FamilyAdapter.accepted_codes))
def test_accepted(code: int) -> None:
    assert submitted(result(code, result="1712204995849323")).upstream_id == "1712204995849323"


@pytest.mark.parametrize("code", sorted(FamilyAdapter.refusal_codes))
def test_every_code_that_says_no(code: int) -> None:
    no = rejected(result(code))
    assert (no.refusal, no.next_channel) == FamilyAdapter.refusal_codes[code][:2]
    assert no.properties == {}
    assert no.raw.startswith("HTTP 200 ")


# What the documentation of that program says; the adapter's own table must agree with it.
@pytest.mark.parametrize(
    ("code", "refusal", "next_channel"),
    [
        (3, Refusal.NO_ACCOUNT, True),
        (4, Refusal.BAD_REQUEST, False),
        (9, Refusal.OTHER, True),
        (23, Refusal.QUEUE_FULL, True),
        (24, Refusal.BANNED_PROMPT, False),
        (0, Refusal.OTHER, True),
        (-1, Refusal.OTHER, True),
        (9999, Refusal.OTHER, True),
    ],
)
def test_what_the_codes_mean(code: int, refusal: Refusal, next_channel: bool) -> None:
    no = rejected(result(code))
    assert (no.refusal, no.next_channel) == (refusal, next_channel)


def test_a_banned_word_is_handed_on_and_nothing_else() -> None:
    said = {"promptEn": "a bad word", "bannedWord": "bad", "discordInstanceId": "1077", "x": 1}
    no = rejected(result(24, properties=said))
    assert no.properties == {"promptEn": "a bad word", "bannedWord": "bad"}


@pytest.mark.parametrize("properties", [None, [], "x", 7])
def test_properties_of_any_shape_are_survived(properties: Any) -> None:
    assert rejected(result(24, properties=properties)).properties == {}


@pytest.mark.parametrize(
    ("status", "refusal", "is_fault"),
    [
        (401, Refusal.BAD_CREDENTIAL, False),
        # It never says 403 itself.
        (403, Refusal.OTHER, True),
        (429, Refusal.QUEUE_FULL, False),
        (503, Refusal.OTHER, True),
    ],
)
@pytest.mark.parametrize("body", [b"", b'{"code":1,"result":"7"}'], ids=["empty", "json"])
def test_every_status_that_says_no(
    status: int, refusal: Refusal, is_fault: bool, body: bytes
) -> None:
    no = rejected(body, status)
    assert (no.refusal, no.next_channel, no.is_fault) == (refusal, True, is_fault)


@pytest.mark.parametrize("status", [401, 403])
def test_a_page_at_the_door_is_not_its_own(status: int) -> None:
    """Of a gateway, of a guard against robots: our secret may be good."""
    no = rejected(PAGE, status)
    assert (no.refusal, no.next_channel, no.is_fault) == (Refusal.OTHER, True, True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), (None, None), ("soon", None), ("-1", None), ("1.5", None)],
)
def test_how_long_it_asks_us_to_wait(header: str | None, seconds: float | None) -> None:
    headers = {} if header is None else {"Retry-After": header}
    with listening(status=429, headers=headers) as server, pytest.raises(Rejected) as no:
        ADAPTER.submit(upstream(server.url), SUBMISSION)
    assert no.value.retry_after == seconds


def test_it_may_ask_with_a_date() -> None:
    headers = {
        "Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    }
    with listening(status=429, headers=headers) as server, pytest.raises(Rejected) as no:
        ADAPTER.submit(upstream(server.url), SUBMISSION)
    assert 57 < (no.value.retry_after or 0) <= 60


@pytest.mark.parametrize("status", sorted(FamilyAdapter.unknown_statuses))
@pytest.mark.parametrize(
    "body", [b"", PAGE, b'{"code":1,"result":"7"}'], ids=["empty", "page", "json"]
)
def test_every_status_that_leaves_it_open(status: int, body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        submitted(body, status)


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422])
def test_a_client_error_proves_that_nothing_was_accepted(status: int) -> None:
    no = rejected({"status": status}, status)
    assert (no.refusal, no.next_channel) == (Refusal.OTHER, True)


@pytest.mark.parametrize("status", [500, 501, 505])
def test_a_crash_is_a_no_but_no_proof(status: int) -> None:
    no = rejected(PAGE, status)
    assert (no.refusal, no.next_channel) == (Refusal.OTHER, False)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_no_answer_and_is_not_followed(status: int) -> None:
    with listening() as elsewhere:
        headers = {"Location": elsewhere.url}
        with listening(status=status, headers=headers) as server, pytest.raises(UpstreamError):
            submit(server)
        assert elsewhere.asked == []


@pytest.mark.parametrize("answer", [None, "", 7, [], {"id": "7"}, True])
def test_accepted_without_an_id_leaves_it_open(answer: Any) -> None:
    """It has the task, and we shall have to look for it."""
    with pytest.raises(OutcomeUnknown):
        submitted(result(1, result=answer))


@pytest.mark.parametrize("payload", [PAGE, b"", b"null", b"[]", b'"ok"', b"{", b"\xff"], ids=repr)
def test_an_ok_that_is_no_answer_leaves_it_open(payload: bytes) -> None:
    """An answer that was cut in the middle looks like this too, and then the task is drawn."""
    with pytest.raises(OutcomeUnknown):
        submitted(payload)


@pytest.mark.parametrize("code", [None, "1", "24", [1], {}], ids=repr)
def test_a_code_that_is_no_number_proves_nothing(code: Any) -> None:
    """Who answers like this is not the program we know: it may have taken the task."""
    with pytest.raises(UpstreamError) as raised:
        submitted(result(code, result="1712204995849323"))
    assert not getattr(raised.value, "next_channel", False)


def test_nul_in_an_answer_does_not_reach_the_database() -> None:
    accepted = submitted(b'{"code":1,"description":"a\\u0000b","result":"7\\u0000"}')
    assert accepted.upstream_id == "7"
    assert "\x00" not in rejected(b"\x00", 400).raw


def test_a_raw_answer_is_cut() -> None:
    assert len(rejected(result(9, description="x" * 100_000)).raw) <= 4000


# -- the line ----------------------------------------------------------------------------------


def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    with pytest.raises(Unreachable):
        ADAPTER.submit(upstream(f"http://127.0.0.1:{free_port()}"), SUBMISSION)


@pytest.mark.parametrize(
    "url", ["http://upstream.invalid", "http://127.0.0.1:99999", "http://", "http://[::1"]
)
def test_an_address_that_is_none_proves_that_nothing_was_sent(url: str) -> None:
    with pytest.raises(Unreachable):
        ADAPTER.submit(upstream(url), SUBMISSION)


def test_a_server_without_tls_proves_that_nothing_was_sent() -> None:
    with listening() as server, pytest.raises(Unreachable):
        ADAPTER.submit(upstream(server.url.replace("http:", "https:")), SUBMISSION)


class Bare:
    """A listening socket that says what the test tells it to, and speaks no HTTP of its own."""

    def __init__(self, *pieces: bytes, seconds: float = 0, hold: bool = False) -> None:
        self.pieces, self.seconds, self.hold = pieces, seconds, hold
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Bare":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.listener.close()
        self.thread.join(5)

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            self.read_request(connection)
            for piece in self.pieces:
                if self.stopping.wait(self.seconds):
                    return
                try:
                    connection.sendall(piece)
                except OSError:
                    return
            if self.hold:
                self.stopping.wait(30)

    @staticmethod
    def read_request(connection: socket.socket) -> bool:
        """To its end: a close with unread bytes would be a reset instead of an end. False where
        none comes any more."""
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
        announced = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        while announced and len(body) < int(announced[1]):
            body += connection.recv(65536)
        return bool(head)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([], id="nothing"),
        pytest.param([b"HTTP/1.1 200"], id="half a status"),
        pytest.param([HEAD], id="half the headers"),
        pytest.param([HEAD + b'Content-Length: 99\r\n\r\n{"code":1'], id="half the body"),
        pytest.param([HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"], id="broken chunks"),
        pytest.param(
            [HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"], id="no gzip"
        ),
        pytest.param([b"SSH-2.0-OpenSSH_9.6\r\n"], id="not http"),
        pytest.param([b"\x00\x01\x02\xff\r\n\r\n"], id="not text"),
    ],
)
def test_a_line_cut_after_sending_leaves_it_open(pieces: list[bytes]) -> None:
    with Bare(*pieces) as server, pytest.raises(OutcomeUnknown) as raised:
        ADAPTER.submit(upstream(server.url), SUBMISSION)
    # It is stored as it is, and the database takes no NUL.
    assert "\x00" not in raised.value.raw


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(lambda: Bare(hold=True), id="silent"),
        pytest.param(
            lambda: Bare(HEAD + b"Content-Length: 99\r\n\r\n", *[b" "] * 99, seconds=0.3),
            id="dripping body",
        ),
    ],
)
def test_the_time_is_for_the_whole_answer(settings: LazySettings, server: Any) -> None:
    settings.UPSTREAM_SUBMIT_SECONDS = 0.5
    settings.UPSTREAM_CONNECT_SECONDS = 0.5
    started = time.monotonic()
    with server() as slow:
        with pytest.raises(OutcomeUnknown):
            ADAPTER.submit(upstream(slow.url), SUBMISSION)
        assert time.monotonic() - started < 10


def test_an_answer_without_end_is_broken_off(settings: LazySettings) -> None:
    settings.UPSTREAM_ANSWER_MAX_BYTES = 1_000_000
    with (
        answering(b" " * 2_000_000) as server,
        pytest.raises(OutcomeUnknown, match=r"1000000|large"),
    ):
        submit(server)


def test_the_connection_is_used_again() -> None:
    """Otherwise each submit pays for a handshake."""
    connections = []
    reply = HEAD + b"Content-Length: 2\r\n\r\n[]"

    def serve(listener: socket.socket) -> None:
        connection, address = listener.accept()
        connections.append(address)
        with connection, suppress(OSError):
            while Bare.read_request(connection):
                connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        target = upstream(f"http://127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(3):
            assert ADAPTER.poll(target, {"7"}).rows == []
    assert len(connections) == 1
