"""What a look at tasks makes of what an upstream says, and of what nobody can read."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import redis_pool
from relay.following import asking, memory, polling
from relay.models import Task
from relay.watch import metrics
from tests.accounts import Account, open_account
from tests.faults.hostile import Exchange, HostileUpstream, row_of
from tests.faults.place import NOT_NOW, accept, begin, hurry_tasks
from tests.stack import Stack, wait_until


@pytest.fixture
def account(own_database_url: str, upstream: HostileUpstream, tmp_path: Path) -> Account:
    """Nobody looks for it but the test."""
    return open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1), channel_url=upstream.url)


@pytest.fixture
def without_redis(settings: LazySettings) -> Iterator[None]:
    """Nobody answers where it should be."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_pool.client.cache_clear()
    yield
    redis_pool.client.cache_clear()


def running(account: Account, *, own_id: str = "") -> Task:
    task_id = begin(account)
    accept(task_id, own_id or f"up-{task_id}")
    return Task.objects.get(pk=task_id)


def look(account: Account, *tasks: Task) -> list[str]:
    polling.look(account.channel.pk, [task.pk for task in tasks])
    for task in tasks:
        task.refresh_from_db()
    return [task.status for task in tasks]


def copy_task(task_id: int, *, times: int) -> None:
    """So many more that are due in an hour; the database has seen how many there are."""
    columns = [each.column for each in Task._meta.concrete_fields if not each.primary_key]
    names = ", ".join(columns)
    values = names.replace("next_poll_at", "now() + interval '1 hour'")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO relay_task ({names}) SELECT {values} "
            "FROM relay_task, generate_series(1, %s) WHERE id = %s",
            [times, task_id],
        )
        cursor.execute("ANALYZE relay_task")


def rows_read() -> int:
    """Of tasks, in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            r"""SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int
               FROM pg_stat_xact_user_tables WHERE relname LIKE 'relay\_task\_%'"""
        )
        return int(cursor.fetchone()[0])


def malformed(account: Account) -> float:
    """What is counted of this channel."""
    lines = metrics.text().decode().splitlines()
    mine = [line for line in lines if line.startswith("relay_malformed_rows_total")]
    return sum(float(line.split()[-1]) for line in mine if f'"{account.channel.name}"' in line)


def test_what_cannot_be_read_is_counted_and_kept_and_the_rest_is_applied(
    account: Account, upstream: HostileUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = running(account), running(account)
    nonsense = [None, 7, "text", [row_of(bad)], {"id": ["up"], "lies": "here"}]
    upstream.rows = [*nonsense, row_of(good)]
    before = malformed(account)
    with caplog.at_level(logging.WARNING, logger="relay.following.asking"):
        assert look(account, bad, good) == ["SUBMITTED", "SUCCESS"]
    assert malformed(account) - before == 5
    assert "{'id': ['up'], 'lies': 'here'}" in caplog.text


def test_nothing_is_lost_because_its_row_cannot_be_read(
    account: Account, upstream: HostileUpstream, settings: LazySettings
) -> None:
    settings.TASK_GRACE_SECONDS = 0
    task, other = running(account), running(account)
    upstream.rows = [row_of(task) | {"id": 7}, row_of(other, "IN_PROGRESS")]
    assert look(account, task, other) == ["SUBMITTED", "IN_PROGRESS"]
    # But not for ever: from its deadline on, what cannot be read is not there.
    Task.objects.filter(pk=task.pk).update(deadline_at=timezone.now())
    assert look(account, task, other) == ["FAILURE", "IN_PROGRESS"]
    assert task.fail_reason == polling.LOST


def test_a_row_that_the_adapter_stumbles_over_is_kept_with_its_task(
    account: Account, upstream: HostileUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row does that today; those of tomorrow are not known."""
    from channels.adapters import midjourney_proxy

    def stumble(value: object) -> str:
        if value == "WEIRD":
            raise TypeError("a word that nobody knows")
        return usual(value)

    usual: Callable[[object], str] = midjourney_proxy.status
    monkeypatch.setattr(midjourney_proxy, "status", stumble)
    bad, good = running(account), running(account)
    upstream.rows = [row_of(bad, "WEIRD"), row_of(good)]
    assert look(account, bad, good) == ["IN_PROGRESS", "SUCCESS"]
    assert (bad.upstream_row or {})["status"] == "WEIRD"


def test_of_several_rows_about_one_task_the_surest_counts(
    account: Account, upstream: HostileUpstream
) -> None:
    task = running(account)
    upstream.rows = [
        row_of(task, "IN_PROGRESS"), row_of(task), row_of(task, "SUBMITTED"),
        row_of(task, "FAILURE"),
    ]  # fmt: skip
    assert look(account, task) == ["SUCCESS"]


def test_one_id_for_two_drawings_that_are_told_apart_by_our_word(
    account: Account, upstream: HostileUpstream
) -> None:
    first = running(account)
    second = running(account, own_id=first.upstream_id)
    upstream.rows = [row_of(first), row_of(second) | {"id": first.upstream_id}]
    assert look(account, first, second) == ["SUCCESS", "SUCCESS"]


def test_a_credential_that_is_refused_keeps_no_other_from_its_tasks(
    account: Account, upstream: HostileUpstream
) -> None:
    fine, refused = (
        account.channel.credentials.create(name=name, secret=name) for name in ("fine", "refused")
    )
    tasks = [running(account) for _ in range(4)]
    for task, credential in zip(tasks, [fine, refused] * 2, strict=True):
        Task.objects.filter(pk=task.pk).update(credential=credential)

    def answer(exchange: Exchange) -> None:
        if exchange.headers["mj-api-secret"] == "refused":
            exchange.reply(b"", status=401)
        else:
            exchange.reply_json([row_of(task) for task in tasks])

    upstream.on_look = answer
    assert look(account, *tasks) == ["SUCCESS", "SUBMITTED"] * 2


def test_what_hangs_does_not_hold_a_look_beyond_its_lease(
    account: Account, upstream: HostileUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time for asking no further question is begun, and nothing counts as absent."""
    monkeypatch.setattr(asking, "ASK_SECONDS", -1)
    tasks = [running(account) for _ in range(3)]
    assert look(account, *tasks) == ["SUBMITTED"] * 3
    assert upstream.asked == []
    assert {task.missing_since for task in tasks} == {None}


def test_a_message_that_comes_too_late_asks_nobody(
    account: Account, upstream: HostileUpstream
) -> None:
    """Its tasks are somebody else's by now. No clock but the database's decides that."""
    task = running(account)
    upstream.rows = [row_of(task, "IN_PROGRESS")]
    hurry_tasks(task.pk)
    task_ids, lease = polling.claim(account.channel.pk)
    assert (task_ids, lease is None) == ([task.pk], False)
    Task.objects.filter(pk=task.pk).update(leased_until=lease + timedelta(microseconds=1))
    assert (polling.look(account.channel.pk, task_ids, lease), upstream.asked) == (0, [])
    Task.objects.filter(pk=task.pk).update(leased_until=lease)
    polling.look(account.channel.pk, task_ids, lease)
    asked = len(upstream.asked)
    assert asked > 0
    # Nor does one that comes twice.
    polling.look(account.channel.pk, task_ids, lease)
    assert len(upstream.asked) == asked


def test_what_is_due_is_found_without_reading_what_is_not(account: Account) -> None:
    """Of some thousand tasks of the same hours."""
    # Those of the tests before are due too, sooner or later.
    Task.objects.live().update(next_poll_at=timezone.now() + NOT_NOW)
    task = running(account)
    copy_task(task.pk, times=5000)
    hurry_tasks(task.pk)
    with transaction.atomic():
        assert polling.due_channels() == [account.channel.pk]
        task_ids, lease = polling.claim(account.channel.pk)
        assert task_ids == [task.pk]
        assert rows_read() < 100
    polling.look(account.channel.pk, task_ids, lease)


@pytest.mark.parametrize("number", [1, 50])
def test_what_has_not_changed_costs_no_statement_of_its_own(
    account: Account, upstream: HostileUpstream, number: int
) -> None:
    tasks = [running(account) for _ in range(number)]
    upstream.rows = [row_of(task, "IN_PROGRESS") for task in tasks]
    look(account, *tasks)
    with CaptureQueriesContext(connection) as queries:
        polling.look(account.channel.pk, [task.pk for task in tasks])
    # What was due, and in a transaction its lock and the next times.
    assert len(queries) <= 6, [query["sql"][:80] for query in queries]


def test_the_deadline_is_written_down_at_the_submit(account: Account, settings: Any) -> None:
    settings.TASK_DEADLINES = {"IMAGINE/fast": 77}
    task_id = begin(account)
    settings.TASK_DEADLINES = {}
    task = Task.objects.get(pk=task_id)
    left = task.deadline_at.timestamp() - task.submit_time / 1000
    assert left == pytest.approx(77, abs=2)


@pytest.mark.parametrize(
    ("left", "answer", "status"),
    [
        (1, "IN_PROGRESS", "IN_PROGRESS"),
        (0, "IN_PROGRESS", "FAILURE"),
        (0, "SUBMITTED", "FAILURE"),
        (0, "SUCCESS", "SUCCESS"),
        (0, "FAILURE", "FAILURE"),
        (0, None, "SUBMITTED"),  # not there: that has a grace of its own
        (0, b"<html>", "SUBMITTED"),  # nobody could be asked
    ],
)
def test_a_deadline_is_believed_after_the_upstream_was_asked_once_more(
    account: Account,
    upstream: HostileUpstream,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    left: float,
    answer: Any,
    status: str,
) -> None:
    """The clock stands still."""
    settings.UPSTREAM_POLL_SECONDS = 1
    task_id = begin(account)
    accept(task_id, f"up-{task_id}")
    task = Task.objects.get(pk=task_id)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    Task.objects.filter(pk=task_id).update(deadline_at=now + timedelta(seconds=left))
    upstream.rows = [row_of(task, answer, progress="0%")] if isinstance(answer, str) else []
    if isinstance(answer, bytes):
        upstream.on_look = lambda exchange: exchange.reply(answer, kind="text/html")
    polling.look(account.channel.pk, [task_id])
    task.refresh_from_db()
    assert task.status == status
    if status == "FAILURE" and answer != "FAILURE":
        assert task.fail_reason == polling.TIMED_OUT


def test_what_is_stored_already_is_not_read_again(
    account: Account, upstream: HostileUpstream
) -> None:
    tasks = [running(account) for _ in range(5)]
    upstream.rows = [row_of(task, "IN_PROGRESS") for task in tasks]
    look(account, *tasks)
    with CaptureQueriesContext(connection) as queries:
        polling.look(account.channel.pk, [task.pk for task in tasks])
    assert [query["sql"] for query in queries if '"relay_task"."prompt"' in query["sql"]] == []
    upstream.rows[0] = row_of(tasks[0], "IN_PROGRESS", progress="78%")
    assert look(account, *tasks) == ["IN_PROGRESS"] * 5
    assert [task.progress for task in tasks] == [78, 46, 46, 46, 46]


def test_the_same_row_is_stored_again_where_somebody_else_has_changed_the_task(
    account: Account, upstream: HostileUpstream
) -> None:
    task = running(account)
    upstream.rows = [row_of(task, "IN_PROGRESS")]
    look(account, task)
    changed = Task.objects.filter(pk=task.pk)
    changed.update(status="SUBMITTED", progress=0, sequence=task.sequence + 1)
    assert look(account, task) == ["IN_PROGRESS"]
    assert task.progress == 46


def test_the_same_row_again_ends_a_task_whose_deadline_is_over(
    account: Account, upstream: HostileUpstream
) -> None:
    task = running(account)
    upstream.rows = [row_of(task, "IN_PROGRESS")]
    assert look(account, task) == ["IN_PROGRESS"]
    Task.objects.filter(pk=task.pk).update(deadline_at=timezone.now())
    assert look(account, task) == ["FAILURE"]


def test_the_same_row_again_ends_the_time_in_which_a_task_was_missing(
    account: Account, upstream: HostileUpstream
) -> None:
    task = running(account)
    rows = upstream.rows = [row_of(task, "IN_PROGRESS")]
    look(account, task)
    upstream.rows = []
    look(account, task)
    assert task.missing_since is not None
    upstream.rows = rows
    assert look(account, task) == ["IN_PROGRESS"]
    assert task.missing_since is None


def test_what_redis_has_lost_is_compared_once_more(
    account: Account, upstream: HostileUpstream
) -> None:
    task = running(account)
    upstream.rows = [row_of(task, "IN_PROGRESS")]
    look(account, task)
    (stored,), sequence = memory.recall([task.pk]).values(), task.sequence
    redis_pool.client().delete(memory._KEY.format(task.pk))
    assert memory.recall([task.pk]) == {}
    assert look(account, task) == ["IN_PROGRESS"]
    assert (memory.recall([task.pk]), task.sequence) == ({task.pk: stored}, sequence)
    upstream.rows = [row_of(task)]
    assert look(account, task) == ["SUCCESS"]


def test_a_look_needs_no_redis(
    account: Account, upstream: HostileUpstream, without_redis: None
) -> None:
    task = running(account)
    upstream.rows = [row_of(task, "IN_PROGRESS")]
    assert (look(account, task), memory.recall([task.pk])) == (["IN_PROGRESS"], {})
    upstream.rows = [row_of(task)]
    assert look(account, task) == ["SUCCESS"]


def test_an_id_that_comes_twice_is_never_the_same_as_before(
    account: Account, upstream: HostileUpstream
) -> None:
    task = running(account)
    upstream.rows = [row_of(task, "IN_PROGRESS")]
    look(account, task)
    upstream.rows = [row_of(task, "IN_PROGRESS"), row_of(task)]
    assert look(account, task) == ["SUCCESS"]


def test_an_answer_to_the_submit_that_comes_during_a_look_loses_nothing(
    account: Account, upstream: HostileUpstream, own_database_url: str
) -> None:
    """The look has found the task by a hint and is too late to give it its name; what it has read
    was not stored, so the next look must not take it for known."""
    other, late = running(account), Task.objects.get(pk=begin(account))
    name = f"up-{late.pk}"
    Task.objects.filter(pk=late.pk).update(hinted_id=name)
    upstream.rows = [row_of(other), row_of(late)]

    def look_at_both() -> None:
        polling.look(account.channel.pk, [other.pk, late.pk])
        connection.close()

    with psycopg.connect(own_database_url) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT 1 FROM relay_task WHERE id = %s FOR UPDATE", (other.pk,))
        looking = pool.submit(look_at_both)
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted"
        wait_until(lambda: holder.execute(waits).fetchone(), what="the look at the first one")
        accept(late.pk, name)
        holder.commit()
        looking.result()
    assert look(account, other, late) == ["SUCCESS", "SUCCESS"]


@pytest.mark.parametrize("number", [1, 2])
def test_what_has_moved_after_a_long_time_is_looked_at_again_soon(
    account: Account, upstream: HostileUpstream, settings: LazySettings, number: int
) -> None:
    """Alone or with others, and however long it had waited at the upstream."""
    settings.POLL_MIN_SECONDS, settings.POLL_MAX_SECONDS = 2.0, 30.0
    tasks = [running(account) for _ in range(number)]
    long_ago = timezone.now() - timedelta(seconds=1000)
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(
        changed_at=long_ago, submit_time=(time.time() - 86_400) * 1000
    )
    upstream.rows = [row_of(task, "IN_PROGRESS") for task in tasks]
    look(account, *tasks)
    waits = [(task.next_poll_at - timezone.now()).total_seconds() for task in tasks]
    assert max(waits) < 3
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(changed_at=long_ago)
    look(account, *tasks)
    waits = [(task.next_poll_at - timezone.now()).total_seconds() for task in tasks]
    assert min(waits) > 25
