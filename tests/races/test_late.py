"""A late drawing that many bring at once: told of once, held and paid once."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from common import sql
from relay import lifecycle
from relay.following import late, statements
from relay.models import Callback, Task
from tests.accounts import Account, open_account
from tests.faults.hostile import HostileUpstream, row_of
from tests.faults.place import accept, begin
from tests.proofs import prove
from tests.races.together import raised, together
from tests.races.updates import success
from tests.stack import Stack

THREADS = 20
HOOK = "http://hook.example/"


@pytest.fixture
def account(own_database_url: str, upstream: HostileUpstream, tmp_path: Path) -> Account:
    """Nobody looks for it but the test."""
    stack = Stack(folder=tmp_path, env={}, drawing_seconds=1)
    return open_account(stack, funds="0.50", channel_url=upstream.url)


def seen(task_id: int) -> Task:
    return Task.objects.select_related("token").get(pk=task_id)


def given_up(account: Account) -> int:
    task_id = begin(account, hook=HOOK)
    accept(task_id, f"up-{task_id}")
    assert lifecycle.fail(seen(task_id), "lost")
    return task_id


def entries(account: Account, task_id: int) -> list[str]:
    return [kind for kind, _, _ in account.entries(f"{task_id}:late")]


@pytest.mark.parametrize("round_", range(3))
def test_the_same_late_success_by_twenty_is_paid_once(account: Account, round_: int) -> None:
    task_id = given_up(account)
    copies = [seen(task_id) for _ in range(THREADS)]
    results = together([partial(lifecycle.revive, task, success(task)) for task in copies])
    assert sorted(results) == [False] * (THREADS - 1) + [True]
    assert entries(account, task_id) == ["hold", "capture"]
    assert Callback.objects.filter(task=task_id, is_final=True).count() == 2
    assert account.funds == ("0.40", "0.00")
    prove(account.tenant.pk)


def test_hints_claims_and_late_looks_at_once(account: Account, upstream: HostileUpstream) -> None:
    """There is money for five of the eight; each of the others is written off."""
    task_ids = [given_up(account) for _ in range(8)]
    upstream.rows = [row_of(seen(task_id)) for task_id in task_ids]

    def tell() -> None:
        for task_id in task_ids * 3:
            sql.execute(statements.HINT, {"task_id": task_id, "upstream_id": ""})

    def work() -> None:
        for _ in range(5):
            for channel_id, claimed in late.claim().items():
                late.look(channel_id, claimed)

    calls: list[Callable[[], Any]] = [tell] * 6 + [work] * 14
    results = together(calls)
    assert not raised(results), raised(results)[:2]
    tell()
    work()
    tasks = Task.objects.filter(pk__in=task_ids)
    assert {task.status for task in tasks} == {"SUCCESS"}
    assert sum(task.is_written_off for task in tasks) == 3
    assert account.funds == ("0.00", "0.00")
    prove(account.tenant.pk)


def test_who_has_read_an_older_state_changes_nothing(account: Account) -> None:
    task_id = given_up(account)
    old = seen(task_id)
    assert lifecycle.revive(seen(task_id), success(old))
    assert not lifecycle.revive(old, success(old))
    assert not lifecycle.fail(old, "expired")
    assert not lifecycle.apply(seen(task_id), success(old))
    assert entries(account, task_id) == ["hold", "capture"]
    prove(account.tenant.pk)
