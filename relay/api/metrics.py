"""GET metrics: for the operator's Prometheus."""

import hmac

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from billing.errors import AddressNotAllowed, InvalidKey
from relay.api import client
from relay.watch import metrics


class Metrics(APIView):
    """With METRICS_TOKEN as bearer; without such a setting for this machine only. Raises
    InvalidKey, AddressNotAllowed."""

    authentication_classes = ()
    permission_classes = ()
    # No tenant's business.
    schema = None

    def get(self, request: Request) -> HttpResponse:
        _check(request)
        return HttpResponse(metrics.text(), content_type=metrics.CONTENT_TYPE)


def _check(request: Request) -> None:
    if not settings.METRICS_TOKEN:
        address = client.address(request)
        if address is None or not address.is_loopback:
            raise AddressNotAllowed
        return
    given = request.headers.get("Authorization", "").encode()
    # Several while it is changed, separated by commas.
    known = [f"Bearer {token.strip()}".encode() for token in settings.METRICS_TOKEN.split(",")]
    if not any(hmac.compare_digest(given, each) for each in known):
        raise InvalidKey
