"""An upstream of the kind midjourney-proxy, and the adapter that speaks to it."""

import json
from contextlib import AbstractContextManager
from typing import Any

from channels.adapters import adapter_for
from channels.adapters.base import Image, Submission
from channels.selection import Upstream
from tests.listener import Listener, listening

ADAPTER = adapter_for("midjourney_proxy")
STATE = "1795218527890011.c2lnbmF0dXJl"
PAGE = b"<html><head><title>502 Bad Gateway</title></head></html>"
SUBMISSION = Submission(
    action="IMAGINE",
    mode="fast",
    bot_type="MID_JOURNEY",
    prompt="灯塔 at dusk --ar 16:9",
    images=(Image(mime="image/png", data="iVBORw0K"),),
    correlation=STATE,
    hint_url="http://relay.example/hints/1.x",
)


def upstream(url: str, *, secret: str = "") -> Upstream:
    return Upstream(
        id=1,
        name="test",
        kind="midjourney_proxy",
        base_url=url,
        secret=secret,
        state="enabled",
        priority=0,
        weight=1,
        groups=frozenset(),
        actions=frozenset(),
        modes=frozenset(),
    )


def answering(payload: Any, status: int = 200) -> AbstractContextManager[Listener]:
    """A server that answers everything like this."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return listening(status=status, body=body)
