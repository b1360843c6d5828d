"""What payment services tell us, and where they send the payer back to.

No key: the signature is the permission, and what was ordered decides what is credited.
"""

import logging
from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import providers, topups
from billing.errors import MalformedPayment, OrderUnknown, PaymentRefused, ProviderOff
from billing.models import TopUp
from billing.providers.base import Notification
from relay.errors import BodyTooLarge

logger = logging.getLogger(__name__)

# Many times what they send.
NOTICE_MAX_BYTES = 256 * 1024
# EPay takes exactly this word for "told"; everything else is told again.
TOLD = "success"
NOT_TOLD = "fail"
# Where an order's number would stand, a word that is none.
THANKS = "/console/paid/order/"


class _Door(APIView):
    authentication_classes = ()
    permission_classes = ()
    # Not for tenants, so not in their document.
    schema = None

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, PaymentRefused | ProviderOff | BodyTooLarge):
            address = self.request.META.get("REMOTE_ADDR")
            logger.warning("%s from %s refused: %s", self.request.path, address, exc)
        return super().handle_exception(exc)


class StripeWebhook(_Door):
    """POST pay/stripe/webhook. Whatever is not 2xx is sent again by Stripe, for days: so it is
    given for what is booked, or kept for an operator, or no matter of ours.

    Raises ProviderOff, InvalidSignature, MalformedPayment, OrderUnknown, BodyTooLarge.
    """

    def post(self, request: Request) -> Response:
        stripe = providers.find("stripe")
        signature = request.headers.get("Stripe-Signature", "")
        notice = Notification(body=_body(request._request), query={}, signature=signature)
        payment = stripe.read(notice)
        if payment is None:
            return Response({"state": "ignored"})
        return Response({"state": topups.pay(payment, provider=stripe.name)})


class EPayNotice(_Door):
    """GET pay/epay/notify, and POST with a form, as some gateways have it."""

    def get(self, request: Request) -> HttpResponse:
        return self._hear(request.META.get("QUERY_STRING", "").encode("latin-1"))

    def post(self, request: Request) -> HttpResponse:
        return self._hear(_body(request._request))

    def _hear(self, form: bytes) -> HttpResponse:
        try:
            fields = QueryDict(form, encoding="utf-8").dict()
        except TooManyFieldsSent as error:
            raise MalformedPayment("there are too many fields") from error
        epay = providers.find("epay")
        payment = epay.read(Notification(query=fields))
        if payment is None:
            raise OrderUnknown
        state = topups.pay(payment, provider=epay.name)
        is_kept = state in (TopUp.State.PAID, TopUp.State.DISPUTED)
        return _word(TOLD if is_kept else NOT_TOLD)

    def handle_exception(self, exc: Exception) -> Any:
        """The gateway knows two words only."""
        return _word(NOT_TOLD, status=super().handle_exception(exc).status_code)


def come_back(request: HttpRequest) -> HttpResponse:
    """GET pay/return, where orders of older versions lead: the console thanks in the payer's
    language."""
    return HttpResponseRedirect(THANKS)


def _word(word: str, status: int = 200) -> HttpResponse:
    return HttpResponse(word, content_type="text/plain; charset=utf-8", status=status)


def _body(request: HttpRequest) -> bytes:
    body = request.read(NOTICE_MAX_BYTES + 1)
    if len(body) > NOTICE_MAX_BYTES:
        raise BodyTooLarge(f"the body is larger than {NOTICE_MAX_BYTES // 1024} kB")
    return bytes(body)
