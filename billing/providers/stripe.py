"""Stripe Checkout: one session per order, and what Stripe's webhook says of it.

- sessions: https://docs.stripe.com/api/checkout/sessions/create
- when to fulfil: https://docs.stripe.com/checkout/fulfillment
- signatures: https://docs.stripe.com/webhooks#verify-official-libraries
"""

import logging
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings

from billing.errors import InvalidSignature, MalformedPayment, ProviderFailed, ProviderOff
from billing.providers.base import Checkout, Notification, Outcome, Payment, Provider, Redirect

if TYPE_CHECKING:
    from stripe import StripeClient
    from stripe.params.checkout import SessionCreateParams

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 15
# The library repeats what did not come through with the same Idempotency-Key.
RETRIES = 1
# How old a signed message may be, or a captured one could be sent again for ever.
TOLERANCE_SECONDS = 300
# Our order's number among a session's metadata: other sessions of the same account are not ours.
ORDER_KEY = "mj_relay_order"
SAID_MAX_CHARS = 60
# A payment that takes days is told of twice: completed and unpaid, then succeeded (or failed).
SETTLING = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
EXPIRED = "checkout.session.expired"


class Stripe(Provider):
    name = "stripe"

    @property
    def is_on(self) -> bool:
        """Without the webhook's secret it would take money that we never hear of."""
        return bool(settings.STRIPE_SECRET_KEY and settings.STRIPE_WEBHOOK_SECRET)

    def create(self, checkout: Checkout) -> Redirect:
        # Loaded by the first who needs it: it is large, and many sites do without.
        import stripe

        try:
            session = _client().v1.checkout.sessions.create(
                _params(checkout), {"idempotency_key": checkout.number}
            )
        except stripe.StripeError as error:
            # Stripe's own words are for the operator: they may name his account.
            logger.error("order %s: Stripe did not take it: %s", checkout.number, error)
            raise ProviderFailed(self.name) from error
        if not session.url:
            logger.error("order %s: Stripe gave session %s no page", checkout.number, session.id)
            raise ProviderFailed(self.name)
        return Redirect(session.url, session.id)

    def read(self, notification: Notification) -> Payment | None:
        if not settings.STRIPE_WEBHOOK_SECRET:
            raise ProviderOff(self.name)
        _verify(notification)
        try:
            event = orjson.loads(notification.body)
        except orjson.JSONDecodeError as error:
            raise MalformedPayment("the event is not JSON") from error
        match event:
            case {"type": str(kind), "data": {"object": {"metadata": {**metadata}, **session}}}:
                number = metadata.get(ORDER_KEY)
                if not isinstance(number, str) or kind not in (*SETTLING, EXPIRED):
                    return None
                return _payment(kind, number, session)
            case {"type": str()}:
                return None
        raise MalformedPayment("this is no event of Stripe's")


def _client() -> "StripeClient":
    import stripe

    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses={"api": str(settings.STRIPE_API_BASE)},
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=RETRIES,
    )


def _params(checkout: Checkout) -> "SessionCreateParams":
    return {
        "mode": "payment",
        "client_reference_id": checkout.number,
        "metadata": {ORDER_KEY: checkout.number},
        "payment_intent_data": {"metadata": {ORDER_KEY: checkout.number}},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": checkout.currency.lower(),
                    "unit_amount": checkout.amount,
                    "product_data": {"name": f"Balance {checkout.number}"},
                },
            }
        ],
        # What is paid is what was ordered, in the currency that it was ordered in.
        "adaptive_pricing": {"enabled": False},
        "success_url": checkout.return_url,
        "cancel_url": checkout.return_url,
    }


def _verify(notification: Notification) -> None:
    """What construct_event of the library does, without its objects: the event is read as plain
    data, so that one of another shape is refused and not stumbled over."""
    import stripe

    # The library compares text and stumbles over what is not ASCII.
    if not notification.signature.isascii():
        raise InvalidSignature
    try:
        stripe.WebhookSignature.verify_header(
            notification.body,
            notification.signature,
            settings.STRIPE_WEBHOOK_SECRET,
            TOLERANCE_SECONDS,
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
        raise InvalidSignature from error


def _payment(kind: str, number: str, session: dict[Any, Any]) -> Payment:
    """`amount_total` is in the currency's smallest unit, as is what we ordered."""
    amount, currency = session.get("amount_total"), session.get("currency")
    is_amount = isinstance(amount, int) and not isinstance(amount, bool)
    outcome = Outcome.PAID if session.get("payment_status") == "paid" else Outcome.WAITING
    return Payment(
        number=number,
        reference=str(session.get("id", "")),
        amount=amount if is_amount else None,
        currency=currency.upper() if isinstance(currency, str) else "",
        outcome=Outcome.EXPIRED if kind == EXPIRED else outcome,
        said=f"{amount} {currency}"[:SAID_MAX_CHARS],
    )
