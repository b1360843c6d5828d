"""An operator gives the price of a task back: wallet, key and usage go back together."""

from datetime import date
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction

from billing import ledger
from billing.errors import NothingCaptured, Overdrawn, RefundRefused
from billing.models import Entry, Token, Wallet
from relay import lifecycle
from relay.models import Task
from relay.operators import refunds
from tests.accounts import Account
from tests.faults.place import accept, begin
from tests.proofs import prove
from tests.races.updates import failure, success

HELD = ("hold", "0.00", "0.10")
PAID = ("capture", "-0.10", "-0.10")


def started(account: Account) -> Task:
    task_id = begin(account)
    accept(task_id, f"up-{task_id}")
    return Task.objects.get(pk=task_id)


def drawn(account: Account) -> Task:
    task = started(account)
    assert lifecycle.apply(task, success(task))
    return task


def refund(task: Task, amount: int | None = None, **fields: Any) -> int:
    return refunds.refund(task, amount=amount, **{"actor": "bob", "memo": "spoilt"} | fields)


def key(account: Account) -> tuple[int, ...]:
    """What its key has used in all, this day, week and month."""
    token = Token.objects.get(pk=account.token.pk)
    return token.spent, token.day_used, token.week_used, token.month_used


def test_the_whole_price(bystander: Account) -> None:
    task = drawn(bystander)
    assert key(bystander) == (100_000,) * 4
    assert refund(task) == 100_000
    assert bystander.entries(str(task.pk)) == [HELD, PAID, ("refund", "0.10", "0.00")]
    assert bystander.funds == ("100.00", "0.00")
    assert key(bystander) == (0,) * 4
    entry = Entry.objects.get(reference=str(task.pk), kind="refund")
    assert (entry.actor, entry.memo, entry.token_id) == ("bob", "spoilt", bystander.token.pk)
    assert (entry.price_name, entry.mode, entry.channel) == (
        "mj_imagine",
        "fast",
        bystander.channel.pk,
    )


def test_parts_and_then_the_rest(bystander: Account) -> None:
    task = drawn(bystander)
    assert refund(task, 30_000) == 30_000
    assert key(bystander) == (70_000,) * 4
    assert refund(task, 20_000, refunded_before=30_000) == 20_000
    with pytest.raises(RefundRefused, match="meanwhile"):
        refund(task, 20_000, refunded_before=30_000)
    with pytest.raises(RefundRefused, match="at most what is left"):
        refund(task, 50_001)
    assert refund(task) == 50_000
    for amount in (None, 1):
        with pytest.raises(RefundRefused):
            refund(task, amount)
    assert bystander.funds == ("100.00", "0.00")


@pytest.mark.parametrize("amount", [0, -1, 100_001, 2**63, -(2**63)])
def test_more_than_was_paid_or_nothing(bystander: Account, amount: int) -> None:
    task = drawn(bystander)
    with pytest.raises(RefundRefused):
        refund(task, amount)
    assert bystander.funds == ("99.90", "0.00")


def test_what_was_never_paid_has_no_refund(bystander: Account) -> None:
    running, failed, cancelled = (started(bystander) for _ in range(3))
    assert lifecycle.apply(failed, failure(failed))
    assert lifecycle.fail(cancelled, "cancelled")
    for task in (running, failed, cancelled):
        with pytest.raises(NothingCaptured, match=str(task.pk)):
            refund(task)
    assert bystander.funds == ("100.00", "0.10")


def test_a_refund_needs_somebody_who_gives_it(bystander: Account) -> None:
    with pytest.raises(ValueError, match="somebody"):
        refund(drawn(bystander), actor="")


def test_a_later_refund_leaves_the_counters_of_later_days_alone(bystander: Account) -> None:
    """They have begun anew since the task was paid."""
    task = drawn(bystander)
    later = date(2100, 1, 1)
    fresh = {f"{period}_began": later for period in Token.PERIODS}
    fresh |= {f"{period}_used": 7 for period in Token.PERIODS}
    Token.objects.filter(pk=bystander.token.pk).update(**fresh)
    refund(task)
    assert key(bystander) == (0, 7, 7, 7)


def test_what_the_key_cannot_take_the_wallet_does_not_get(bystander: Account) -> None:
    """The books of the key are spoilt by hand: all of the refund is refused, not half of it."""
    task = drawn(bystander)
    Token.objects.filter(pk=bystander.token.pk).update(day_used=0)
    with pytest.raises(IntegrityError, match="token_used_is_not_negative"), transaction.atomic():
        refund(task)
    assert bystander.entries(str(task.pk)) == [HELD, PAID]
    assert bystander.funds == ("99.90", "0.00")
    assert key(bystander) == (100_000, 0, 100_000, 100_000)


def test_a_refund_raises_what_the_key_may_still_spend(bystander: Account) -> None:
    caller = bystander.new_key(budget="0.10")
    task = drawn(caller)
    with pytest.raises(Exception, match="budget"):
        begin(caller)
    refund(task)
    assert begin(caller)


def test_the_tenant_sees_the_refund(account: Account) -> None:
    """Of a drawing by the running product, at the contract's routes."""
    task_id = account.draw()
    account.finish(task_id)
    before = account.request("GET", "/v1/dashboard/billing/usage").json()
    refund(Task.objects.get(pk=int(task_id)), 40_000)
    after = account.request("GET", "/v1/dashboard/billing/usage").json()
    assert (before["total_usage"], after["total_usage"]) == (10, 6)
    funds = account.request("GET", "/api/usage/token").json()["data"]
    assert (funds["total_used"], funds["total_available"]) == (30_000, 49_970_000)
    prove(account.tenant.pk)


# -- commands --------------------------------------------------------------------------------


def test_a_refund_from_the_command_line(
    bystander: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    task = drawn(bystander)
    call_command("refund", str(task.pk), amount="0.04", memo="spoilt")
    assert capsys.readouterr().out == f"0.04 went back to {bystander.tenant}\n"
    call_command("refund", str(task.pk), memo="spoilt")
    for number, options in (
        (str(task.pk), {}),
        (str(task.pk), {"amount": "NaN"}),
        ("5", {}),
        (str(10**40), {}),
    ):
        with pytest.raises(CommandError):
            call_command("refund", number, memo="spoilt", **options)
    assert bystander.funds == ("100.00", "0.00")


def test_a_correction_from_the_command_line(
    bystander: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    name = bystander.tenant.name
    call_command("adjust", name, "-2.50", f"matter 1 of {name}", memo="counted twice", actor="bob")
    assert capsys.readouterr().out == "balance 97.50\n"
    entry = Entry.objects.get(reference=f"matter 1 of {name}")
    assert (entry.kind, entry.actor, entry.memo) == ("adjust", "bob", "counted twice")
    for amount, reference, memo in (
        ("-2.50", f"matter 1 of {name}", "again"),
        ("0", "matter 2", "nothing"),
        ("-97.51", "matter 2", "more than is there"),
        ("1e30", "matter 2", "absurd"),
        ("1", "matter 2", " "),
        ("1", "code-7", "the relay's own"),
        ("1", "x" * 65, "too long"),
        ("1", "matter 2", "x" * 201),
    ):
        with pytest.raises(CommandError), transaction.atomic():
            call_command("adjust", name, amount, reference, memo=memo)
    with pytest.raises(CommandError, match="no tenant"):
        call_command("adjust", "nobody at all", "1", "matter 2", memo="x")
    assert bystander.funds == ("97.50", "0.00")


def test_a_credit_limit_from_the_command_line(
    bystander: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    name = bystander.tenant.name
    call_command("set_credit", name, "20", actor="bob")
    assert "may go down to -20.00" in capsys.readouterr().out
    call_command("adjust", name, "-120", f"all of {name}", memo="all")
    for amount in ("19.99", "-1", "much", "1e30"):
        with pytest.raises(CommandError):
            call_command("set_credit", name, amount)
    assert (bystander.wallet.available, bystander.funds[0]) == (0, "-20.00")
    entry = Entry.objects.filter(wallet=bystander.wallet, memo__startswith="credit").get()
    assert (entry.kind, entry.amount, entry.actor) == ("adjust", 0, "bob")


def test_a_bought_balance_has_no_name_of_the_relays_own(bystander: Account) -> None:
    """Otherwise the code or order of that name could never be booked."""
    for reference in ("code-7", "topup-7", "credit-limit-7", "test-money-7", "", "a\x00"):
        with pytest.raises(CommandError, match="reference"):
            call_command("topup", bystander.tenant.name, "1", reference)
    assert bystander.funds == ("100.00", "0.00")


def test_a_held_price_cannot_be_corrected_away(bystander: Account) -> None:
    begin(bystander)
    take: dict[str, Any] = {"actor": "bob", "memo": "all", "reference": "all"}
    with pytest.raises(Overdrawn):
        ledger.adjust(tenant_id=bystander.tenant.pk, amount=-100_000_000, **take)
    ledger.adjust(tenant_id=bystander.tenant.pk, amount=-99_900_000, **take)
    assert Wallet.objects.live(bystander.tenant.pk).available == 0
