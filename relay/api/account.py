"""What a key may know about its money, in the forms that clients of this family ask for."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import statements
from billing.tokens import Caller
from relay.api.auth import caller

CENTS_PER_MICRO = 10_000
MICRO_PER_UNIT = 1_000_000


class Subscription(APIView):
    """GET dashboard/billing/subscription, OpenAI style. The limit is what is left and what was
    used, so that clients that subtract get what is left."""

    def get(self, request: Request) -> Response:
        funds = _funds(caller(request))
        limit = (funds.left + funds.used) / MICRO_PER_UNIT
        return Response(
            {
                "object": "billing_subscription",
                "has_payment_method": True,
                "soft_limit_usd": limit,
                "hard_limit_usd": limit,
                "system_hard_limit_usd": limit,
                "access_until": 0,
            }
        )


class Usage(APIView):
    """GET dashboard/billing/usage, OpenAI style: cents. The dates that clients send are ignored,
    as they all subtract it from a limit that knows no dates."""

    def get(self, request: Request) -> Response:
        funds = _funds(caller(request))
        return Response({"object": "list", "total_usage": funds.used / CENTS_PER_MICRO})


def _funds(key: Caller) -> statements.Funds:
    return statements.funds(tenant_id=key.tenant_id, token_id=key.token_id)
