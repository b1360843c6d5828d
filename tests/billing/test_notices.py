"""Low balances: told once for each time they fall, for the lowest threshold, in every way."""

from pathlib import Path

import pytest

from billing import ledger, money, notices, tenants
from billing.models import Delivery, LowBalance, Notice, Tenant
from billing.money import to_micro
from tests.accounts import Account, open_account, open_tenant
from tests.faults.place import begin
from tests.races.together import raised, together
from tests.stack import Stack, wait_until


@pytest.fixture
def tenant(database: str) -> Tenant:
    """With 10.00, told below 5.00 and below 1.00."""
    tenant, *_ = open_tenant(funds="10")
    watch(tenant, "5", "1")
    return tenant


def watch(tenant: Tenant, *amounts: str) -> None:
    notices.set_thresholds(tenant, [to_micro(amount) for amount in amounts])


def move(tenant: Tenant, amount: str) -> None:
    number = Notice.objects.count()
    reference = f"{tenant.name} {amount} {number}"
    ledger.adjust(
        tenant_id=tenant.pk, amount=to_micro(amount), reference=reference, actor="t", memo="t"
    )


def settled(tenant: Tenant) -> bool:
    """Every threshold says where the balance is. (A running stack checks balances, too; while it
    does, nobody else can.)"""
    notices.check_balances()
    wallet = tenant.wallet_set.get(is_test=False)
    return all(
        row.is_below == (wallet.available < row.amount)
        for row in LowBalance.objects.filter(tenant=tenant)
    )


def told(tenant: Tenant) -> list[tuple[str, str]]:
    """(threshold, what was left) of the notices so far."""
    wait_until(lambda: settled(tenant), what="the check of the balances")
    rows = Notice.objects.filter(tenant=tenant, kind="balance.low").order_by("id")
    return [(row.data["threshold"], row.data["available"]) for row in rows]


def test_a_fall_is_told_once(tenant: Tenant) -> None:
    assert told(tenant) == []
    move(tenant, "-5")
    assert told(tenant) == []
    move(tenant, "-0.01")
    assert told(tenant) == [("5.00", "4.99")]
    move(tenant, "-3")
    assert told(tenant) == [("5.00", "4.99")]
    move(tenant, "-1.5")
    assert told(tenant) == [("5.00", "4.99"), ("1.00", "0.49")]


def test_who_has_recovered_is_told_of_the_next_fall(tenant: Tenant) -> None:
    move(tenant, "-6")
    assert len(told(tenant)) == 1
    move(tenant, "0.99")
    assert len(told(tenant)) == 1
    move(tenant, "0.01")
    assert len(told(tenant)) == 1
    move(tenant, "-0.50")
    assert told(tenant) == [("5.00", "4.00"), ("5.00", "4.50")]


def test_of_several_thresholds_at_once_the_lowest_is_told(tenant: Tenant) -> None:
    move(tenant, "-9.20")
    assert told(tenant) == [("1.00", "0.80")]
    move(tenant, "1")
    assert len(told(tenant)) == 1
    move(tenant, "-1")
    assert told(tenant) == [("1.00", "0.80")] * 2


def test_many_checks_at_once_tell_once(tenant: Tenant) -> None:
    move(tenant, "-6")
    assert raised(together([notices.check_balances] * 12)) == []
    assert told(tenant) == [("5.00", "4.00")]


def test_what_is_held_counts_as_spent(database: str, tmp_path: Path) -> None:
    account: Account = open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1), funds="1")
    watch(account.tenant, "0.95")
    reference = str(begin(account))
    assert told(account.tenant) == [("0.95", "0.90")]
    ledger.release(reference=reference)
    assert len(told(account.tenant)) == 1
    assert not LowBalance.objects.get(tenant=account.tenant).is_below


def test_credit_can_be_spent(tenant: Tenant) -> None:
    ledger.set_credit_limit(tenant_id=tenant.pk, credit_limit=to_micro("20"), actor="test")
    move(tenant, "-12")
    assert told(tenant) == []
    move(tenant, "-15")
    assert told(tenant) == [("5.00", "3.00")]


def test_test_money_is_not_watched(tenant: Tenant) -> None:
    tenants.open_test_wallet(tenant)
    move(tenant, "-6")
    assert told(tenant) == [("5.00", "4.00")]


def test_without_thresholds_nothing_is_told(database: str) -> None:
    tenant, *_ = open_tenant(funds="0")
    assert told(tenant) == []


def test_a_threshold_that_stays_keeps_its_state(tenant: Tenant) -> None:
    move(tenant, "-6")
    assert len(told(tenant)) == 1
    watch(tenant, "5", "4.5")
    assert told(tenant) == [("5.00", "4.00"), ("4.50", "4.00")]
    watch(tenant)
    assert not LowBalance.objects.filter(tenant=tenant).exists()


@pytest.mark.parametrize("amounts", [[0], [-1], [money.LARGEST + 1], range(1, 22)])
def test_senseless_thresholds_are_refused(tenant: Tenant, amounts: list[int]) -> None:
    with pytest.raises(ValueError, match="threshold"):
        notices.set_thresholds(tenant, amounts)
    assert LowBalance.objects.filter(tenant=tenant).count() == 2


def test_a_notice_goes_every_way(bystander: Account) -> None:
    tenant = bystander.tenant
    tenant.notice_mails = ["a@shop.example", "b@shop.example", "a@shop.example"]
    tenant.notice_hook = "https://shop.example/notices"
    notice = notices.raise_notice(
        tenant=tenant,
        kind="test.word",
        subject="two\r\nlines " + "x" * 300,
        text="a nul: \x00",
        data={},
    )
    assert [(row.way, row.address) for row in Delivery.objects.filter(notice=notice)] == [
        ("mail", "a@shop.example"),
        ("mail", "b@shop.example"),
        ("hook", "https://shop.example/notices"),
    ]
    assert notice.subject.startswith("two lines xxx")
    assert len(notice.subject) == 200
    assert notice.text == "a nul: "
