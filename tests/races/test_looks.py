"""Many who look at the same tasks at the same time, and hints in the middle of it."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.db import connection, transaction

from common import sql
from relay.following import polling, statements
from relay.models import Attempt, Task
from tests.accounts import Account, open_account
from tests.faults.hostile import HostileUpstream, row_of
from tests.faults.place import accept, begin, hurry_tasks, until
from tests.proofs import prove
from tests.races.together import raised, together
from tests.stack import Stack, wait_until

THREADS = 8


@pytest.fixture
def account(own_database_url: str, upstream: HostileUpstream, tmp_path: Path) -> Account:
    """Nobody polls for it but the test."""
    stack = Stack(folder=tmp_path, env={}, drawing_seconds=1)
    return open_account(stack, channel_url=upstream.url)


def running(account: Account, *, tasks: int) -> list[Task]:
    """Half of them are known by the upstream's id, half must be searched for."""
    ids = [begin(account, hook="http://hook.example/") for _ in range(tasks)]
    for task_id in ids[::2]:
        accept(task_id, f"up-{task_id}")
    return list(Task.objects.filter(pk__in=ids))


def test_many_look_at_the_same_tasks(
    account: Account, upstream: HostileUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = running(account, tasks=40)
    ids = [task.pk for task in tasks]
    for status, progress in (
        ("IN_PROGRESS", "15%"),
        ("IN_PROGRESS", "46%"),
        ("IN_PROGRESS", "78%"),
        ("SUCCESS", "100%"),
    ):
        upstream.rows = [row_of(task, status, progress=progress) for task in tasks]
        looks = [
            lambda order=order: polling.look(account.channel.pk, order)
            for order in [ids, ids[::-1]] * (THREADS // 2)
        ]
        results = together(looks)
        assert not raised(results), raised(results)[:2]
        prove(account.tenant.pk)
    assert set(Task.objects.filter(pk__in=ids).values_list("status", flat=True)) == {"SUCCESS"}
    assert account.wallet.balance == 100_000_000 - 40 * 100_000
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


def test_some_say_yes_and_some_say_it_is_gone(
    account: Account, upstream: HostileUpstream, settings
) -> None:
    """An upstream behind a balancer, of whose machines one knows nothing."""
    settings.TASK_GRACE_SECONDS = 0
    tasks = running(account, tasks=20)
    ids = [task.pk for task in tasks]
    rows = [row_of(task) for task in tasks]
    counts = iter(range(10_000))
    upstream.on_look = lambda e: e.reply_json(rows if next(counts) % 2 else [])
    results = together([lambda: polling.look(account.channel.pk, ids)] * THREADS)
    assert not raised(results), raised(results)[:2]
    ended = Task.objects.filter(pk__in=ids)
    assert set(ended.values_list("status", flat=True)) <= {"SUCCESS", "FAILURE"}
    assert account.wallet.held == 0
    prove(account.tenant.pk)


def test_a_hint_does_not_start_a_second_look_beside_the_first(
    account: Account, upstream: HostileUpstream
) -> None:
    """Else an upstream that tells of every step and answers no look holds all hands of the
    worker. The hint is not lost: its time comes when the first look is over."""
    task = running(account, tasks=1)[0]
    hurry_tasks(task.pk)
    assert polling.claim(account.channel.pk).task_ids == [task.pk]
    hint(task)
    assert polling.claim(account.channel.pk).task_ids == []
    upstream.rows = [row_of(task, "IN_PROGRESS")]
    polling.look(account.channel.pk, [task.pk])
    assert polling.claim(account.channel.pk).task_ids == [task.pk]
    polling.look(account.channel.pk, [task.pk])
    assert polling.claim(account.channel.pk).task_ids == []
    prove(account.tenant.pk)


def test_a_look_that_never_came_to_its_end_is_made_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker was killed. Nobody else looks before the lease is over, then somebody does."""
    monkeypatch.setattr(polling, "LEASE_SECONDS", 2)
    task = running(account, tasks=1)[0]
    hurry_tasks(task.pk)
    assert polling.claim(account.channel.pk).task_ids == [task.pk]
    assert polling.claim(account.channel.pk).task_ids == []
    claimed = wait_until(lambda: polling.claim(account.channel.pk).task_ids, what="the lease's end")
    assert claimed == [task.pk]


def test_hints_claims_and_looks_at_once(account: Account, upstream: HostileUpstream) -> None:
    tasks = running(account, tasks=20)
    upstream.rows = [row_of(task) for task in tasks]
    hurry_tasks(*(task.pk for task in tasks))

    def work() -> None:
        for _ in range(10):
            if ids := polling.claim(account.channel.pk).task_ids:
                polling.look(account.channel.pk, ids)

    def tell() -> None:
        for task in tasks * 3:
            hint(task)

    results = together([work] * 4 + [tell] * 4)
    assert not raised(results), raised(results)[:2]
    hurry_tasks(*(task.pk for task in tasks))
    work()
    assert account.wallet.balance == 100_000_000 - 20 * 100_000
    assert account.wallet.held == 0
    prove(account.tenant.pk)


def hint(task: Task) -> None:
    sql.execute(statements.HINT, {"task_id": task.pk, "upstream_id": f"up-{task.pk}"})


@pytest.mark.parametrize("progress", ["15%", "30%"], ids=["nothing new", "news"])
def test_a_hint_in_the_moment_in_which_a_look_is_stored_makes_nobody_wait_for_a_lease(
    account: Account, upstream: HostileUpstream, progress: str
) -> None:
    """The look waits for the row until the hint is stored, and then finds it changed."""
    tasks = running(account, tasks=4)
    ids = [task.pk for task in tasks]
    upstream.rows = [row_of(task, "IN_PROGRESS", progress="15%") for task in tasks]
    polling.look(account.channel.pk, ids)
    hurry_tasks(*ids)
    claim = polling.claim(account.channel.pk)
    assert set(claim.task_ids) == set(ids)
    upstream.rows = [row_of(task, "IN_PROGRESS", progress=progress) for task in tasks]
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hint(tasks[0])
            looking = pool.submit(polling.look, account.channel.pk, claim.task_ids, claim.lease)
            until(lambda: waiting_for_rows() == 1, "the look")
        looking.result(10)
    found = dict(Task.objects.filter(pk__in=ids).values_list("pk", "leased_until"))
    assert set(found.values()) == {None}
    assert polling.claim(account.channel.pk).task_ids == [tasks[0].pk]


def test_a_hint_in_the_moment_in_which_answers_are_stored_loses_none(account: Account) -> None:
    """Those of several submits are stored together, once the first one is."""
    first, *others = (begin(account, hook="") for _ in range(5))
    with ThreadPoolExecutor(5) as pool, hinted(others[1]) as tell_the_other:
        with hinted(first) as tell:
            storing = [pool.submit(accept, first, f"up-{first}")]
            until(lambda: waiting_for_rows() == 1, "the first answer")
            storing += [pool.submit(accept, each, f"up-{each}") for each in others]
            until(lambda: all(each.running() for each in storing), "the others")
            tell()
        until(lambda: storing[0].done() and waiting_for_rows() == 1, "the others' answers")
        tell_the_other()
        assert [each.result(10) for each in storing] == [None] * 5
    found = Task.objects.filter(pk__in=[first, *others])
    assert all(task.upstream_id == f"up-{task.pk}" for task in found)
    assert set(found.values_list("status", flat=True)) == {"SUBMITTED"}
    attempts = Attempt.objects.filter(task__in=found)
    assert set(attempts.values_list("outcome", flat=True)) == {"accepted"}


@contextmanager
def hinted(task_id: int) -> Iterator[Callable[[], None]]:
    """A hint to it that is stored when what this yields is called."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        other.set_autocommit(False)
        cursor.execute(statements.HINT, {"task_id": task_id, "upstream_id": ""})
        try:
            yield other.commit
        finally:
            other.rollback()


def waiting_for_rows() -> int:
    found: int = sql.fetch_one(
        "SELECT count(*) AS number FROM pg_locks WHERE NOT granted"
        " AND locktype IN ('transactionid', 'tuple')"
    ).number
    return found
