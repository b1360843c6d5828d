"""Addresses of hooks that lead inside: refused before a byte is sent, with the reason.

They go the way of a real delivery, from the row to the worker's code, while listeners stand on
every address of this machine and Python tells of every connection that is tried.
"""

import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from django.utils import timezone

from relay import lifecycle
from relay.messages import delivery, posting
from relay.models import Callback, CallbackAttempt, Hook, Task
from tests.accounts import open_account
from tests.faults.hostile_addresses import HOSTS, NAMES
from tests.faults.place import begin
from tests.listener import listening
from tests.stack import Stack

# "There is no such name" is a reason, too: the resolver makes nothing of it.
REASON = re.compile(r"Forbidden|not a public address|InvalidURL|Invalid|cannot be resolved|Parse")
OTHER_PORTS = [0, 1, 21, 22, 25, 53, 111, 2375, 3306, 5432, 6379, 7999, 9001, 11211, 27017, 65535]
tried: list[Any] = []
_switch = {"is_on": False}


def _note(event: str, args: tuple[Any, ...]) -> None:
    if _switch["is_on"] and event in ("socket.connect", "socket.sendto"):
        tried.append(args[1:])


sys.addaudithook(_note)


@contextmanager
def watching() -> Iterator[list[Any]]:
    """Every connection that this process tries to open to an address."""
    tried.clear()
    _switch["is_on"] = True
    try:
        yield tried
    finally:
        _switch["is_on"] = False


@pytest.fixture(scope="module")
def ears() -> Iterator[tuple[int, list[Any]]]:
    """One port, open on every address of this machine, and who has come there."""
    came: list[Any] = []
    four = socket.create_server(("0.0.0.0", 0))
    port: int = four.getsockname()[1]
    ears = [four]
    if socket.has_ipv6:
        ears.append(socket.create_server(("::", port), family=socket.AF_INET6))

    def listen(ear: socket.socket) -> None:
        while True:
            try:
                came.append(ear.accept())
            except OSError:
                return

    for ear in ears:
        Thread(target=listen, args=(ear,), daemon=True).start()
    yield port, came
    for ear in ears:
        ear.close()


@pytest.fixture(scope="module")
def message(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Callback:
    stack = Stack(folder=tmp_path_factory.mktemp("none"), env={}, drawing_seconds=1)
    account = open_account(stack)
    task_id = begin(account, hook="http://hook.example/")
    lifecycle.fail(Task.objects.select_related("token").get(pk=task_id), "no")
    return Callback.objects.get(task=task_id)


@pytest.fixture
def closed(ears: tuple[int, list[Any]], settings) -> Iterator[int]:
    """As the product is delivered, but that the one open port is where the listeners stand."""
    settings.CALLBACK_PORTS = [ears[0]]
    settings.CALLBACK_ALLOWED_NETWORKS = []
    settings.CALLBACK_TIMEOUT_SECONDS = 3
    posting.guarded.cache_clear()
    yield ears[0]
    posting.guarded.cache_clear()


def attempt(message: Callback, url: str) -> CallbackAttempt:
    """One real delivery of the message to this address."""
    Callback.objects.filter(pk=message.pk).update(
        url=url, state="pending", due_at=timezone.now(), rung=0
    )
    message.refresh_from_db()
    delivery.deliver(message.pk, message.tries)
    message.refresh_from_db()
    assert message.state == "pending"
    assert Hook.objects.filter(tenant=message.tenant_id, url=url).exists()
    return message.attempts.latest("id")


def assert_untouched(row: CallbackAttempt, seen: list[Any], came: list[Any]) -> None:
    assert row.status_code is None
    assert REASON.search(row.answer), row.answer
    assert (seen, came) == ([], [])


def test_the_list_is_long_enough() -> None:
    assert len(set(HOSTS.values())) >= 60


@pytest.mark.parametrize("name", HOSTS)
def test_no_form_of_an_inner_address_is_dialled(
    message: Callback, closed: int, ears: tuple[int, list[Any]], name: str
) -> None:
    with watching() as seen:
        row = attempt(message, f"http://{HOSTS[name]}:{closed}/hook")
    assert_untouched(row, seen, ears[1])


@pytest.mark.parametrize("name", ["loopback", "decimal", "IPv6 mapped", "localhost", "metadata"])
def test_nor_with_tls(
    message: Callback, closed: int, ears: tuple[int, list[Any]], name: str
) -> None:
    with watching() as seen:
        row = attempt(message, f"https://{HOSTS[name]}:{closed}/hook")
    assert_untouched(row, seen, ears[1])


@pytest.mark.parametrize("name", NAMES)
def test_no_name_that_leads_inside_is_dialled(
    message: Callback,
    closed: int,
    ears: tuple[int, list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        found = NAMES.get(host, [host])
        return [row for address in found for row in real(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with watching() as seen:
        row = attempt(message, f"http://{name}:{closed}/hook")
    assert_untouched(row, seen, ears[1])
    assert "not a public address" in row.answer


@pytest.mark.parametrize("port", OTHER_PORTS)
def test_no_other_port_of_a_public_address_is_dialled(
    message: Callback, closed: int, ears: tuple[int, list[Any]], port: int
) -> None:
    with watching() as seen:
        row = attempt(message, f"http://8.8.8.8:{port}/")
    assert_untouched(row, seen, ears[1])
    # (0 is none, and 80 is no open one here.)
    assert row.answer == f"Forbidden: 8.8.8.8:{port or 80} is on a port that is not allowed here"


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_", "unix:/run/x",
            "//127.0.0.1/", "127.0.0.1", "", "http://", "http:///x", "http://[::1", "http://[zz]/",
            "javascript:alert(1)", "http://127.0.0.1:99999/", "http://127.0.0.1:x/"],
)  # fmt: skip
def test_what_is_no_web_address_is_not_dialled(
    message: Callback, closed: int, ears: tuple[int, list[Any]], url: str
) -> None:
    with watching() as seen:
        row = attempt(message, url)
    assert row.status_code is None
    assert row.answer
    assert (seen, ears[1]) == ([], [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_inside(
    message: Callback, ears: tuple[int, list[Any]], settings, status: int
) -> None:
    """The first hop may be called, as a public one may; where it points to is not looked at."""
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    settings.CALLBACK_PORTS = [ears[0]]
    posting.guarded.cache_clear()
    inner = f"http://127.0.0.2:{ears[0]}/latest/meta-data"
    with listening(status=status, headers={"Location": inner}) as first, watching() as seen:
        row = attempt(message, first.url)
    posting.guarded.cache_clear()
    assert row.status_code == status
    assert [args[0][0] for args in seen] == ["127.0.0.1"]
    assert ears[1] == []
