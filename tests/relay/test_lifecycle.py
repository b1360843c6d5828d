"""One task, step by step, without any process beside it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from channels.adapters.base import Update
from relay import lifecycle
from relay.models import Attempt, Task
from tests.accounts import Account
from tests.faults.place import accept, begin, begin_attempt

HELD = ("hold", "0.00", "0.10")
PAID = ("capture", "-0.10", "-0.10")
GIVEN_BACK = ("release", "0.00", "-0.10")


def read(task_id: int) -> Task:
    return Task.objects.select_related("token").get(pk=task_id)


def running(account: Account) -> Task:
    task_id = begin(account)
    accept(task_id, f"up-{task_id}")
    return read(task_id)


def update(task: Task, status: str, **fields: object) -> Update:
    return Update(upstream_id=task.upstream_id, status=status, **fields)  # type: ignore[arg-type]


def test_a_submit_writes_task_hold_and_attempt_together(bystander: Account) -> None:
    task_id, attempt_id = begin_attempt(bystander, "a lighthouse")
    task = read(task_id)
    assert (task.status, task.progress, task.sequence) == ("NOT_START", 0, 0)
    assert (task.tenant, task.token, task.channel) == (
        bystander.tenant, bystander.token, bystander.channel,
    )  # fmt: skip
    assert len(str(task.pk)) == 16
    assert abs(task.submit_time / 1000 - timezone.now().timestamp()) < 5
    assert task.deadline_at < task.expires_at
    attempt = Attempt.objects.get(task=task_id)
    assert (attempt.pk, attempt.number, attempt.outcome) == (attempt_id, 1, "sending")
    assert bystander.entries(str(task_id)) == [HELD]


def test_a_success_is_captured_and_ends_the_looking(bystander: Account) -> None:
    task = running(bystander)
    assert lifecycle.apply(task, update(task, "SUCCESS", image_url="http://a/1.png"))
    stored = read(task.pk)
    assert (stored.status, stored.progress, stored.next_poll_at) == ("SUCCESS", 100, None)
    assert stored.sequence == task.sequence == 1
    assert bystander.entries(str(task.pk)) == [HELD, PAID]


def test_a_failure_is_released(bystander: Account) -> None:
    task = running(bystander)
    assert lifecycle.apply(task, update(task, "FAILURE", fail_reason="[Invalid] --arr"))
    assert read(task.pk).fail_reason == "[Invalid] --arr"
    assert bystander.entries(str(task.pk)) == [HELD, GIVEN_BACK]


@pytest.mark.parametrize("first", ["SUCCESS", "FAILURE"])
@pytest.mark.parametrize("second", ["SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE"])
def test_an_ended_task_stays_as_it_is(bystander: Account, first: str, second: str) -> None:
    task = running(bystander)
    stale = read(task.pk)
    lifecycle.apply(task, update(task, first))
    before, entries = read(task.pk), bystander.entries()
    # Whether the second one has read the task before or after the first one's end.
    for seen in (stale, read(task.pk)):
        assert not lifecycle.apply(seen, update(seen, second, image_url="http://a/2.png"))
        assert not lifecycle.fail(seen, "too late")
    after = read(task.pk)
    assert (after.status, after.sequence, after.fail_reason, after.image_url) == (
        before.status, before.sequence, before.fail_reason, before.image_url,
    )  # fmt: skip
    assert bystander.entries() == entries


def test_who_saw_an_older_task_changes_nothing(bystander: Account) -> None:
    task = running(bystander)
    stale = read(task.pk)
    assert lifecycle.apply(task, update(task, "IN_PROGRESS", progress=46))
    assert not lifecycle.apply(stale, update(stale, "IN_PROGRESS", progress=31))
    assert not lifecycle.fail(stale, "lost")
    assert read(task.pk).progress == 46


def test_a_missing_task_is_not_missing_any_more_when_it_is_seen(bystander: Account) -> None:
    task = running(bystander)
    Task.objects.filter(pk=task.pk).update(missing_since=timezone.now())
    task = read(task.pk)
    assert lifecycle.apply(task, update(task, "IN_PROGRESS", progress=15))
    assert read(task.pk).missing_since is None


def test_a_task_gets_its_id_once(bystander: Account) -> None:
    task_id, _ = begin_attempt(bystander)
    task = read(task_id)
    assert lifecycle.adopt(task, "7")
    assert (read(task_id).upstream_id, bystander.attempts(task_id)) == ("7", ["accepted"])
    assert not lifecycle.adopt(read(task_id), "8")
    assert read(task_id).upstream_id == "7"


def test_doubt_changes_only_what_was_being_sent(bystander: Account) -> None:
    sending, accepted = read(begin(bystander)), running(bystander)
    lifecycle.doubt([sending.pk, accepted.pk])
    assert bystander.attempts(sending.pk) == ["unknown"]
    assert bystander.attempts(accepted.pk) == ["accepted"]
    lifecycle.doubt([])


def test_what_outlived_everything_expires_and_nothing_else(bystander: Account) -> None:
    overdue, other, ended = running(bystander), running(bystander), running(bystander)
    lifecycle.apply(ended, update(ended, "SUCCESS"))
    past = timezone.now() - timedelta(seconds=1)
    Task.objects.filter(pk__in=[overdue.pk, ended.pk]).update(expires_at=past)
    assert lifecycle.expire_overdue() >= 1
    assert (read(overdue.pk).status, read(other.pk).status) == ("FAILURE", "SUBMITTED")
    assert read(ended.pk).status == "SUCCESS"
    assert bystander.entries(str(overdue.pk)) == [HELD, GIVEN_BACK]
    assert lifecycle.expire_overdue() == 0


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        ({"next_poll_at": None}, "live_task_is_followed"),
        ({"status": "SUCCESS"}, "live_task_is_followed"),
        ({"status": "FORGOTTEN"}, "live_task_is_followed"),
        ({"price": -1}, "task_price_is_not_negative"),
    ],
)
def test_what_the_database_refuses_of_a_live_task(
    bystander: Account, change: dict[str, object], promise: str
) -> None:
    """A task that nobody will ever look at again would hold its money for ever."""
    task = running(bystander)
    with pytest.raises(IntegrityError, match=promise), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(**change)


@pytest.mark.parametrize("outcome", ["sending", "accepted", "unknown"])
def test_a_task_is_with_one_upstream(bystander: Account, outcome: str) -> None:
    task = running(bystander)
    with pytest.raises(IntegrityError, match="task_is_with_one_upstream"), transaction.atomic():
        Attempt.objects.create(task=task, channel=task.channel, number=2, outcome=outcome)
    with pytest.raises(IntegrityError, match="attempt_number_is_unique"), transaction.atomic():
        Attempt.objects.create(task=task, channel=task.channel, number=1, outcome="refused")
