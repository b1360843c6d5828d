"""Who may have done it, offered while somebody types a name: the people and the management keys."""

from typing import Any

from django.http import HttpRequest

from console.pages import call, may
from relay.api.v1 import management_keys, members, staff
from relay.api.v1.paging import PAGE_ROWS_MAX
from relay.api.v1.people import THE_SITE
from relay.api.v1.roles import Right

# What commands and the machine call themselves.
BY_THEMSELVES = ("command line", "system")


def names(request: HttpRequest, tenant_id: int | None) -> list[str]:
    """As the audit calls them; of each the newest."""
    view: Any = staff.Staff if tenant_id is None else members.Members
    query = {"limit": PAGE_ROWS_MAX}
    people = call(request, view, "get", tenant_id=tenant_id, query=query)["data"]
    found = sorted(row["email"] or row["username"] for row in people)
    if may(request, Right.SEE_MANAGEMENT_KEYS, tenant_id):
        keys = management_keys.ManagementKeys
        rows = call(request, keys, "get", tenant_id=tenant_id, query=query)["data"]
        found += sorted(f"{row['name']} ({row['prefix']})" for row in rows)
    if tenant_id is None:
        return [*found, *BY_THEMSELVES]
    return found if may(request, Right.SEE_SITE, tenant_id) else [*found, THE_SITE]
