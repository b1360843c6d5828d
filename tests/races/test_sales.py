"""Money that comes in, by many at once: a code is good once, an order is credited once."""

import random

import pytest
from django.db import Error, connection, transaction

from billing import codes, money, topups
from billing.errors import CodeRefused, RefundRefused, TopUpRefused
from billing.models import RedemptionCode, TopUp
from billing.providers.base import Outcome, Payment
from relay import lifecycle
from relay.models import Task
from relay.operators import refunds
from tests.accounts import Account, open_tenant
from tests.faults.place import accept, begin
from tests.proofs import prove, prove_money
from tests.races.together import raised, returned, together
from tests.races.updates import success

THREADS = 20


def make_code() -> str:
    _, (code,) = codes.make(name="race", count=1, amount=5_000_000, expires_at=None, actor="test")
    return code


def make_order(account: Account) -> TopUp:
    return TopUp.objects.create(
        number=f"{random.getrandbits(96):024x}",
        tenant=account.tenant,
        provider="epay",
        amount=10_000_000,
        pay_amount=7200,
        pay_currency="CNY",
    )


def paid(order: TopUp, amount: int = 7200) -> Payment:
    return Payment(
        number=order.number, reference="r", amount=amount, currency="CNY", outcome=Outcome.PAID
    )


@pytest.mark.parametrize("round_", range(3))
def test_one_code_by_many_threads_and_tenants_is_redeemed_once(
    bystander: Account, round_: int
) -> None:
    code = make_code()
    tenants = [bystander.tenant, open_tenant(funds="100")[0]]
    calls = [
        lambda t=tenants[number % 2]: codes.redeem(code, tenant=t, actor="test")
        for number in range(THREADS)
    ]
    results = together(calls)
    assert returned(results) == [5_000_000]
    assert all(isinstance(error, CodeRefused) for error in raised(results))
    balances = [tenant.wallet_set.get().balance for tenant in tenants]
    assert sorted(balances) == [100_000_000, 105_000_000]
    prove_money(*(tenant.pk for tenant in tenants))


def test_a_code_that_is_just_being_disabled(bystander: Account) -> None:
    """It is redeemed or it is disabled, never both, and the money says which."""
    code = make_code()
    row = RedemptionCode.objects.latest("id")
    results = together(
        [lambda: codes.redeem(code, tenant=bystander.tenant, actor="test")] * 5
        + [lambda: codes.disable(row)] * 5
    )
    row.refresh_from_db()
    is_redeemed = row.redeemed_at is not None
    assert row.is_active == is_redeemed
    assert results.count(5_000_000) == is_redeemed
    assert bystander.funds[0] == ("105.00" if is_redeemed else "100.00")


def test_one_order_told_by_many_threads_is_credited_once(bystander: Account) -> None:
    order = make_order(bystander)
    results = together([lambda: topups.pay(paid(order), provider="epay")] * THREADS)
    assert results == ["paid"] * THREADS
    assert bystander.funds[0] == "110.00"
    prove_money(bystander.tenant.pk)


@pytest.mark.parametrize("round_", range(3))
def test_right_and_wrong_news_settling_and_closing_at_once_credit_once(
    bystander: Account, round_: int
) -> None:
    order = make_order(bystander)
    topups.pay(paid(order, amount=1), provider="epay")
    calls = [
        *[lambda: topups.pay(paid(order), provider="epay")] * 5,
        *[lambda: topups.pay(paid(order, amount=1), provider="epay")] * 5,
        *[lambda: settle(order)] * 5,
        *[lambda: dismiss(order)] * 2,
    ]
    random.shuffle(calls)
    results = together(calls)
    assert all(isinstance(error, TopUpRefused) for error in raised(results))
    order.refresh_from_db()
    assert order.state == "paid"
    assert bystander.funds[0] == money.text(100_000_000 + order.amount)
    assert len(bystander.entries(f"topup-{order.number}")) == 1
    prove_money(bystander.tenant.pk)


def test_a_process_that_dies_between_the_state_and_the_money(bystander: Account) -> None:
    """The connection is cut before the commit: neither is there, and the next telling does both."""
    order = make_order(bystander)
    code = make_code()

    def die() -> None:
        with transaction.atomic():
            topups.pay(paid(order), provider="epay")
            codes.redeem(code, tenant=bystander.tenant, actor="test")
            connection.connection.close()

    assert isinstance(together([die])[0], Error)
    order.refresh_from_db()
    assert (order.state, bystander.funds[0]) == ("pending", "100.00")
    assert topups.pay(paid(order), provider="epay") == "paid"
    assert codes.redeem(code, tenant=bystander.tenant, actor="test") == 5_000_000
    assert bystander.funds[0] == "115.00"


def test_refunds_of_one_task_by_many_come_to_no_more_than_was_paid(bystander: Account) -> None:
    task = drawn(bystander)
    amounts = [30_000, 20_000, None, 100_000] * (THREADS // 4)
    random.shuffle(amounts)
    results = together(
        [lambda a=a: refunds.refund(task, amount=a, actor="bob", memo="spoilt") for a in amounts]
    )
    assert all(isinstance(error, RefundRefused) for error in raised(results))
    given = sum(returned(results))
    if given < 100_000:
        given += refunds.refund(task, amount=None, actor="bob", memo="spoilt")
    assert given == 100_000
    assert bystander.funds == ("100.00", "0.00")
    prove(bystander.tenant.pk)


def drawn(account: Account) -> Task:
    """A task that is finished and paid."""
    task_id = begin(account)
    accept(task_id, f"up-{task_id}")
    task = Task.objects.get(pk=task_id)
    assert lifecycle.apply(task, success(task))
    return task


def settle(order: TopUp) -> TopUp:
    return topups.settle(order.number, amount=7_000_000, actor="bob", memo="as paid")


def dismiss(order: TopUp) -> TopUp:
    return topups.dismiss(order.number, actor="bob", memo="sent back")
