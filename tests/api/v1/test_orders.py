"""On-line top-ups ordered through the management API, at an imitation of a payment service."""

from collections.abc import Iterator

import pytest

from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, open_desk
from tests.payments import stripe_imitation
from tests.payments.stripe_imitation import Stripe
from tests.stack import Stack


@pytest.fixture(scope="module")
def stripe() -> Iterator[Stripe]:
    with stripe_imitation.stripe_imitation() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory, stripe: Stripe
) -> Iterator[Desk]:
    """A site that takes payments."""
    env = {
        "CURRENCY": "USD",
        "STRIPE_SECRET_KEY": stripe_imitation.API_KEY,
        "STRIPE_WEBHOOK_SECRET": stripe_imitation.WEBHOOK_SECRET,
        "STRIPE_API_BASE": stripe.url,
    }
    web = Stack(folder=tmp_path_factory.mktemp("shop"), env=stack_env | env, drawing_seconds=1)
    web.start("web")
    yield open_desk(web, funds="0")
    web.kill("web")


def test_balance_is_ordered_paid_and_credited_once(shop: Desk, stripe: Stripe) -> None:
    assert shop.owner.get("payment-services")["data"] == [{"name": "stripe", "methods": []}]
    ordered = shop.roles["finance"].post("top-ups", provider="stripe", amount="10.00")
    order = ordered["order"]
    assert ordered["pay_url"].startswith("http")
    assert (order["state"], order["pay_amount"]) == ("pending", "10.00 USD")
    event = stripe.event(order["number"])
    for _ in range(2):
        webhook = f"{shop.account.stack.url}/pay/stripe/webhook"
        assert stripe_imitation.send(webhook, event).status_code == 200
    assert shop.owner.get(f"top-ups/{order['id']}")["state"] == "paid"
    assert shop.owner.get("wallet")["balance"] == "10.00"


def test_what_a_service_does_not_take_is_refused(shop: Desk, stripe: Stripe) -> None:
    body = {"provider": "stripe", "amount": "0.01"}
    assert_refused(shop.owner.ask("POST", "top-ups", json=body), 400, "top_up_refused")
    stripe.failing = 500
    body["amount"] = "10.00"
    refused = shop.owner.ask("POST", "top-ups", json=body)
    stripe.failing = 0
    assert_refused(refused, 502, "provider_failed", code=9)
