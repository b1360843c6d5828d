"""On-line top-ups ordered through the management API, at an imitation of a payment service."""

import re
from collections.abc import Iterator

import pytest
import requests
from django.conf import settings

from billing.models import Member, TopUp
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, open_desk
from tests.api.v1.people import new_user
from tests.console.prices_desk import signed_in
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


def test_an_order_from_the_console_leads_to_the_payment_service_and_back(
    shop: Desk, stripe: Stripe
) -> None:
    """Over HTTP: the order is committed before the service hears of it."""
    user = new_user()
    Member.objects.create(user=user, tenant=shop.tenant, role="finance")
    payer = requests.Session()
    name = settings.SESSION_COOKIE_NAME
    payer.cookies.set(name, signed_in(user).cookies[name].value)
    base = f"{shop.account.stack.url}/console/tenants/{shop.tenant.pk}/top-up/"
    form = payer.get(f"{base}order/", timeout=30).text
    (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form))
    fields = {"csrfmiddlewaretoken": token, "provider": "stripe:", "amount": "7.50"}
    left = payer.post(f"{base}order/", data=fields, timeout=30)
    order = TopUp.objects.filter(tenant=shop.tenant).latest("pk")
    assert (order.state, order.amount, order.created_by) == ("pending", 7_500_000, user.email)
    assert f'href="{stripe.session(order.number)["url"]}"' in left.text
    assert left.headers["Referrer-Policy"] == "no-referrer"
    back = payer.get(stripe.asked[-1]["success_url"], timeout=30)
    assert back.url == f"{base}{order.pk}/"
    assert "The balance rises as soon as" in back.text
    webhook = f"{shop.account.stack.url}/pay/stripe/webhook"
    stripe_imitation.send(webhook, stripe.event(order.number))
    assert "The money is in your balance." in payer.get(back.url, timeout=30).text
