"""Which key a request brings (tenant-api, section 2)."""

from collections.abc import Mapping
from typing import Any, cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from billing import tokens
from billing.errors import AddressNotAllowed
from billing.tokens import Caller
from common import addresses, logs
from relay.api import client

# Some clients always fill `Authorization` with this word and put the key elsewhere.
PLACEHOLDER = "midjourney-proxy"


def caller(request: Request) -> Caller:
    """Whose key it is. (Django REST framework calls it the user.)"""
    return cast("Caller", request.user)


class KeyAuthentication(BaseAuthentication):
    """Sets `request.user` to the Caller. Raises what let_in() raises."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        return let_in(request.META), None


def let_in(meta: Mapping[str, Any]) -> Caller:
    """Whose key is in what WSGI tells of a request. Raises InvalidKey, TenantDisabled,
    AddressNotAllowed."""
    key = _key(meta)
    found = tokens.authenticate(key)
    logs.add(tenant_id=found.tenant_id, key=tokens.shown(key))
    if found.addresses:
        address = client.address_of(meta)
        if address is None or not addresses.is_in(address, found.addresses):
            raise AddressNotAllowed
    return found


def _key(meta: Mapping[str, Any]) -> str:
    for header in ("HTTP_AUTHORIZATION", "HTTP_MJ_API_SECRET", "HTTP_X_API_KEY"):
        key = _without_bearer(meta.get(header, ""))
        if key and key != PLACEHOLDER:
            return key
    return ""


def _without_bearer(value: str) -> str:
    scheme, _, key = value.strip().partition(" ")
    return key.strip() if scheme.lower() == "bearer" else value.strip()
