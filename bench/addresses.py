"""Every GET address of the console and of the management API, made from the url patterns, so that
none is forgotten, and with parameters from the data."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.db import connection
from django.urls import URLPattern, get_resolver

ROOTS = ("console/", "api/v1/")
# Pages of the person himself, and what leads elsewhere.
OTHERS = ("console/account/", "console/sign-", "console/display/")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")

# What stands for the names in the patterns: of the tenant that has most, and the newest of each.
_IDS = {
    "tenant_id": """SELECT tenant_id FROM billing_wallet JOIN billing_usagemark ON wallet_id = id
                    WHERE NOT is_test ORDER BY held DESC, balance DESC, id LIMIT 1""",
    "key_id": "SELECT min(id) FROM billing_token WHERE tenant_id = {tenant_id}",
    "task_id": """SELECT max(id) FROM relay_task WHERE tenant_id = {tenant_id}
                  AND status = 'SUCCESS'""",
    "callback_id": "SELECT max(id) FROM relay_callback WHERE tenant_id = {tenant_id}",
    "channel_id": "SELECT min(id) FROM channels_channel",
    "credential_id": "SELECT min(id) FROM channels_credential",
    "book_id": "SELECT min(id) FROM billing_pricebook",
    "rule_id": "SELECT min(id) FROM billing_pricerule",
    "ratio_id": "SELECT min(id) FROM billing_groupratio",
    "batch_id": "SELECT max(id) FROM billing_codebatch",
    "code_id": """SELECT max(id) FROM billing_redemptioncode WHERE batch_id =
                  (SELECT max(id) FROM billing_codebatch)""",
    "order_id": "SELECT max(id) FROM billing_topup WHERE tenant_id = {tenant_id}",
    "member_id": "SELECT min(id) FROM billing_member WHERE tenant_id = {tenant_id}",
    "invitation_id": "SELECT min(id) FROM billing_invitation WHERE tenant_id = {tenant_id}",
    "staff_id": "SELECT min(id) FROM billing_staffmember",
    "announcement_id": "SELECT min(id) FROM billing_announcement",
    "management_key_id": "SELECT min(id) FROM billing_managementkey WHERE tenant_id IS NULL",
    "hook_id": "SELECT min(id) FROM relay_hook WHERE tenant_id = {tenant_id}",
    "notice_id": "SELECT max(id) FROM billing_notice WHERE tenant_id = {tenant_id}",
    "number": "SELECT max(number) FROM billing_topup WHERE tenant_id = {tenant_id}",
    # Words that the console has addresses for.
    "group": "SELECT 'site'",
    "name": "SELECT 'site_name'",
    "field": "SELECT 'priority'",
    "state": "SELECT 'draining'",
}
# Files can be as long as one likes.
_FILES = re.compile(r"\.(json|csv|pdf)$|/files?/")


class Address(NamedTuple):
    """`template`: the pattern that it was made from. `path` has its parameters filled in."""

    template: str
    path: str

    @property
    def is_of_a_tenant(self) -> bool:
        return "tenants/<int:tenant_id>/" in self.template


def patterns() -> list[str]:
    """As /console/tenants/<int:tenant_id>/keys/, each once, below ROOTS and without OTHERS."""
    found = dict.fromkeys(_walk(get_resolver().url_patterns, ""))
    return [
        pattern
        for pattern in found
        if pattern.startswith(ROOTS)
        and not pattern.startswith(OTHERS)
        and not _FILES.search(pattern)
    ]


def all_of(ids: dict[str, Any]) -> tuple[list[Address], list[str]]:
    """The addresses, and those patterns for whose parameters there is nothing in `ids`."""
    made, unknown = [], []
    for pattern in patterns():
        names = _PARAMETER.findall(pattern)
        # A tenant's own keys have these without the tenant; the site's are asked here.
        if all(ids.get(name) is not None for name in names):
            path = _PARAMETER.sub(lambda match: str(ids[match[1]]), pattern)
            made.append(Address(pattern, f"/{path}"))
        else:
            unknown.append(pattern)
    return made, unknown


def ids() -> dict[str, Any]:
    """A value for each parameter; None where the database has nothing for it."""
    found: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for name, statement in _IDS.items():
            cursor.execute(statement.format(**found))
            row = cursor.fetchone()
            found[name] = row[0] if row else None
    return found


def _walk(rows: Any, before: str) -> Iterator[str]:
    for row in rows:
        whole = before + str(row.pattern).removeprefix("^")
        if isinstance(row, URLPattern):
            yield whole
        else:
            yield from _walk(row.url_patterns, whole)


# -- The same address asked in other ways ----------------------------------------------------------

_FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
_SELECT = re.compile(r'<select\b[^>]*\bname="([\w-]+)"[^>]*>(.*?)</select>', re.DOTALL)
_OPTION = re.compile(r'<option value="([^"]+)"')
_LINK = re.compile(r'href="\?([^"]+)"|href="(/[^"?]*)\?([^"]+)"')
_NO_FILTERS = {"format", "next", "csrfmiddlewaretoken", "language", "theme", "trail"}


def filters_on(page: str) -> Iterator[str]:
    """The query of each choice that the page's own GET forms offer, one at a time."""
    for form in _FORM.findall(page):
        if 'method="post"' in form[: form.index(">")].lower():
            continue
        for name, body in _SELECT.findall(form):
            if name not in _NO_FILTERS:
                yield from (urlencode({name: unescape(value)}) for value in _OPTION.findall(body))


def links_on(page: str, path: str) -> Iterator[str]:
    """The queries with which the page links to itself: other pages of a list, other ways to split
    a report."""
    for own, other, query in _LINK.findall(page):
        if other in ("", path):
            found = unescape(own or query)
            names = [name for name, _ in parse_qsl(found)]
            # Files can be as long as one likes, and how one came to a page is no other page.
            if "format" not in names and names[:1] != ["trail"]:
                yield found
