"""What a key may know about its money, in the forms that clients of this family ask for."""

from rest_framework.request import Request
from rest_framework.response import Response

from billing import statements
from billing.tokens import Caller
from relay.api.auth import caller
from relay.api.limited import Asking
from relay.submits import orders

CENTS_PER_MICRO = 10_000
MICRO_PER_UNIT = 1_000_000
MICRO_PER_QUOTA = 2
# OpenAI's list tells when a model was made; nobody reads it.
MODELS_CREATED = 1_626_777_600


class Subscription(Asking):
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


class Usage(Asking):
    """GET dashboard/billing/usage, OpenAI style: cents. The dates that clients send are ignored,
    as they all subtract it from a limit that knows no dates."""

    def get(self, request: Request) -> Response:
        funds = _funds(caller(request))
        return Response({"object": "list", "total_usage": funds.used / CENTS_PER_MICRO})


class Models(Asking):
    """GET v1/models: the price names this key may use."""

    def get(self, request: Request) -> Response:
        names = orders.price_names(caller(request))
        return Response({"object": "list", "data": [_model(name) for name in names]})


class TokenUsage(Asking):
    """GET api/usage/token, new-api style, in new-api's quota (500,000 = 1.00)."""

    def get(self, request: Request) -> Response:
        key = caller(request)
        funds = _funds(key)
        is_limited = bool(key.actions or key.modes)
        names = orders.price_names(key) if is_limited else []
        return Response(
            {
                "code": True,
                "message": "ok",
                "data": {
                    "object": "token_usage",
                    "name": key.token_name,
                    "total_granted": (funds.left + funds.used) // MICRO_PER_QUOTA,
                    "total_used": funds.used // MICRO_PER_QUOTA,
                    "total_available": funds.left // MICRO_PER_QUOTA,
                    "unlimited_quota": key.budget is None,
                    "model_limits": dict.fromkeys(names, True),
                    "model_limits_enabled": is_limited,
                    "expires_at": key.expires_at,
                },
            }
        )


def _model(name: str) -> dict[str, str | int]:
    return {"id": name, "object": "model", "created": MODELS_CREATED, "owned_by": "midjourney"}


def _funds(key: Caller) -> statements.Funds:
    return statements.funds(wallet_id=key.wallet_id, token_id=key.token_id)
