"""Holds, ends, refunds, limits and corrections of one wallet, all at the same moment."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError

from billing import ledger, money, tokens
from billing.errors import (
    BillingError,
    ConcurrencyLimited,
    InvalidKey,
    NothingCaptured,
    Overdrawn,
    QuotaNotEnough,
    RefundRefused,
)
from billing.models import Token, Wallet
from tests.accounts import Account, open_tenant
from tests.ledger import hold
from tests.proofs import prove_money
from tests.races.together import raised, returned, together

PRICE = 100_000
FUNDS = 100_000_000


@pytest.fixture
def account(bystander: Account) -> Iterator[Account]:
    yield bystander
    prove_money()


def paid(account: Account) -> str:
    """A captured task's reference."""
    reference = hold(account)
    ledger.capture(reference=reference, amount=PRICE)
    return reference


def refund(reference: str, amount: int | None = None, **fields: Any) -> Callable[[], int]:
    return lambda: ledger.refund(
        reference=reference, amount=amount, actor="test", memo="spoilt", **fields
    )


def set_key(account: Account, **fields: Any) -> None:
    Token.objects.filter(pk=account.token.pk).update(**fields)


def totals(account: Account) -> tuple[int, ...]:
    """Of the key: held, spent, under way, used of the day, week and month."""
    token = Token.objects.get(pk=account.token.pk)
    used = (token.day_used, token.week_used, token.month_used)
    return (token.held, token.spent, token.open_holds, *used)


def only(results: list[Any], *kinds: type[Exception]) -> list[Any]:
    """What was done; each of the others was refused in one of these words."""
    assert all(isinstance(error, kinds) for error in raised(results)), raised(results)
    return returned(results)


# -- Refunds ---------------------------------------------------------------------------------------


def test_of_many_refunds_of_a_whole_payment_one_is_made(account: Account) -> None:
    reference = paid(account)
    assert only(together([refund(reference)] * 12), RefundRefused) == [PRICE]
    assert account.funds == ("100.00", "0.00")
    assert totals(account) == (0, 0, 0, 0, 0, 0)


def test_refunds_of_parts_come_to_no_more_than_was_paid(account: Account) -> None:
    reference = paid(account)
    parts = [refund(reference, amount) for amount in (30_000, 40_000, 50_000) * 4]
    random.shuffle(parts)
    given = sum(only(together(parts), RefundRefused))
    # As long as the smallest part fits, somebody gets it.
    assert PRICE - 30_000 < given <= PRICE
    assert account.wallet.balance == FUNDS - PRICE + given
    assert totals(account) == (0, PRICE - given, 0, *[PRICE - given] * 3)


def test_a_form_that_is_sent_twice_refunds_once(account: Account) -> None:
    reference = paid(account)
    sent = together([refund(reference, 10_000, refunded_before=0)] * 8)
    assert only(sent, RefundRefused) == [10_000]
    assert refund(reference, 10_000, refunded_before=10_000)() == 10_000
    assert account.wallet.balance == FUNDS - PRICE + 20_000


def test_a_refund_and_the_capture_it_is_of(account: Account) -> None:
    """Before the capture there is nothing to give back, after it everything."""
    reference = hold(account)
    results = together(
        [lambda: ledger.capture(reference=reference, amount=PRICE), *[refund(reference)] * 6]
    )
    given = only(results[1:], NothingCaptured, RefundRefused)
    assert given in ([], [PRICE])
    assert account.wallet.balance == FUNDS - PRICE + sum(given)


@pytest.mark.parametrize("amount", [0, -1, PRICE + 1, 2**63])
def test_a_refund_of_another_amount_is_refused(account: Account, amount: int) -> None:
    reference = paid(account)
    with pytest.raises(RefundRefused):
        refund(reference, amount)()
    assert account.funds == ("99.90", "0.00")


def test_what_was_given_back_or_never_paid_has_no_refund(account: Account) -> None:
    released = hold(account)
    ledger.release(reference=released)
    for reference in (released, hold(account), "no such task"):
        with pytest.raises(NothingCaptured):
            refund(reference)()


def test_a_refund_of_a_key_that_is_disabled_by_now(account: Account) -> None:
    reference, is_open = paid(account), hold(account)
    set_key(account, is_active=False)
    refund(reference, 40_000)()
    ledger.capture(reference=is_open, amount=PRICE)
    assert totals(account) == (0, 160_000, 0, *[160_000] * 3)
    with pytest.raises(InvalidKey):
        hold(account)


# -- Limits ----------------------------------------------------------------------------------------


def test_a_credit_limit_is_lowered_while_it_is_used(account: Account) -> None:
    """Either the holds fit, or the limit stays."""
    ledger.set_credit_limit(tenant_id=account.tenant.pk, credit_limit=10 * PRICE, actor="test")
    Wallet.objects.filter(pk=account.wallet.pk)
    ledger.adjust(
        tenant_id=account.tenant.pk,
        amount=-FUNDS,
        reference=f"empty {account.tenant.name}",
        actor="test",
        memo="empty",
    )

    def lower() -> None:
        ledger.set_credit_limit(tenant_id=account.tenant.pk, credit_limit=5 * PRICE, actor="test")

    results = together([lambda: hold(account)] * 15 + [lower] * 3)
    only(results, QuotaNotEnough, Overdrawn)
    held = account.wallet.held // PRICE
    assert (held, account.wallet.credit_limit // PRICE) in [(10, 10), (5, 5)]
    with pytest.raises(Overdrawn):
        ledger.set_credit_limit(tenant_id=account.tenant.pk, credit_limit=PRICE, actor="test")


def test_corrections_take_nothing_that_is_held(account: Account) -> None:
    numbers = iter(range(10))

    def take() -> None:
        ledger.adjust(
            tenant_id=account.tenant.pk,
            amount=-30_000_000,
            reference=f"correction {next(numbers)} of {account.tenant.name}",
            actor="test",
            memo="booked by mistake",
        )

    results = together([take] * 5 + [lambda: hold(account, price=7_000_000)] * 10)
    only(results, QuotaNotEnough, Overdrawn)
    assert account.wallet.available >= 0


@pytest.mark.parametrize("whose", ["key_concurrency", "tenant_concurrency"])
def test_no_more_are_under_way_than_may_be(account: Account, whose: str) -> None:
    results = together([lambda: hold(account, **{whose: 4})] * 16)
    done = only(results, ConcurrencyLimited)
    assert len(done) == 4
    ledger.release(reference=done[0])
    again = together([lambda: hold(account, **{whose: 4})] * 4)
    assert len(only(again, ConcurrencyLimited)) == 1
    assert account.wallet.open_holds == totals(account)[2] == 4


@pytest.mark.parametrize("budget", ["budget", "day_budget", "week_budget", "month_budget"])
def test_a_budget_is_never_passed(account: Account, budget: str) -> None:
    """While ends give room again and the operator moves the limit."""
    set_key(account, **{budget: 6 * PRICE})
    done = only(together([lambda: hold(account)] * 14), QuotaNotEnough)
    assert len(done) == 6

    def raise_it() -> None:
        set_key(account, **{budget: 8 * PRICE})

    ends = [lambda reference=reference: ledger.release(reference=reference) for reference in done]
    results = together([*ends[:3], raise_it, *[lambda: hold(account)] * 14])
    only(results, QuotaNotEnough)
    assert totals(account)[0] <= 8 * PRICE
    with_room = totals(account)[0] // PRICE
    assert len(only([_try(account) for _ in range(9)], QuotaNotEnough)) == 8 - with_room


def _try(account: Account) -> Any:
    try:
        return hold(account)
    except BillingError as no:
        return no


def test_a_free_drawing_needs_neither_money_nor_budget(account: Account) -> None:
    tenant, token, key = open_tenant(funds="0")
    poor = Account(account.stack, tenant, token, key, account.channel)
    set_key(poor, budget=0, day_budget=0, week_budget=0, month_budget=0)
    reference = hold(poor, price=0)
    assert (poor.wallet.held, poor.wallet.open_holds) == (0, 1)
    ledger.capture(reference=reference, amount=0)
    with pytest.raises(RefundRefused):
        refund(reference)()
    ledger.release(reference=hold(poor, price=0))
    assert poor.entries() == [
        ("hold", "0.00", "0.00"),
        ("capture", "0.00", "0.00"),
        ("hold", "0.00", "0.00"),
        ("release", "0.00", "0.00"),
    ]
    assert totals(poor) == (0, 0, 0, 0, 0, 0)


# -- Wrong wallets, wrong amounts ------------------------------------------------------------------


def test_a_key_pays_from_its_own_wallet_only(account: Account) -> None:
    """Whatever a mistake elsewhere makes of the parameters."""
    stranger = open_tenant()[0]
    test_token, _ = tokens.make(tenant=account.tenant, name="test", is_test=True)
    live, test = (
        Wallet.objects.get(tenant=account.tenant, is_test=is_test) for is_test in (False, True)
    )
    wrong = [
        {"wallet_id": Wallet.objects.live(stranger.pk).pk},
        {"wallet_id": test.pk},
        {"wallet_id": 2**40},
        {"token_id": test_token.pk, "wallet_id": live.pk},
        {"token_id": 2**40},
    ]
    for params in wrong:
        with pytest.raises(QuotaNotEnough):
            hold(account, **params)
    assert account.entries() == [("topup", "100.00", "0.00")]
    hold(account, token_id=test_token.pk, wallet_id=test.pk)
    assert account.funds == ("100.00", "0.00")


@pytest.mark.parametrize("price", [money.LARGEST, 2**63 - 1])
def test_a_huge_price_is_too_much_for_any_wallet(account: Account, price: int) -> None:
    ledger.set_credit_limit(
        tenant_id=account.tenant.pk, credit_limit=money.LARGEST - FUNDS - 1, actor="test"
    )
    with pytest.raises(QuotaNotEnough):
        hold(account, price=price)
    assert account.wallet.held == 0


@pytest.mark.parametrize("amount", [money.LARGEST + 1, 2**63 - 1, 2**80])
def test_absurd_amounts_are_refused(account: Account, amount: int) -> None:
    """A limit that leaves no room for a payment would lose it."""
    whose = {"tenant_id": account.tenant.pk, "actor": "test"}
    with pytest.raises(ValueError, match="absurdly"):
        ledger.set_credit_limit(credit_limit=amount, **whose)
    with pytest.raises(ValueError, match="absurdly"):
        ledger.topup(amount=amount, reference=f"absurd {amount}", **whose)
    for sign in (1, -1):
        with pytest.raises(ValueError, match="absurdly"):
            ledger.adjust(amount=sign * amount, reference=f"{amount}", memo="oops", **whose)


def test_the_largest_amounts_together_leave_room_for_a_payment(account: Account) -> None:
    whose = {"tenant_id": account.tenant.pk, "actor": "test"}
    ledger.set_credit_limit(credit_limit=money.LARGEST, **whose)
    for number in range(3):
        ledger.topup(
            amount=money.LARGEST, reference=f"rich {number} {account.tenant.name}", **whose
        )
    reference = hold(account, price=money.LARGEST)
    with pytest.raises(DatabaseError):
        ledger.capture(reference=reference, amount=money.LARGEST + 1)
    ledger.capture(reference=reference, amount=money.LARGEST)
    assert account.wallet.balance == FUNDS + 2 * money.LARGEST
