"""Many submits of one process begin in one transaction, and each is as if it were alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DataError

from billing.errors import QuotaNotEnough
from relay.models import Attempt, Task
from tests.accounts import open_account
from tests.faults.place import NOT_NOW, accept, begin
from tests.proofs import prove
from tests.races.together import raised, returned, together
from tests.stack import Stack

THREADS = 24
PRICE = 100_000
PAST_ALL_DATES = timedelta(days=300_000_000)


@pytest.fixture
def stack(own_database_url: str, tmp_path: Path) -> Stack:
    """Nothing of it runs."""
    return Stack(folder=tmp_path, env={}, drawing_seconds=1)


def test_one_wallet_pays_for_as_many_as_it_can(stack: Stack) -> None:
    account = open_account(stack, funds="1")
    results = together([lambda: begin(account)] * THREADS)
    assert len(returned(results)) == 10
    assert {type(error) for error in raised(results)} == {QuotaNotEnough}
    assert (account.wallet.held, account.wallet.open_holds) == (PRICE * 10, 10)
    prove(account.tenant.pk)


def test_many_wallets_in_every_order(stack: Stack) -> None:
    accounts = [open_account(stack) for _ in range(6)]
    calls = [lambda account=account: begin(account) for account in accounts * 4]
    results = together(calls + calls[::-1])
    assert raised(results) == []
    for account in accounts:
        assert Task.objects.filter(tenant=account.tenant).count() == 8
        assert account.wallet.held == PRICE * 8
        prove(account.tenant.pk)


def test_one_that_cannot_be_written_keeps_no_other_from_it(stack: Stack) -> None:
    """The database takes no NUL in a text."""
    account = open_account(stack)
    prompts = [f"a boat \0 {n}" if n % 5 == 0 else f"a boat {n}" for n in range(THREADS)]
    results = together([lambda text=text: begin(account, text) for text in prompts])
    assert {type(error) for error in raised(results)} == {DataError}
    good = [text for text in prompts if "\0" not in text]
    mine = Task.objects.filter(tenant=account.tenant)
    assert sorted(mine.values_list("prompt", flat=True)) == sorted(good)
    assert account.wallet.held == PRICE * len(good)
    prove(account.tenant.pk)


def test_one_that_the_database_refuses_keeps_no_other_from_it(stack: Stack) -> None:
    """It is sent with the others, and what they have written before it is taken back."""
    account = open_account(stack)
    looks = [PAST_ALL_DATES if n % 5 == 0 else NOT_NOW for n in range(THREADS)]
    results = together([lambda look=look: begin(account, first_look=look) for look in looks])
    assert {type(error) for error in raised(results)} == {DataError}
    good = looks.count(NOT_NOW)
    assert (len(returned(results)), account.wallet.held) == (good, PRICE * good)
    assert Task.objects.filter(tenant=account.tenant).count() == good
    prove(account.tenant.pk)


def test_many_are_taken_at_once(stack: Stack) -> None:
    account = open_account(stack)
    ids = [begin(account) for _ in range(THREADS)]
    results = together([lambda task=task: accept(task, f"up-{task}") for task in ids])
    assert raised(results) == []
    names = Task.objects.filter(pk__in=ids).values_list("pk", "upstream_id", "status")
    assert set(names) == {(task, f"up-{task}", "SUBMITTED") for task in ids}
    outcomes = Attempt.objects.filter(task__in=ids).values_list("outcome", flat=True)
    assert set(outcomes) == {"accepted"}
    prove(account.tenant.pk)
