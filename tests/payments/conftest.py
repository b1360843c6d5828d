"""A site that takes payments: two web processes with secrets, and imitations of the services.

Orders are placed by the test's own process, with the same settings; notices come over HTTP.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import LazySettings

from billing import money, topups
from billing.models import Entry, Tenant, TopUp, Wallet
from tests.accounts import open_tenant
from tests.payments import epay_imitation, stripe_imitation
from tests.payments.epay_imitation import EPay
from tests.payments.stripe_imitation import Stripe
from tests.stack import Stack

SECRETS = {
    "CURRENCY": "USD",
    "STRIPE_SECRET_KEY": stripe_imitation.API_KEY,
    "STRIPE_WEBHOOK_SECRET": stripe_imitation.WEBHOOK_SECRET,
    "EPAY_PID": epay_imitation.PID,
    "EPAY_KEY": epay_imitation.KEY,
}


@pytest.fixture(scope="session")
def shop_web(
    stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    web = Stack(
        folder=tmp_path_factory.mktemp("shop"),
        env=stack_env | SECRETS,
        drawing_seconds=1,
        web_workers=2,
    )
    web.start("web")
    yield web
    web.kill("web")


@pytest.fixture(scope="session")
def stripe() -> Iterator[Stripe]:
    with stripe_imitation.stripe_imitation() as running:
        yield running


@pytest.fixture(scope="session")
def epay() -> Iterator[EPay]:
    with epay_imitation.epay_imitation() as running:
        yield running


@dataclass
class Shop:
    """A tenant without money, and the site it orders at."""

    web: Stack
    tenant: Tenant

    @property
    def stripe_webhook(self) -> str:
        return f"{self.web.url}/pay/stripe/webhook"

    @property
    def epay_notify(self) -> str:
        return f"{self.web.url}/pay/epay/notify"

    def order(self, provider: str, amount: str = "10", **fields: Any) -> tuple[TopUp, str]:
        return topups.order(
            tenant=self.tenant,
            provider=provider,
            amount=money.to_micro(amount),
            actor="alice",
            **fields,
        )

    def state(self, order: TopUp) -> str:
        order.refresh_from_db()
        return order.state

    @property
    def balance(self) -> str:
        return money.text(Wallet.objects.live(self.tenant.pk).balance)

    @property
    def entries(self) -> list[tuple[str, str, str]]:
        rows = Entry.objects.filter(wallet__tenant=self.tenant).order_by("id")
        return [(row.kind, row.reference, money.text(row.amount)) for row in rows]


@pytest.fixture
def shop(shop_web: Stack, stripe: Stripe, epay: EPay, settings: LazySettings) -> Shop:
    stripe.failing = 0
    for name, value in SECRETS.items():
        setattr(settings, name, value)
    settings.STRIPE_API_BASE = stripe.url
    settings.EPAY_URL = epay.url
    settings.TOPUP_RATES = {"CNY": "7.2"}
    settings.PUBLIC_URL = shop_web.url
    return Shop(shop_web, open_tenant(funds="0")[0])
