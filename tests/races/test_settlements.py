"""A person decides about a task while others find it: one of them counts, and money moves once."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from billing.models import Entry
from common import sql
from relay import lifecycle
from relay.errors import Conflict
from relay.models import Attempt, Callback, Task
from relay.operators import settlements
from tests.accounts import Account
from tests.faults.place import begin
from tests.proofs import prove
from tests.races.together import raised, returned, together
from tests.races.updates import success

HOOK = "http://hook.example/"
PICTURE = "https://cdn.example/picture.png"
HELD = ("hold", "0.00", "0.10")
PAID = ("capture", "-0.10", "-0.10")
GIVEN_BACK = ("release", "0.00", "-0.10")
THREADS = 8


def doubtful(account: Account) -> Task:
    """Nobody knows whether an upstream has it."""
    task_id = begin(account, hook=HOOK)
    Attempt.objects.filter(task=task_id).update(outcome=Attempt.Outcome.UNKNOWN)
    return seen(task_id)


def seen(task_id: int) -> Task:
    return Task.objects.select_related("token").get(pk=task_id)


def as_drawn(task: Task) -> None:
    news = settlements.drawn(image_url=PICTURE, video_url="")
    settlements.settle(task.pk, news, actor="ann", memo="seen at the upstream")


def as_failed(task: Task) -> None:
    news = settlements.failed("it was never drawn")
    settlements.settle(task.pk, news, actor="ann", memo="asked the upstream")


def test_what_has_failed_is_released_and_the_ledger_tells_who_said_so(
    bystander: Account,
) -> None:
    task = doubtful(bystander)
    as_failed(task)
    assert bystander.entries(str(task.pk)) == [HELD, GIVEN_BACK]
    last = Entry.objects.filter(reference=str(task.pk)).latest("pk")
    assert (last.actor, last.memo) == ("ann", "asked the upstream")
    task = seen(task.pk)
    assert (task.status, task.fail_reason) == ("FAILURE", "it was never drawn")
    assert task.late_look_at is not None
    assert bystander.attempts(task.pk) == ["unknown"]
    assert Callback.objects.filter(task=task, is_final=True).count() == 1
    prove([bystander.tenant.pk])


def test_what_was_drawn_is_paid_and_the_tenant_has_the_picture(bystander: Account) -> None:
    task = doubtful(bystander)
    as_drawn(task)
    assert bystander.entries(str(task.pk)) == [HELD, PAID]
    last = Entry.objects.filter(reference=str(task.pk)).latest("pk")
    assert (last.actor, last.memo, last.channel) == (
        "ann",
        "seen at the upstream",
        bystander.channel.pk,
    )
    task = seen(task.pk)
    assert (task.status, task.image_url, task.progress) == ("SUCCESS", PICTURE, 100)
    assert bystander.attempts(task.pk) == ["accepted"]
    prove([bystander.tenant.pk])


@pytest.mark.parametrize("outcome", ["sending", "accepted"])
def test_where_there_is_no_doubt_nobody_decides(bystander: Account, outcome: str) -> None:
    task = doubtful(bystander)
    Attempt.objects.filter(task=task).update(outcome=outcome)
    with pytest.raises(Conflict):
        as_failed(task)
    assert bystander.entries(str(task.pk)) == [HELD]


def test_what_has_ended_is_not_decided_again(bystander: Account) -> None:
    task = doubtful(bystander)
    as_failed(task)
    with pytest.raises(Conflict):
        as_drawn(task)
    assert bystander.entries(str(task.pk)) == [HELD, GIVEN_BACK]


@pytest.mark.parametrize("round_", range(3))
def test_of_many_who_decide_at_once_one_counts(bystander: Account, round_: int) -> None:
    task = doubtful(bystander)
    calls = [partial(deed, task) for deed in (as_drawn, as_failed) for _ in range(THREADS // 2)]
    results = together(calls)
    assert len(returned(results)) == 1
    assert {type(error) for error in raised(results)} == {Conflict}
    assert len(bystander.entries(str(task.pk))) == 2
    prove([bystander.tenant.pk])


def _finds_it(task: Task) -> bool:
    """As a look does that has seen the task before anybody decided."""
    update = success(task)
    return lifecycle.adopt(task, update.upstream_id) and lifecycle.apply(task, update)


@pytest.mark.parametrize("deed", [as_drawn, as_failed])
@pytest.mark.parametrize("round_", range(3))
def test_a_look_that_finds_it_at_the_same_moment_harms_nothing(
    bystander: Account, deed: Callable[[Task], None], round_: int
) -> None:
    task = doubtful(bystander)
    results = together([partial(deed, task), partial(_finds_it, seen(task.pk))])
    decided, found = results
    assert (decided is None) != (found is True)
    assert found is not None
    ends = [kind for kind, _, _ in bystander.entries(str(task.pk))]
    assert ends == ["hold", "release" if deed is as_failed and not found else "capture"]
    prove([bystander.tenant.pk])


def _told(rows: Any) -> list[tuple[str, int]]:
    return [(line.split()[1], int(line.split()[2])) for line in rows.splitlines()]


def test_the_history_of_a_task_is_kept_in_order_and_bounded(bystander: Account) -> None:
    task = seen(begin(bystander))
    for progress in range(1, 100):
        sql.execute(
            "UPDATE relay_task SET status = 'IN_PROGRESS', progress = %(progress)s"
            " WHERE id = %(id)s",
            {"progress": progress, "id": task.pk},
        )
    assert lifecycle.fail(seen(task.pk), "enough")
    kept = _told(seen(task.pk).history)
    assert kept[0] == ("IN_PROGRESS", 1)
    assert kept[-1] == ("FAILURE", 100)
    assert 30 < len(kept) < 60
    assert kept[:-1] == [("IN_PROGRESS", number) for number in range(1, len(kept))]
