"""Receivers of callbacks that answer with nonsense: the try is counted and the next one is due."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection

from relay import lifecycle
from relay.messages import delivery, ladder, posting
from relay.messages.posting import Delivery
from relay.models import Callback, Task
from tests.accounts import Account, open_account
from tests.faults.hostile import Exchange, HostileUpstream, hostile_upstream
from tests.faults.place import begin
from tests.proofs import prove
from tests.stack import Stack

TIMEOUT_SECONDS = 1
# More than a try has.
TRY_SECONDS = 20

BROKEN: dict[str, Callable[[Exchange], object]] = {
    "a cut": lambda e: e.connection.close(),
    "noise": lambda e: e.wfile.write(b"\x00\xff\r\n\r\n"),
    "a nul in its answer": lambda e: e.reply(b"\x00", status=500),
    "a strange status": lambda e: e.wfile.write(b"HTTP/1.1 999 \x00\r\n\r\n"),
    "a redirect to us": lambda e: e.reply(b"", status=302),
    "broken compression": lambda e: e.wfile.write(
        b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    ),
    "broken chunks": lambda e: e.wfile.write(
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    ),
}


@pytest.fixture
def receiver() -> Iterator[HostileUpstream]:
    with hostile_upstream() as receiver:
        yield receiver


@pytest.fixture
def message(
    own_database_url: str, receiver: HostileUpstream, settings, tmp_path: Path
) -> Iterator[Callback]:
    """The final message about a task, due and not yet sent."""
    settings.CALLBACK_TIMEOUT_SECONDS = TIMEOUT_SECONDS
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    posting.guarded.cache_clear()
    account = failed_account(receiver, tmp_path)
    yield Callback.objects.get(tenant=account.tenant)
    prove(account.tenant.pk)
    posting.guarded.cache_clear()


def failed_account(receiver: HostileUpstream, folder: Path) -> Account:
    account = open_account(Stack(folder=folder, env={}, drawing_seconds=1))
    task = Task.objects.select_related("token").get(pk=begin(account, hook=receiver.url))
    lifecycle.fail(task, "it failed")
    return account


def deliver(message: Callback) -> None:
    """One try, as a worker does it; no longer than it may take."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            delivery.deliver(message.pk, message.tries)
        except BaseException as error:  # noqa: BLE001  the test judges it
            problems.append(error)
        finally:
            connection.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(TRY_SECONDS)
    assert not thread.is_alive(), "the try does not end"
    assert not problems, problems
    message.refresh_from_db()


@pytest.mark.parametrize("name", BROKEN)
def test_a_try_ends_is_counted_and_the_next_is_due(
    message: Callback, receiver: HostileUpstream, name: str
) -> None:
    receiver.on_any = BROKEN[name]
    deliver(message)
    assert (message.state, message.tries) == ("pending", 1)
    assert message.due_at is not None
    assert message.attempts.count() == 1
    receiver.on_any = lambda exchange: exchange.reply(b"")
    deliver(message)
    assert (message.state, message.tries, message.attempts.count()) == ("delivered", 2, 2)


def test_an_endless_yes_is_a_yes(message: Callback, receiver: HostileUpstream) -> None:
    """It has taken the message; how much it has to say about it does not matter."""
    receiver.on_any = lambda e: e.drip(
        head=b"HTTP/1.1 200 OK\r\n\r\n", drop=b"x" * 65536, seconds=0.001
    )
    deliver(message)
    assert message.state == "delivered"


def test_a_late_failure_does_not_undo_a_delivery(
    message: Callback, receiver: HostileUpstream
) -> None:
    """Two tries at once, as after a lease: the slow one fails after the other's success."""
    slow = Delivery(status_code=None, answer="too late", milliseconds=30_000)
    stale = Callback.objects.select_related("tenant").get(pk=message.pk)
    stale.tries = 1
    Callback.objects.filter(pk=message.pk).update(tries=1)
    message.refresh_from_db()
    receiver.on_any = lambda exchange: exchange.reply(b"")
    deliver(message)
    assert message.state == "delivered"
    delivery.record(stale, slow)
    message.refresh_from_db()
    assert (message.state, message.due_at) == ("delivered", None)
    assert message.attempts.count() == 2


def test_the_last_try_gives_up_and_no_more_are_made(
    message: Callback, receiver: HostileUpstream
) -> None:
    receiver.on_any = lambda exchange: exchange.reply(b"", status=500)
    for _ in range(20):
        deliver(message)
    assert message.state == "given_up"
    assert message.tries == len(ladder.LADDER_SECONDS)
    assert len(receiver.asked) == message.tries
