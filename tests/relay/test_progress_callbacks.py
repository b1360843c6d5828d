"""The messages about the progress of many tasks, which are written at once."""

from pathlib import Path

import orjson
import pytest
from django.utils import timezone

from relay.following import polling
from relay.messages import hooks
from relay.messages.posting import Delivery
from relay.models import Callback, Task
from tests.accounts import Account, open_account
from tests.faults.hostile import HostileUpstream, row_of
from tests.faults.place import accept, begin
from tests.stack import Stack

HOOK, OTHER = "https://hook.example/a", "https://other.example/b"
NUMBER = 6


@pytest.fixture
def account(own_database_url: str, upstream: HostileUpstream, tmp_path: Path) -> Account:
    return open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1), channel_url=upstream.url)


@pytest.fixture
def tasks(account: Account) -> list[Task]:
    """Every second one has another hook."""
    ids = [begin(account, hook=OTHER if n % 2 else HOOK) for n in range(NUMBER)]
    for task_id in ids:
        accept(task_id, f"up-{task_id}")
    return list(Task.objects.filter(pk__in=ids).order_by("pk"))


def look(upstream: HostileUpstream, tasks: list[Task], progress: str) -> None:
    upstream.rows = [row_of(task, "IN_PROGRESS", progress=progress) for task in tasks]
    polling.look(tasks[0].channel_id, [task.pk for task in tasks])


def messages(tasks: list[Task]) -> list[Callback]:
    return list(Callback.objects.filter(task__in=tasks).order_by("task_id", "sequence"))


def told(tasks: list[Task]) -> list[str]:
    return [orjson.loads(message.body)["progress"] for message in messages(tasks)]


def test_each_has_one_message_and_it_tells_the_newest(
    upstream: HostileUpstream, tasks: list[Task]
) -> None:
    look(upstream, tasks, "15%")
    assert told(tasks) == ["15%"] * NUMBER
    first = {message.pk for message in messages(tasks)}
    look(upstream, tasks, "46%")
    assert told(tasks) == ["46%"] * NUMBER
    # Rewritten, as it had not been sent yet.
    assert {message.pk for message in messages(tasks)} == first
    sequences = dict(
        Task.objects.filter(pk__in=[t.pk for t in tasks]).values_list("pk", "sequence")
    )
    for message in messages(tasks):
        assert (message.state, message.is_final, message.tries) == ("pending", False, 0)
        assert message.sequence == sequences[message.task_id]
        assert (message.host, message.lane) == tuple(hooks.place(message.url))
        assert message.due_at <= timezone.now()
    assert {message.url for message in messages(tasks)} == {HOOK, OTHER}


def test_what_was_sent_is_followed_by_another_one(
    upstream: HostileUpstream, tasks: list[Task]
) -> None:
    look(upstream, tasks, "15%")
    Callback.objects.filter(task__in=tasks).update(state="delivered", due_at=None)
    look(upstream, tasks, "46%")
    assert told(tasks) == ["15%", "46%"] * NUMBER


def test_a_hook_that_is_off_is_told_no_progress(
    account: Account, upstream: HostileUpstream, tasks: list[Task]
) -> None:
    hooks.note(account.tenant.pk, OTHER, Delivery(410, "", 1))
    look(upstream, tasks, "15%")
    assert {message.url for message in messages(tasks)} == {HOOK}
    assert set(Task.objects.filter(pk__in=[t.pk for t in tasks]).values_list("progress")) == {(15,)}


def test_when_the_messages_cannot_be_written_the_progress_is_not_stored_either(
    upstream: HostileUpstream, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("not now")

    with monkeypatch.context() as broken:
        broken.setattr(hooks, "place", fail)
        look(upstream, tasks, "15%")
    stored = Task.objects.filter(pk__in=[task.pk for task in tasks])
    assert (set(stored.values_list("progress")), messages(tasks)) == ({(0,)}, [])
    look(upstream, tasks, "15%")
    assert (set(stored.values_list("progress")), len(messages(tasks))) == ({(15,)}, NUMBER)
