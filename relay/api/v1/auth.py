"""Which management key a request brings: `Authorization: Bearer mk-…`, nothing else."""

from typing import cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from billing import management_keys
from billing.errors import InvalidKey
from billing.management_keys import Manager
from common import logs


def manager(request: Request) -> Manager:
    """Whose key it is. (Django REST framework calls it the user.)"""
    return cast("Manager", request.user)


class ManagementAuthentication(BaseAuthentication):
    """Sets `request.user` to the Manager. Raises InvalidKey, TenantDisabled."""

    def authenticate(self, request: Request) -> tuple[Manager, None]:
        scheme, _, key = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidKey
        found = management_keys.authenticate(key.strip())
        logs.add(tenant_id=found.tenant_id, key=found.prefix)
        return found, None
