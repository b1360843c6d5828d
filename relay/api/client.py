"""Where a request comes from.

`X-Forwarded-For` is a list that every proxy adds its own client to, at the right. Anybody may send
one, so only what our own proxies (TRUSTED_PROXIES) have added is believed.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from common import addresses
from common.addresses import Address

# Some proxies add the port.
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d{1,5})?|(?P<v4>[^:\[\]]*):\d{1,5}")


def address(request: Request | HttpRequest) -> Address | None:
    """The client's address: the rightmost one that is not a proxy of ours.

    None when nothing is known: over a unix socket whose proxy said nothing that can be read.
    """
    return address_of(request.META)


def address_of(meta: Mapping[str, Any]) -> Address | None:
    """The same, of what WSGI tells of a request."""
    return _address(
        peer=meta.get("REMOTE_ADDR", ""), forwarded=meta.get("HTTP_X_FORWARDED_FOR", "")
    )


def _address(*, peer: str, forwarded: str) -> Address | None:
    """`peer`: who has connected to us, "" over a unix socket."""
    connected = _read(peer)
    if peer and (connected is None or not _is_trusted(connected)):
        return connected
    found = connected
    for hop in reversed(forwarded.split(",") if forwarded.strip() else []):
        seen = _read(hop)
        if seen is None:
            # What stands left of it, nobody whom we know has looked at.
            return connected
        found = seen
        if not _is_trusted(seen):
            break
    return found


def _is_trusted(found: Address) -> bool:
    return addresses.is_in(found, settings.TRUSTED_PROXIES)


def _read(text: str) -> Address | None:
    text = text.strip()
    if match := _WITH_PORT.fullmatch(text):
        text = match["v6"] or match["v4"] or ""
    try:
        return addresses.address(text)
    except ValueError:
        return None
