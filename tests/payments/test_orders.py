"""Orders of balance: what is taken, what an operator decides, what is closed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import money, providers, topups
from billing.errors import OrderUnknown, ProviderOff, TopUpRefused
from billing.models import TopUp
from billing.providers.base import Outcome, Payment, minor_text, to_minor
from tests.payments.conftest import Shop
from tests.proofs import prove_money
from tests.stack import Stack, wait_until


def paid(order: TopUp, **changes: Any) -> Payment:
    """News that it is paid as ordered, but for the changes."""
    fields = {
        "number": order.number,
        "reference": "ref-1",
        "amount": order.pay_amount,
        "currency": order.pay_currency,
        "outcome": Outcome.PAID,
    }
    return Payment(**fields | changes)


def disputed(shop: Shop) -> TopUp:
    order, _ = shop.order("epay")
    assert topups.pay(paid(order, amount=1), provider="epay") == "disputed"
    return order


@pytest.mark.parametrize("amount", ["0.99", "0", "-1", "10000.01", "1.001", "9007199254"])
def test_an_order_of_a_size_that_is_not_sold(shop: Shop, amount: str) -> None:
    with pytest.raises(TopUpRefused):
        shop.order("epay", amount)
    assert not TopUp.objects.filter(tenant=shop.tenant).exists()


@pytest.mark.parametrize("amount", ["1", "10000"])
def test_the_least_and_the_most_that_is_sold(shop: Shop, amount: str) -> None:
    assert shop.order("epay", amount)[0].amount == money.to_micro(amount)


@pytest.mark.parametrize("name", ["paypal", "", "STRIPE", "x\x00"])
def test_a_payment_service_that_we_do_not_know(shop: Shop, name: str) -> None:
    with pytest.raises(ProviderOff):
        shop.order(name)


def test_what_is_offered_is_what_is_switched_on(shop: Shop, settings: Any) -> None:
    assert providers.offers() == [("stripe", []), ("epay", ["alipay", "wxpay"])]
    settings.STRIPE_WEBHOOK_SECRET = ""
    assert providers.offers() == [("epay", ["alipay", "wxpay"])]
    with pytest.raises(ProviderOff):
        shop.order("stripe")
    settings.EPAY_KEY = ""
    assert providers.offers() == []


def test_an_order_is_not_placed_inside_of_a_transaction(shop: Shop) -> None:
    """The payment service would know an order that may never have been."""
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        shop.order("epay")


def test_who_orders_and_never_pays_is_stopped(shop: Shop) -> None:
    orders = [shop.order("epay")[0] for _ in range(topups.PENDING_MAX)]
    with pytest.raises(TopUpRefused, match="unpaid"):
        shop.order("epay")
    topups.pay(paid(orders[0]), provider="epay")
    assert shop.order("epay")[0].state == "pending"


def test_an_unpaid_order_is_closed_and_a_late_payment_is_credited(shop: Shop) -> None:
    old, young, done = (shop.order("epay")[0] for _ in range(3))
    topups.pay(paid(done), provider="epay")
    a_day_ago = timezone.now() - topups.EXPIRY - timedelta(seconds=1)
    TopUp.objects.filter(pk__in=[old.pk, done.pk]).update(created_at=a_day_ago)
    topups.expire()
    assert [shop.state(order) for order in (old, young, done)] == ["expired", "pending", "paid"]
    assert topups.pay(paid(old, outcome=Outcome.WAITING), provider="epay") == "expired"
    assert topups.pay(paid(old), provider="epay") == "paid"
    assert shop.balance == "20.00"


def test_a_worker_closes_unpaid_orders(stack: Stack, shop: Shop) -> None:
    order, _ = shop.order("epay")
    two_days_ago = timezone.now() - 2 * topups.EXPIRY
    TopUp.objects.filter(pk=order.pk).update(created_at=two_days_ago)
    wait_until(lambda: shop.state(order) == "expired", what="the sweep")


def test_a_disputed_order_is_settled_by_hand_once(shop: Shop) -> None:
    order = disputed(shop)
    settled = topups.settle(order.number, amount=7_000_000, actor="bob", memo="paid 50.40 CNY")
    assert (settled.state, money.text(settled.amount)) == ("paid", "7.00")
    assert "7.00 credited by bob: paid 50.40 CNY" in settled.note
    assert shop.entries == [("topup", f"topup-{order.number}", "7.00")]
    with pytest.raises(TopUpRefused, match="not disputed"):
        topups.settle(order.number, amount=7_000_000, actor="bob", memo="again")
    assert topups.pay(paid(order, amount=1), provider="epay") == "paid"
    assert shop.balance == "7.00"
    prove_money(shop.tenant.pk)


def test_a_disputed_order_is_dismissed(shop: Shop) -> None:
    order = disputed(shop)
    dismissed = topups.dismiss(order.number, actor="bob", memo="money sent back")
    assert (dismissed.state, shop.entries) == ("expired", [])
    with pytest.raises(TopUpRefused):
        topups.dismiss(order.number, actor="bob", memo="again")


def test_the_right_payment_after_a_wrong_one_is_credited(shop: Shop) -> None:
    order = disputed(shop)
    assert topups.pay(paid(order, reference="ref-2"), provider="epay") == "paid"
    assert shop.balance == "10.00"


def test_only_a_disputed_order_is_settled(shop: Shop) -> None:
    order, _ = shop.order("epay")
    with pytest.raises(TopUpRefused, match="not disputed"):
        topups.settle(order.number, amount=1, actor="bob", memo="x")
    with pytest.raises(OrderUnknown):
        topups.settle("x\x00", amount=1, actor="bob", memo="x")
    for wrong in (
        {"amount": 0},
        {"amount": -1},
        {"amount": 2**60},
        {"memo": " "},
        {"memo": "x" * 201},
        {"memo": "\x00"},
        {"actor": ""},
    ):
        fields = {"amount": 1, "actor": "bob", "memo": "x"} | wrong
        with pytest.raises(TopUpRefused):
            topups.settle(disputed(shop).number, **fields)
    assert shop.entries == []


def test_a_crash_while_crediting_leaves_the_order_unpaid(shop: Shop) -> None:
    """The ledger refuses the second half; the first is taken back with it."""
    order, _ = shop.order("epay")
    TopUp.objects.filter(pk=order.pk).update(amount=2**62)
    with pytest.raises(ValueError, match="absurdly large"):
        topups.pay(paid(order), provider="epay")
    assert shop.state(order) == "pending"
    assert shop.entries == []


def test_the_database_wants_a_paid_order_to_have_its_time(shop: Shop) -> None:
    order, _ = shop.order("epay")
    with pytest.raises(IntegrityError, match="paid_top_up_has_its_time"), transaction.atomic():
        TopUp.objects.filter(pk=order.pk).update(state="paid")


def test_strange_references_are_kept_in_plain_text(shop: Shop) -> None:
    order, _ = shop.order("epay")
    strange = "x\x00\n\u202e" + "y" * 5000
    assert topups.pay(paid(order, amount=None, said=strange, reference=strange), provider="epay")
    order.refresh_from_db()
    assert order.provider_reference == "x" + "y" * 99
    assert "\x00" not in order.note
    assert len(order.note) <= 500


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "minor"),
    [
        ("10", "USD", "1", 1000),
        ("10", "CNY", "7.2", 7200),
        ("1.01", "CNY", "7.235", 731),
        ("1", "CNY", "7.125", 713),
        ("1500", "JPY", "1", 1500),
        ("1.5", "JPY", "1", 2),
        ("1.234", "KWD", "1", 1230),
        ("1.235", "KWD", "1", 1240),
        ("10", "ISK", "1", 1000),
    ],
)
def test_what_is_paid_is_rounded_half_up(amount: str, currency: str, rate: str, minor: int) -> None:
    found = to_minor(money.to_micro(amount), currency=currency, rate=Decimal(rate))
    assert found == minor


def test_an_amount_for_people() -> None:
    assert minor_text(7200, "CNY") == "72.00 CNY"
    assert minor_text(5, "CNY") == "0.05 CNY"
    assert minor_text(1500, "JPY") == "1500 JPY"
    assert minor_text(1240, "KWD") == "1.240 KWD"


def test_an_operator_settles_from_the_command_line(shop: Shop, capsys: Any) -> None:
    order = disputed(shop)
    call_command("settle_topup", order.number, "7", actor="bob", memo="as paid")
    assert "7.00" in capsys.readouterr().out
    with pytest.raises(CommandError, match="not disputed"):
        call_command("settle_topup", order.number, "7", actor="bob", memo="as paid")
    with pytest.raises(CommandError, match="no such order"):
        call_command("settle_topup", "nothing", "7", actor="bob", memo="as paid")
    other = disputed(shop)
    call_command("settle_topup", other.number, "0", actor="bob", memo="sent back")
    assert shop.state(other) == "expired"
