"""Where a request comes from, as the audit keeps it."""

from typing import Literal

from django.http import HttpRequest
from rest_framework.request import Request

from common.audit import Origin
from relay.api import client

AGENT_MAX_CHARS = 200


def of(request: Request | HttpRequest, *, via: Literal["api", "console"]) -> Origin:
    found = client.address(request)
    agent = request.META.get("HTTP_USER_AGENT", "")
    return Origin(
        via=via,
        address="" if found is None else str(found),
        request_id=getattr(request, "request_id", ""),
        user_agent="".join(char for char in agent if char.isprintable())[:AGENT_MAX_CHARS],
    )
