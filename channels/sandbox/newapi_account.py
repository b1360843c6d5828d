"""What a new-api relay tells a key of its budget, in the form of OpenAI's old billing routes."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from .newapi_errors import json_answer
from .newapi_switches import NewApiSwitches

LIMIT_USD = 100.0
# new-api: of what is spent, hundredths.
CENTS = 100


def billing(
    switches: NewApiSwitches,
) -> dict[str, Callable[[web.Request], Awaitable[web.Response]]]:
    """By the end of the path."""

    async def subscription(request: web.Request) -> web.Response:
        return json_answer(
            {
                "object": "billing_subscription",
                "has_payment_method": True,
                "soft_limit_usd": LIMIT_USD,
                "hard_limit_usd": LIMIT_USD,
                "system_hard_limit_usd": LIMIT_USD,
                "access_until": 0,
            }
        )

    async def usage(request: web.Request) -> web.Response:
        spent = LIMIT_USD - switches.dollars_left
        return json_answer({"object": "list", "total_usage": spent * CENTS})

    return {"subscription": subscription, "usage": usage}
