"""Peers that never come to an end, and never pause for long enough to be given up as silent. Each
call to them ends in the time it has, and who has nothing to do with them does not notice."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from relay import lifecycle
from relay.models import Callback, CallbackAttempt, Task
from tests.accounts import Account, open_account
from tests.faults.hostile import GO_ON, Exchange, HostileUpstream, hostile_upstream
from tests.faults.place import Place, begin, finish_all, open_place, until
from tests.proofs import prove
from tests.races.together import raised, together

# A call of this stack has 3 s, a look's lease 30 s; without an end it would be minutes.
CALL_SECONDS = 20
QUICK_SECONDS = 10

Answer = Callable[[Exchange], object]

DRIPS: dict[str, Answer] = {
    "silence": lambda e: e.upstream.closing.wait(),
    "a dripping status": lambda e: e.drip(head=b"HTTP/1.1 "),
    "a dripping header": lambda e: e.drip(head=b"HTTP/1.1 200 OK\r\nX: "),
    "header after header": lambda e: e.drip(head=b"HTTP/1.1 500 No\r\n", drop=b"X: y\r\n"),
    "a dripping body": lambda e: e.drip(head=b"HTTP/1.1 500 No\r\n\r\n["),
    "beginning after beginning": lambda e: e.drip(head=GO_ON, drop=GO_ON),
}
# There is always something to read, so nobody who reads it ever waits for it.
FLOODS: dict[str, Answer] = {
    "a flood of beginnings": lambda e: e.drip(head=GO_ON, drop=GO_ON * 2000, seconds=0),
    "a flood of body": lambda e: e.drip(
        head=b"HTTP/1.1 500 No\r\n\r\n", drop=b"x" * 65536, seconds=0
    ),
}


@pytest.fixture(scope="module")
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("never-ending"), own_database_url) as place:
        yield place


@pytest.fixture(params=[DRIPS, FLOODS], ids=["drips", "floods"])
def peers(request: pytest.FixtureRequest) -> Iterator[list[HostileUpstream]]:
    """One of each; a Python that floods alone is busy enough, so the floods are only two."""
    with ExitStack() as stack:
        peers = [stack.enter_context(hostile_upstream()) for _ in request.param]
        for peer, answer in zip(peers, request.param.values(), strict=True):
            peer.never_ending = answer
        yield peers


def test_submits_that_never_end(place: Place, peers: list[HostileUpstream]) -> None:
    """The upstream may have it: the tenant has a task, and it is found afterwards."""
    accounts = [open_account(place.stack, channel_url=peer.url) for peer in peers]
    for peer in peers:
        peer.on_submit = peer.never_ending
    begun = time.monotonic()
    waiting = [lambda a=account: a.draw("a submit without end") for account in accounts]
    answers = together([*waiting, lambda: assert_quick(place.account())])
    assert not raised(answers), raised(answers)
    assert time.monotonic() - begun < CALL_SECONDS
    assert_found(accounts, answers[:-1])


def test_looks_that_never_end(place: Place, peers: list[HostileUpstream]) -> None:
    accounts = [open_account(place.stack, channel_url=peer.url) for peer in peers]
    for peer in peers:
        peer.on_look = peer.never_ending
    ids = [account.draw("a look without end") for account in accounts]
    until(lambda: all(len(peer.asked) > 1 for peer in peers), "the looks")
    assert_quick(place.account())
    time.sleep(1)
    for peer in peers:
        peer.on_look = None
    # Long before the lease of the first look ends: that one itself has come to its end.
    assert_found(accounts, ids)


def test_messages_that_never_end(place: Place, peers: list[HostileUpstream]) -> None:
    """The try is counted as a failed one, and the next is due."""
    account = place.account()
    for peer in peers:
        peer.on_any = peer.never_ending
        task = Task.objects.select_related("token").get(pk=begin(account, hook=peer.url))
        lifecycle.fail(task, "it failed")
    until(lambda: all(peer.asked for peer in peers), "the first tries")
    assert_quick(place.account())
    messages = Callback.objects.filter(tenant=account.tenant)
    tries = CallbackAttempt.objects.filter(callback__in=messages, number=1, status_code=None)
    # A flood of body behind a status is an answer like any other; what counts is its status.
    until(
        lambda: tries.count() + len(answered(account)) == len(peers),
        "the end of the first tries",
        seconds=CALL_SECONDS,
    )
    for peer in peers:
        peer.on_any = lambda exchange: exchange.reply(b"")
    messages.filter(state="pending").update(due_at=None, state="overtaken")
    prove(account.tenant.pk)


def answered(account: Account) -> list[CallbackAttempt]:
    return list(
        CallbackAttempt.objects.filter(
            callback__tenant=account.tenant, number=1, status_code__isnull=False
        )
    )


def assert_found(accounts: list[Account], ids: list[str]) -> None:
    for account, task_id in zip(accounts, ids, strict=True):
        ended = finish_all(account, [task_id], seconds=CALL_SECONDS)
        assert ended == {task_id: "SUCCESS"}, account.channel
        assert account.funds == ("99.90", "0.00")
        prove(account.tenant.pk)


def assert_quick(account: Account) -> None:
    """Drawn, paid and told of as if there were nobody else."""
    begun = time.monotonic()
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw("it does not hang", notifyHook=hook)
    assert account.finish(task_id)["status"] == "SUCCESS"
    until(lambda: account.callback(task_id).state == "delivered", "the final message")
    assert time.monotonic() - begun < QUICK_SECONDS
