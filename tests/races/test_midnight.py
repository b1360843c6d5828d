"""Budgets of a day, a week and a month, where one of them ends while money moves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from billing import ledger
from billing.errors import QuotaNotEnough
from billing.models import Entry, Token, Wallet
from common import sql
from tests import clock
from tests.accounts import Account
from tests.clock import clock_at, set_clock
from tests.ledger import hold
from tests.proofs import prove_money
from tests.races.waiting import Waiting

PRICE = 100_000
SECOND = timedelta(seconds=1)
# Where a day, a week and a month end at once.
MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)
BEFORE, AFTER = MIDNIGHT - SECOND, MIDNIGHT + SECOND


@pytest.fixture
def account(bystander: Account) -> Iterator[Account]:
    clock.install()
    yield bystander
    prove_money(bystander.tenant.pk)
    connection.close()


def used(account: Account) -> tuple[int, int, int]:
    """Of day, week and month, in prices."""
    token = Token.objects.get(pk=account.token.pk)
    return token.day_used // PRICE, token.week_used // PRICE, token.month_used // PRICE


def lock(account: Account) -> None:
    """The wallet, and its holds' turn before it: in the order in which a hold takes them."""
    sql.fetch_one("SELECT pg_advisory_xact_lock(%s)", (account.wallet.pk,))
    Wallet.objects.select_for_update().get(pk=account.wallet.pk)


def set_budgets(account: Account, **budgets: int) -> None:
    Token.objects.filter(pk=account.token.pk).update(**budgets)


def test_a_hold_counts_in_the_period_that_its_entry_shows(account: Account) -> None:
    """Its transaction began before midnight, its statement came after."""
    with clock_at(AFTER, began=BEFORE):
        late = hold(account)
    assert Entry.objects.get(reference=late).created_at == AFTER
    with clock_at(AFTER):
        following = hold(account)
        assert used(account) == (2, 2, 2)
        ledger.release(reference=late)
        assert used(account) == (1, 1, 1)
        ledger.release(reference=following)
    assert used(account) == (0, 0, 0)


def test_a_slow_transaction_over_midnight_can_be_ended(account: Account) -> None:
    """What is given back must never be more than what the new day has used."""
    with clock_at(BEFORE):
        yesterday = hold(account)
    with clock_at(AFTER, began=BEFORE):
        dear = hold(account, price=5 * PRICE)
    with clock_at(AFTER):
        hold(account)
        ledger.release(reference=dear)
        ledger.release(reference=yesterday)
    assert used(account) == (1, 1, 1)


def test_a_hold_that_waited_over_midnight_is_not_counted_in_the_new_day(account: Account) -> None:
    """It came before midnight and got the wallet after one that came later: its day is over."""

    early: list[str] = []

    def come_before() -> None:
        with clock_at(BEFORE):
            early.append(hold(account))

    with transaction.atomic():
        lock(account)
        other = Waiting(come_before)
        set_clock(AFTER)
        late = hold(account, price=2 * PRICE)
    other.result()
    assert used(account) == (2, 2, 2)
    with clock_at(AFTER):
        ledger.release(reference=early[0])
        assert used(account) == (2, 2, 2)
        ledger.capture(reference=late, amount=PRICE)
    assert used(account) == (1, 1, 1)


def test_a_release_that_waited_over_midnight_gives_nothing_to_the_new_day(
    account: Account,
) -> None:
    with clock_at(BEFORE):
        early = hold(account)

    def come_before() -> None:
        with clock_at(BEFORE):
            ledger.release(reference=early)

    with transaction.atomic():
        lock(account)
        other = Waiting(come_before)
        set_clock(AFTER)
        hold(account)
    other.result()
    assert used(account) == (1, 1, 1)


@pytest.mark.parametrize("period", Token.PERIODS)
def test_a_budget_is_whole_again_when_its_period_ends(account: Account, period: str) -> None:
    set_budgets(account, **{f"{period}_budget": 2 * PRICE})
    with clock_at(BEFORE):
        one = hold(account)
        two = hold(account)
        with pytest.raises(QuotaNotEnough, match="budget"):
            hold(account)
        ledger.release(reference=two)
        hold(account)
    with clock_at(AFTER):
        # What was held yesterday is yesterday's, whenever it comes back.
        ledger.release(reference=one)
        hold(account)
        hold(account)
        with pytest.raises(QuotaNotEnough, match="budget"):
            hold(account)


def test_a_refund_is_given_back_to_the_periods_of_its_hold(account: Account) -> None:
    """A day later the week and the month of the hold go on."""
    a_friday = datetime(2026, 5, 22, 12, tzinfo=UTC)
    with clock_at(a_friday):
        friday = hold(account)
        ledger.capture(reference=friday, amount=PRICE)
    with clock_at(a_friday + timedelta(days=1)):
        saturday = hold(account)
        ledger.refund(reference=friday, amount=None, actor="test", memo="spoilt")
    assert used(account) == (1, 1, 1)
    with clock_at(a_friday + timedelta(days=3)):
        hold(account)
        assert used(account) == (1, 1, 2)
        ledger.capture(reference=saturday, amount=PRICE)
        ledger.refund(reference=saturday, amount=PRICE // 4, actor="test", memo="spoilt")
        token = Token.objects.get(pk=account.token.pk)
    assert (token.day_used, token.week_used, token.month_used) == (PRICE, PRICE, 175_000)


def test_a_clock_that_goes_back_breaks_no_end(account: Account) -> None:
    """Another server has taken over, whose clock is behind."""
    with clock_at(AFTER):
        after = hold(account)
    with clock_at(BEFORE):
        before = hold(account)
        ledger.release(reference=after)
        ledger.capture(reference=before, amount=PRICE)
    assert used(account) == (0, 0, 0)
