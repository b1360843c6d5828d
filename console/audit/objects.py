"""Where the page of an object is that a line of the audit tells of."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.urls import Resolver404, resolve

from console.security import PLACE

# By object_kind; {tenant} and {pk} are the line's.
TENANTS = {
    "key": "keys/{pk}/",
    "task": "tasks/{pk}/",
    "callback": "callbacks/{pk}/",
    "hook": "callbacks/hooks/",
    "hooks": "callbacks/hooks/",
    "hook test": "callbacks/tests/",
    "member": "members/",
    "invitation": "members/invitations/",
    "management key": "members/management-keys/",
    "thresholds": "notices/",
    "top-up order": "top-up/",
    "wallet": "entries/",
    "test wallet": "entries/",
    "tenant": "",
}
SITES = {
    "tenant": "tenants/{pk}/",
    "group": "tenants/",
    "channel": "channels/{pk}/",
    "price book": "prices/{pk}/",
    "code batch": "codes/{pk}/",
    "code": "codes/",
    "top-up order": "top-ups/",
    "staff member": "staff/",
    "invitation": "staff/invitations/",
    "management key": "staff/management-keys/",
    "announcement": "announcements/",
    "settings": "settings/",
}


def address(line: Mapping[str, Any]) -> str:
    """Of the object's page, or of where it stands; "" where there is none."""
    kind, pk, tenant = line["object_kind"], line["object_id"], line["tenant_id"]
    if tenant is not None and kind in TENANTS:
        path = f"{PLACE}tenants/{tenant}/{TENANTS[kind].format(pk=pk)}"
    elif kind in SITES:
        path = f"{PLACE}{SITES[kind].format(pk=pk)}"
    else:
        return ""
    # Not of what "replay callbacks" is about: several, and named by the tenant.
    return path if _is_there(path) else ""


@cache
def _pattern_is_there(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _is_there(path: str) -> bool:
    """Every number stands for all."""
    parts = ["1" if part.isdigit() else part for part in path.split("/")]
    return _pattern_is_there("/".join(parts)) if len(path) < 100 else False
