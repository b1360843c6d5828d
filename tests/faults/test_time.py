"""What never ends by itself is ended, once, and gives its money back; and what hangs delays nobody
else."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from django.utils import timezone

from billing import ledger
from channels.models import Channel
from relay import lifecycle
from relay.models import Callback, Task
from tests.accounts import Account, open_account
from tests.faults.place import Place, begin, finish_all, hurry_tasks, open_place, until
from tests.proofs import prove
from tests.stack import Stack, free_port

DEADLINE_SECONDS = 2
EXPIRY_SECONDS = 9
# Nobody has drawn before the upstream goes away.
DRAWING_SECONDS = 4
# The stack's worker does so much at the same time.
WORKER_HANDS = 50
# How long one of its hands is held by what hangs, and how soon the others want to be served.
HANG_SECONDS = 15
QUICK_SECONDS = 10
BATCH = 2


@pytest.fixture(scope="module")
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("time")
    times = {
        "TASK_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        "TASK_EXPIRY_SECONDS": str(EXPIRY_SECONDS),
        "POLL_MAX_SECONDS": "0.5",
        "POLL_BATCH": str(BATCH),
        "UPSTREAM_POLL_SECONDS": str(HANG_SECONDS),
        "CALLBACK_TIMEOUT_SECONDS": str(HANG_SECONDS),
    }
    with open_place(folder, own_database_url, **times) as place:
        yield place


@pytest.fixture
def account(place: Place) -> Account:
    return place.account()


@pytest.fixture
def other_upstream(place: Place, tmp_path: Path) -> Iterator[Stack]:
    """A second sandbox, whose switches are its own."""
    stack = Stack(folder=tmp_path, env=place.stack.env, drawing_seconds=0.4)
    stack.start("sandbox")
    yield stack
    stack.kill("sandbox")


def turn(stack: Stack, **switches: object) -> None:
    answer = requests.post(f"{stack.sandbox_url}/sandbox/control", json=switches, timeout=5)
    assert answer.status_code == 200, answer.text


def test_the_deadline_ends_what_the_upstream_never_finishes(place: Place, account: Account) -> None:
    ids = [account.draw("zzslow", notifyHook=place.hook(account)) for _ in range(5)]
    begun = time.monotonic()
    assert set(finish_all(account, ids).values()) == {"FAILURE"}
    assert time.monotonic() - begun > DEADLINE_SECONDS - 1
    for task_id in ids:
        task = account.fetch(task_id)
        assert task["failReason"].startswith("timed out")
        assert account.entries(task_id) == [("hold", "0.00", "0.10"), ("release", "0.00", "-0.10")]
    assert account.funds == ("100.00", "0.00")
    prove(account.tenant.pk)


def test_an_upstream_that_is_gone_for_good(place: Place, account: Account) -> None:
    """Nobody can ask it, so no deadline is believed; in the end the tasks expire."""
    ids = [account.draw("zzslow", notifyHook=place.hook(account)) for _ in range(5)]
    begun = time.monotonic()
    Channel.objects.filter(pk=account.channel.pk).update(base_url=nowhere())
    time.sleep(DEADLINE_SECONDS + 0.5)
    assert Task.objects.live().filter(pk__in=ids).count() == 5
    assert set(finish_all(account, ids).values()) == {"FAILURE"}
    assert time.monotonic() - begun > EXPIRY_SECONDS - 1
    assert account.fetch(ids[0])["failReason"].startswith("expired")
    assert account.funds == ("100.00", "0.00")
    until(lambda: account.callback(ids[0]).state == "delivered", "the final message")
    prove(account.tenant.pk)


def draw_lasting(account: Account, prompt: str) -> str:
    """A task that the time of the test does not end."""
    task_id = account.draw(prompt)
    later = timezone.now() + timedelta(hours=1)
    Task.objects.filter(pk=task_id).update(deadline_at=later, expires_at=later)
    return task_id


def test_an_upstream_that_is_away_for_a_while_costs_no_task(
    place: Place, other_upstream: Stack
) -> None:
    turn(other_upstream, drawing_seconds=DRAWING_SECONDS)
    address = f"{other_upstream.sandbox_url}/midjourney-proxy"
    account = open_account(place.stack, channel_url=address)
    ids = [draw_lasting(account, "away for a while") for _ in range(5)]
    Channel.objects.filter(pk=account.channel.pk).update(base_url=nowhere())
    # Not at once: a look may be under way that has still asked the upstream.
    soon = timezone.now() + timedelta(seconds=DEADLINE_SECONDS)
    Task.objects.filter(pk__in=ids).update(deadline_at=soon)
    until(lambda: all_drawn(address), "the drawings")
    assert Task.objects.live().filter(pk__in=ids).count() == 5
    Channel.objects.filter(pk=account.channel.pk).update(base_url=address)
    assert set(finish_all(account, ids).values()) == {"SUCCESS"}
    prove(account.tenant.pk)


def all_drawn(address: str) -> bool:
    rows = requests.get(f"{address}/mj/task/list", timeout=5).json()
    return all(row["status"] == "SUCCESS" for row in rows)


def test_one_task_that_cannot_be_ended_keeps_no_other_from_expiring(account: Account) -> None:
    """Its hold is gone already, as after a repair by hand. The sweep must get past it."""
    broken, healthy = begin(account), begin(account)
    ledger.release(reference=str(broken))
    Task.objects.filter(pk__in=[broken, healthy]).update(expires_at=timezone.now())
    until(lambda: Task.objects.get(pk=healthy).status == "FAILURE", "the expiry")
    # Mended, so that the books of this database are right again.
    Task.objects.filter(pk=broken).update(status="FAILURE", next_poll_at=None)
    assert lifecycle.expire_overdue() == 0
    prove(account.tenant.pk)


def test_a_hanging_channel_delays_no_other(place: Place, other_upstream: Stack) -> None:
    hanging = open_account(
        place.stack, channel_url=f"{other_upstream.sandbox_url}/midjourney-proxy"
    )
    healthy = place.account()
    turn(other_upstream, hang_polls=True)
    stuck = [draw_lasting(hanging, "it hangs") for _ in range(30)]
    hurry_tasks(*stuck)
    for _ in range(3):
        assert_quick(healthy)
    assert Task.objects.live().filter(pk__in=stuck).count() == 30
    turn(other_upstream, hang_polls=False)
    assert set(finish_all(hanging, stuck).values()) == {"SUCCESS"}
    prove(hanging.tenant.pk, healthy.tenant.pk)


def test_a_hanging_channel_with_very_many_tasks_delays_no_other(
    place: Place, other_upstream: Stack
) -> None:
    """More looks that hang than the worker has hands: each batch is a job of its own."""
    hanging = open_account(
        place.stack, channel_url=f"{other_upstream.sandbox_url}/midjourney-proxy"
    )
    healthy = place.account()
    turn(other_upstream, hang_polls=True)
    stuck = [begin(hanging) for _ in range(WORKER_HANDS * BATCH * 2)]
    hurry_tasks(*stuck)
    time.sleep(0.5)
    assert_quick(healthy)
    Task.objects.filter(pk__in=stuck).update(expires_at=timezone.now())
    assert set(finish_all(hanging, map(str, stuck)).values()) == {"FAILURE"}
    prove(hanging.tenant.pk, healthy.tenant.pk)


def test_a_hanging_receiver_delays_no_other(place: Place) -> None:
    """One tenant's hook takes every message and answers none; there are more of them than the
    worker has hands."""
    hanging, healthy = place.account(), place.account()
    hook = place.hook(hanging, "?sleep=60")
    for _ in range(WORKER_HANDS * 2):
        task = Task.objects.select_related("token").get(pk=begin(hanging, hook=hook))
        lifecycle.fail(task, "it failed")
    until(lambda: len(place.stack.inbox(hanging.tenant.name)) > 10, "the messages")
    try:
        assert_quick(healthy)
    finally:
        Callback.objects.filter(tenant=hanging.tenant, state="pending").update(
            state=Callback.State.OVERTAKEN, due_at=None
        )
    prove(hanging.tenant.pk, healthy.tenant.pk)


def assert_quick(account: Account) -> None:
    """Drawn, paid and told of as if there were nobody else."""
    begun = time.monotonic()
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw("it does not hang", notifyHook=hook)
    assert account.finish(task_id)["status"] == "SUCCESS"
    until(lambda: account.callback(task_id).state == "delivered", "the final message")
    assert time.monotonic() - begun < QUICK_SECONDS


def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"
