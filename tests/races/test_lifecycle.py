"""Several who bring news of one task: one of them ends it, pays it and tells of it."""

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from django.utils import timezone

from channels.errors import Refusal, Rejected
from channels.selection import Upstream, load
from relay import actions, jobs, lifecycle
from relay.following import polling
from relay.messages import callbacks, delivery, posting
from relay.models import Attempt, Callback, Task
from relay.submits import forwarding
from relay.submits.forwarding import Handover
from relay.submits.orders import Order
from tests.accounts import Account, open_channel
from tests.faults.place import accept, begin, begin_attempt
from tests.listener import listening
from tests.proofs import prove
from tests.races.together import raised, together
from tests.races.updates import failure, progress, success
from tests.stack import wait_until

HOOK = "http://hook.example/"
THREADS = 8


def running(account: Account) -> int:
    """A task that its upstream has accepted."""
    task_id = begin(account, hook=HOOK)
    accept(task_id, f"up-{task_id}")
    return task_id


def seen(task_id: int) -> Task:
    """The task as one worker has read it, before anybody has changed it."""
    return Task.objects.select_related("token").get(pk=task_id)


def finals(task_id: int) -> int:
    return Callback.objects.filter(task=task_id, is_final=True).count()


@pytest.mark.parametrize("round_", range(5))
def test_the_same_success_by_many_is_captured_once(bystander: Account, round_: int) -> None:
    task_id = running(bystander)
    copies = [seen(task_id) for _ in range(THREADS)]
    results = together([lambda t=task: lifecycle.apply(t, success(t)) for task in copies])
    assert sorted(results) == [False] * (THREADS - 1) + [True]
    assert bystander.entries(str(task_id)) == [
        ("hold", "0.00", "0.10"),
        ("capture", "-0.10", "-0.10"),
    ]
    assert finals(task_id) == 1
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(10))
def test_success_and_failure_at_once_make_one_end(bystander: Account, round_: int) -> None:
    task_id = running(bystander)
    ends: list[Callable[[Task], bool]] = [
        lambda t: lifecycle.apply(t, success(t)),
        lambda t: lifecycle.apply(t, failure(t)),
        lambda t: lifecycle.fail(t, "lost"),
        lambda t: lifecycle.apply(t, progress(t, 46)),
    ] * 3
    random.shuffle(ends)
    results = together([partial(end, seen(task_id)) for end in ends])
    assert not raised(results)
    assert sum(results) == 1
    task = seen(task_id)
    if task.status == "IN_PROGRESS":
        # The progress came first; whoever looks again may end it.
        assert finals(task_id) == 0
        assert lifecycle.apply(task, success(task))
    assert finals(task_id) == 1
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(5))
def test_expiry_refusal_and_success_at_once_make_one_end(bystander: Account, round_: int) -> None:
    task_id, attempt_id = begin_attempt(bystander, hook=HOOK)
    Task.objects.filter(pk=task_id).update(expires_at=timezone.now())
    task = seen(task_id)

    def drawn() -> bool:
        lifecycle.adopt(task, f"up-{task_id}")
        return lifecycle.apply(task, success(task))

    def refused() -> None:
        lifecycle.refuse(
            task_id=task_id, attempt_id=attempt_id, outcome="refused", milliseconds=1, answer="no"
        )

    results = together([drawn, refused, lifecycle.expire_overdue, lifecycle.expire_overdue])
    assert not raised(results)
    assert seen(task_id).status in ("SUCCESS", "FAILURE")
    assert len(bystander.entries(str(task_id))) == 2
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(5))
def test_moving_on_while_a_poll_finds_the_task_at_the_first_upstream(
    bystander: Account, round_: int
) -> None:
    """One of the two has the task afterwards, and neither waits for the other in a circle."""
    second = load(open_channel(bystander.stack, group="nobody").pk)
    begun = [begin_attempt(bystander) for _ in range(4)]
    calls: list[Callable[[], object]] = []
    for task_id, attempt_id in begun:
        calls += [
            partial(lifecycle.adopt, seen(task_id), f"up-{task_id}"),
            lambda t=task_id, a=attempt_id: move(t, a, second),
        ]
    results = together(calls)
    assert not raised(results), raised(results)[:2]
    for number, (task_id, _) in enumerate(begun):
        adopted, moved = results[2 * number : 2 * number + 2]
        assert bool(adopted) != bool(moved), Attempt.objects.filter(task=task_id).values()
    prove(bystander.tenant.pk)


@pytest.mark.parametrize(
    "news",
    [
        lambda t: lifecycle.apply(t, success(t)),
        lambda t: lifecycle.apply(t, failure(t)),
        lambda t: lifecycle.fail(t, "lost"),
        lambda t: lifecycle.adopt(t, "an id of the first upstream"),
    ],
    ids=["success", "failure", "lost", "adopted"],
)
def test_what_the_first_upstream_says_does_not_count_once_a_second_is_asked(
    bystander: Account, news: Callable[[Task], bool]
) -> None:
    """A look at the first one was under way when it refused."""
    second = open_channel(bystander.stack, group="nobody")
    task_id, attempt_id = begin_attempt(bystander)
    old_look = seen(task_id)
    assert move(task_id, attempt_id, load(second.pk))
    assert news(old_look) is False
    task = seen(task_id)
    assert (task.status, task.channel_id, task.upstream_id) == ("NOT_START", second.pk, "")
    assert bystander.attempts(task_id) == ["refused", "sending"]
    assert bystander.entries(str(task_id)) == [("hold", "0.00", "0.10")]


def move(task_id: int, attempt_id: int, second: Upstream) -> bool:
    """The first upstream refuses; False: the task is not to go on."""
    no = Rejected("full", refusal=Refusal.QUEUE_FULL, next_channel=True)
    nobody = cast("Any", None)
    handover = Handover(
        nobody, Order(action=actions.IMAGINE, mode="fast"), task_id, attempt_id, second
    )
    try:
        forwarding._move(handover, second, no)
    except forwarding._Ended:
        return False
    return True


def test_no_task_is_claimed_by_two(bystander: Account) -> None:
    begun = {begin(bystander) for _ in range(400)}
    Task.objects.live().filter(pk__in=begun).update(next_poll_at=timezone.now())

    def claim_all() -> list[int]:
        mine: list[int] = []
        while ids := polling.claim(bystander.channel.pk).task_ids:
            mine += ids
        return mine

    results = together([claim_all] * THREADS)
    assert not raised(results)
    claimed = [task_id for mine in results for task_id in mine]
    assert len(claimed) == len(begun)
    assert set(claimed) == begun


def test_no_callback_is_claimed_by_two(bystander: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of one tenant, as of one host, only a few are on their way at once.
    monkeypatch.setattr(callbacks, "PER_TENANT", 300)
    Callback.objects.update(due_at=None, state=Callback.State.OVERTAKEN)
    for _ in range(300):
        task = seen(running(bystander))
        lifecycle.fail(task, "no")
    # Each to a host of its own.
    for number, callback in enumerate(Callback.objects.filter(state="pending")):
        Callback.objects.filter(pk=callback.pk).update(host=f"{number}.example")
    due = set(Callback.objects.filter(state="pending").values_list("pk", flat=True))
    results = together([callbacks.claim] * THREADS)
    assert not raised(results)
    claimed = [message.id for mine in results for message in mine]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) <= due
    rest = [message.id for message in callbacks.claim()]
    assert sorted(claimed + rest) == sorted(due)


def test_a_delivery_that_never_came_to_its_end_is_made_again(
    bystander: Account, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker was killed, once before the request and once in the middle of it."""
    monkeypatch.setattr(callbacks, "lease", lambda: timedelta(seconds=2))
    monkeypatch.setattr(delivery, "record", lambda *_: None)
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    posting.guarded.cache_clear()
    Callback.objects.filter(state="pending").update(due_at=None, state="overtaken")
    with listening() as receiver:
        task_id = begin(bystander, hook=receiver.url)
        lifecycle.fail(seen(task_id), "no")
        message = Callback.objects.get(task=task_id)
        assert callbacks.claim() == [(message.pk, 0, task_id)]
        assert callbacks.claim() == []
        assert wait_until(callbacks.claim) == [(message.pk, 0, task_id)]
        delivery.deliver(message.pk, 0, task_id)
        assert callbacks.claim() == []
        assert wait_until(callbacks.claim) == [(message.pk, 1, task_id)]
    posting.guarded.cache_clear()


def test_a_job_that_does_not_know_its_task_is_done_all_the_same(
    bystander: Account, settings
) -> None:
    """Handed out by the version before, while the new one is being started."""
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    posting.guarded.cache_clear()
    with listening() as receiver:
        task_id = begin(bystander, hook=receiver.url)
        lifecycle.fail(seen(task_id), "no")
        message = Callback.objects.get(task=task_id)
        jobs.deliver(message.pk + 10**6, 0)
        jobs.deliver(message.pk, 0)
    posting.guarded.cache_clear()
    message.refresh_from_db()
    assert (message.state, message.tries, len(receiver.asked)) == ("delivered", 1, 1)


@pytest.mark.parametrize("round_", range(3))
def test_the_same_delivery_by_many_is_one_post(bystander: Account, settings, round_: int) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    posting.guarded.cache_clear()
    with listening() as receiver:
        task_id = begin(bystander, hook=receiver.url)
        lifecycle.fail(seen(task_id), "no")
        message = Callback.objects.get(task=task_id)
        results = together([lambda: delivery.deliver(message.pk, 0, task_id)] * THREADS)
    posting.guarded.cache_clear()
    assert not raised(results)
    assert len(receiver.asked) == 1
    message.refresh_from_db()
    assert (message.state, message.tries, message.attempts.count()) == ("delivered", 1, 1)


def test_progress_and_end_of_a_task_keep_their_order(bystander: Account) -> None:
    """However the threads run: one final message, no progress left behind it."""
    task_ids = [running(bystander) for _ in range(10)]

    def live(task_id: int) -> None:
        for percent in (15, 31, 46):
            task = seen(task_id)
            lifecycle.apply(task, progress(task, percent))
        task = seen(task_id)
        lifecycle.apply(task, success(task))

    results = together([lambda t=task_id: live(t) for task_id in task_ids * 2])
    assert not raised(results)
    for task_id in task_ids:
        task = seen(task_id)
        if task.status != "SUCCESS":
            assert lifecycle.apply(task, success(task))
        states = Callback.objects.filter(task=task_id).values_list("is_final", "state")
        assert set(states) == {(False, "overtaken"), (True, "pending")}
    prove(bystander.tenant.pk)
