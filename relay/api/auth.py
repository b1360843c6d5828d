"""Which key a request brings (tenant-api, section 2)."""

from typing import cast

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
    """Sets `request.user` to the Caller. Raises InvalidKey, TenantDisabled, AddressNotAllowed."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        key = _key(request)
        found = tokens.authenticate(key)
        logs.add(tenant_id=found.tenant_id, key=tokens.shown(key))
        if found.addresses:
            address = client.address(request)
            if address is None or not addresses.is_in(address, found.addresses):
                raise AddressNotAllowed
        return found, None


def _key(request: Request) -> str:
    for header in ("Authorization", "mj-api-secret", "X-Api-Key"):
        key = _without_bearer(request.headers.get(header, ""))
        if key and key != PLACEHOLDER:
            return key
    return ""


def _without_bearer(value: str) -> str:
    scheme, _, key = value.strip().partition(" ")
    return key.strip() if scheme.lower() == "bearer" else value.strip()
