"""A modal that several want to confirm, call off or close at once: one end, one hold."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.utils import timezone

from billing import pricing
from billing.models import Entry
from billing.tokens import authenticate
from channels import selection
from channels.errors import Refusal, Rejected
from relay import actions, lifecycle
from relay.models import Attempt, Callback, Task
from relay.submits import forwarding, orders
from tests.accounts import Account
from tests.faults.place import begin_attempt
from tests.proofs import prove
from tests.races.together import raised, returned, together
from tests.races.updates import progress, success

HOOK = "http://hook.example/"
THREADS = 8
NO = Rejected("full", refusal=Refusal.QUEUE_FULL, next_channel=True)


@pytest.fixture(autouse=True)
def fresh_prices() -> Iterator[None]:
    """This file's database is not the one that prices were read from before."""
    pricing._known = pricing._Known(generation=-1, prices=pricing.Prices(), until=0)
    yield
    pricing._known = pricing._Known(generation=-1, prices=pricing.Prices(), until=0)


def seen(task_id: int) -> Task:
    """The task as one worker has read it, before anybody has changed it."""
    return Task.objects.select_related("token").get(pk=task_id)


def modal(account: Account) -> int:
    """A task that waits for its confirmation."""
    task_id, _ = begin_attempt(account, hook=HOOK)
    assert lifecycle.open_modal(seen(task_id), upstream_id=f"up-{task_id}", final_prompt="a pier")
    return task_id


def confirmed(account: Account, task: Task) -> int | None:
    """The new attempt's id, None when another one was faster."""
    caller = authenticate(account.key)
    price = orders.price(actions.MODAL_PRICE_NAMES, task.mode, caller)
    return lifecycle.begin_confirmation(
        task=task,
        caller=caller,
        price=price,
        upstream=selection.load(task.channel_id),
        first_look=forwarding.first_look(),
        told={},
    )


def refused(task_id: int, attempt_id: int) -> None:
    lifecycle.reopen_modal(
        task_id=task_id,
        attempt_id=attempt_id,
        outcome=forwarding.outcome_of(NO),
        milliseconds=1,
        answer=NO.raw,
    )


def holds(task_id: int) -> dict[str, list[str]]:
    """What was booked, by hold."""
    lines: dict[str, list[str]] = {}
    for entry in Entry.objects.filter(reference__startswith=str(task_id)).order_by("id"):
        lines.setdefault(entry.reference.removeprefix(str(task_id)), []).append(entry.kind)
    return lines


def overdue(task_id: int) -> Task:
    Task.objects.filter(pk=task_id).update(expires_at=timezone.now())
    return seen(task_id)


@pytest.mark.parametrize("round_", range(5))
def test_of_many_confirmations_one_holds_money(bystander: Account, round_: int) -> None:
    task_id = modal(bystander)
    copies = [seen(task_id) for _ in range(THREADS)]
    results = together([partial(confirmed, bystander, task) for task in copies])
    assert not raised(results)
    assert sum(result is not None for result in results) == 1
    assert holds(task_id) == {"": ["hold", "release"], ":2": ["hold"]}
    assert bystander.attempts(task_id) == ["modal", "sending"]
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(10))
def test_confirming_and_calling_off_at_once(bystander: Account, round_: int) -> None:
    task_id = modal(bystander)
    calls: list[Callable[[], object]] = []
    for _ in range(THREADS // 2):
        calls += [
            partial(confirmed, bystander, seen(task_id)),
            partial(lifecycle.cancel, seen(task_id)),
        ]
    results = together(calls)
    assert not raised(results)
    assert sum(bool(result) for result in results) == 1
    status = seen(task_id).status
    if status == "CANCEL":
        assert holds(task_id) == {"": ["hold", "release"]}
        assert Callback.objects.filter(task=task_id, is_final=True).count() == 1
    else:
        assert status == "SUBMITTED"
        assert holds(task_id) == {"": ["hold", "release"], ":2": ["hold"]}
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(10))
def test_confirming_and_expiring_at_once(bystander: Account, round_: int) -> None:
    task_id = modal(bystander)
    task = overdue(task_id)
    sweep = lifecycle.expire_overdue
    results = together(
        [sweep, partial(confirmed, bystander, task), sweep, partial(confirmed, bystander, task)]
    )
    assert not raised(results)
    assert sum(bool(result) for result in results) == 1
    status = seen(task_id).status
    if status == "FAILURE":
        assert holds(task_id) == {"": ["hold", "release"]}
    else:
        assert status == "SUBMITTED"
        # What was confirmed lives for as long as any other task.
        assert lifecycle.expire_overdue() == 0
        assert holds(task_id) == {"": ["hold", "release"], ":2": ["hold"]}
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(5))
def test_calling_off_and_expiring_at_once(bystander: Account, round_: int) -> None:
    task_id = modal(bystander)
    task = overdue(task_id)
    results = together([lifecycle.expire_overdue, partial(lifecycle.cancel, task)] * (THREADS // 2))
    assert not raised(results)
    assert sum(results) == 1
    assert seen(task_id).status in ("FAILURE", "CANCEL")
    assert holds(task_id) == {"": ["hold", "release"]}
    assert Callback.objects.filter(task=task_id, is_final=True).count() == 1
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(10))
def test_confirming_again_while_the_first_is_refused(bystander: Account, round_: int) -> None:
    """Each confirmation that gets through has a hold of its own, and all but one are given back."""
    task_id = modal(bystander)
    first = confirmed(bystander, seen(task_id))
    assert first
    calls: list[Callable[[], object]] = [partial(refused, task_id, first)]

    def again() -> int | None:
        # Read when the second began, perhaps long before the refusal of the first.
        task = seen(task_id)
        return confirmed(bystander, task) if task.status == "MODAL" else None

    results = together([*calls, *[again] * THREADS])
    assert not raised(results), raised(results)[:1]
    through = [attempt_id for attempt_id in results[1:] if attempt_id]
    assert len(through) <= 1
    expected = {"": ["hold", "release"], ":2": ["hold", "release"]}
    assert holds(task_id) == (expected | {":3": ["hold"]} if through else expected)
    assert bystander.attempts(task_id) == ["modal", "refused", *["sending"] * len(through)]
    prove(bystander.tenant.pk)


def test_a_confirmation_that_was_read_before_two_others_counts_on(bystander: Account) -> None:
    """Its number is counted when it has its turn, not when it came."""
    task_id = modal(bystander)
    early = seen(task_id)
    for _ in range(2):
        attempt_id = confirmed(bystander, seen(task_id))
        assert attempt_id
        refused(task_id, attempt_id)
    assert confirmed(bystander, early)
    assert list(holds(task_id)) == ["", ":2", ":3", ":4"]
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(5))
def test_a_refusal_and_a_look_at_once(bystander: Account, round_: int) -> None:
    """The upstream says no and draws all the same: one end, and one price at most."""
    task_id = modal(bystander)
    attempt_id = confirmed(bystander, seen(task_id))
    assert attempt_id
    task = seen(task_id)
    results = together(
        [partial(refused, task_id, attempt_id), lambda: lifecycle.apply(task, success(task))]
    )
    assert not raised(results)
    status = seen(task_id).status
    assert (status == "SUCCESS") == (results[1] is True)
    assert holds(task_id) == {
        "": ["hold", "release"],
        ":2": ["hold", "capture" if status == "SUCCESS" else "release"],
    }
    if status != "SUCCESS":
        assert status == "MODAL"
        assert Attempt.objects.get(pk=attempt_id).outcome == "refused"
        prove(bystander.tenant.pk)


def test_what_is_being_drawn_is_not_opened_again(bystander: Account) -> None:
    """A look has proved the upstream's no wrong, and nobody would follow an open modal."""
    task_id = modal(bystander)
    attempt_id = confirmed(bystander, seen(task_id))
    assert attempt_id
    task = seen(task_id)
    assert lifecycle.apply(task, progress(task, 31))
    refused(task_id, attempt_id)
    task = seen(task_id)
    assert task.status == "IN_PROGRESS"
    assert lifecycle.apply(task, success(task))
    assert holds(task_id) == {"": ["hold", "release"], ":2": ["hold", "capture"]}
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(5))
def test_the_same_answer_of_an_action_by_many_opens_one_modal(
    bystander: Account, round_: int
) -> None:
    """The submit's own answer, and polls and hints that bring the same news."""
    task_id, _ = begin_attempt(bystander, hook=HOOK)
    copies = [seen(task_id) for _ in range(THREADS)]
    results = together(
        [
            partial(lifecycle.open_modal, task, upstream_id="up", final_prompt="a pier")
            for task in copies
        ]
    )
    assert not raised(results)
    assert sum(returned(results)) == 1
    assert holds(task_id) == {"": ["hold", "release"]}
    assert bystander.attempts(task_id) == ["modal"]
    Task.objects.filter(pk=task_id).update(upstream_id="")
    prove(bystander.tenant.pk)


def test_a_poll_that_has_adopted_it_opens_it_too(bystander: Account) -> None:
    """By then the attempt counts as accepted; the confirmation is another one."""
    task_id, _ = begin_attempt(bystander, hook=HOOK)
    task = seen(task_id)
    assert lifecycle.adopt(task, f"up-{task_id}")
    assert lifecycle.open_modal(task, upstream_id=f"up-{task_id}", final_prompt="a pier")
    assert bystander.attempts(task_id) == ["modal"]
    assert confirmed(bystander, seen(task_id))
    assert bystander.attempts(task_id) == ["modal", "sending"]
    prove(bystander.tenant.pk)


def test_what_was_called_off_cannot_be_confirmed(bystander: Account) -> None:
    task_id = modal(bystander)
    early = seen(task_id)
    assert lifecycle.cancel(seen(task_id))
    assert confirmed(bystander, early) is None
    assert holds(task_id) == {"": ["hold", "release"]}
    prove(bystander.tenant.pk)
