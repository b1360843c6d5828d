"""What payment services are told while something is wrong on our side, and what settings say."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection, connections
from django.test import Client

from relay import checks
from tests.payments.conftest import Shop
from tests.payments.epay_imitation import signed
from tests.payments.stripe_imitation import Stripe, signature


def gone(execute: Callable[..., Any], *args: Any) -> Any:
    raise OperationalError("the connection is lost: password=secret")


def test_stripe_tells_again_what_could_not_be_stored(shop: Shop, stripe: Stripe) -> None:
    order, _ = shop.order("stripe")
    body = stripe.event(order.number)

    def tell() -> Any:
        return Client().post(
            "/pay/stripe/webhook",
            data=body,
            content_type="application/json",
            headers={"Stripe-Signature": signature(body)},
        )

    with connection.execute_wrapper(gone):
        answer = tell()
    assert (answer.status_code, answer.json()["type"]) == (503, "unavailable")
    assert b"secret" not in answer.content
    assert shop.state(order) == "pending"
    assert tell().json() == {"state": "paid"}


def test_epay_tells_again_what_could_not_be_stored(shop: Shop) -> None:
    order, _ = shop.order("epay")
    fields = {"pid": "1001", "out_trade_no": order.number, "trade_no": "1", "money": "72.00"}
    fields = signed(fields | {"trade_status": "TRADE_SUCCESS"})
    with connection.execute_wrapper(gone):
        answer = Client().get("/pay/epay/notify", fields)
    assert (answer.status_code, answer.content) == (503, b"fail")
    assert shop.state(order) == "pending"
    assert Client().get("/pay/epay/notify", fields).content == b"success"
    assert shop.balance == "10.00"


def test_no_connection_is_kept_while_stripe_is_asked(shop: Shop, stripe: Stripe) -> None:
    """Or as many slow orders as there are connections would stop the whole process."""
    held: list[bool] = []
    ours = connections["default"]
    stripe.on_ask = lambda: held.append(ours.connection is not None)
    try:
        shop.order("stripe")
    finally:
        stripe.on_ask = lambda: None
    assert held == [False]


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"TOPUP_MIN": "0"}, ["relay.E006"]),
        ({"TOPUP_MIN": "much"}, ["relay.E006"]),
        ({"TOPUP_MIN": "11", "TOPUP_MAX": "10"}, ["relay.E006"]),
        ({"TOPUP_MAX": "1e99"}, ["relay.E006"]),
        ({"TOPUP_RATES": {"CNY": "NaN"}}, ["relay.E006"]),
        ({"TOPUP_RATES": {"CNY": "-7"}}, ["relay.E006"]),
        ({"TOPUP_RATES": {"CNY": "x"}}, ["relay.E006"]),
        ({"STRIPE_WEBHOOK_SECRET": ""}, ["relay.E007"]),
        ({"STRIPE_SECRET_KEY": ""}, ["relay.E007"]),
        ({"EPAY_KEY": ""}, ["relay.E007"]),
        ({"EPAY_URL": ""}, ["relay.E007"]),
        ({"TOPUP_RATES": {}}, ["relay.E008"]),
        ({"TOPUP_RATES": {}, "CURRENCY": "cny"}, []),
    ],
    ids=str,
)
def test_settings_that_would_take_no_payments(
    shop: Shop, settings: LazySettings, changes: dict[str, Any], ids: list[str]
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [error.id for error in checks.top_ups(None)] == ids
