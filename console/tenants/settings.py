"""What the site sets for one tenant, and its people and prices at a glance."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.lists import Column
from console.pages import Question, call, confirm, done, may, show
from console.places import ask
from console.tables import Table
from console.tenants import forms
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import book_lines, books, members, tenants
from relay.api.v1.paging import PAGE_ROWS_MAX
from relay.api.v1.roles import Right

MEMBERS = (
    Column("username", gettext_lazy("Person"), "console/tenants/cells/person.html"),
    Column("role", gettext_lazy("Role"), "word"),
    Column("created_at", gettext_lazy("Since"), "moment", is_wide=True),
)
RULES = (
    Column("name", gettext_lazy("Price"), "word"),
    Column("mode", gettext_lazy("Mode"), "console/tenants/cells/mode.html"),
    Column("amount", gettext_lazy("Amount"), "money"),
)


@staff_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    tenant = _one(request, tenant_id)
    told = {
        "tenant": tenant,
        "tenant_id": tenant_id,
        "wallet": tenant["wallet"],
        "members": _members(request, tenant_id),
        "rules": _rules(request, tenant_id),
        "may_change": may(request, Right.TENANTS),
        "may_book": may(request, Right.MONEY),
        "may_refill": may(request, Right.KEYS),
        "may_see_reports": may(request, Right.SEE_REPORTS),
    }
    return show(request, "console/tenants/settings.html", told)


@staff_page
@only_with(Right.TENANTS)
@fresh_sign_in
def change(request: HttpRequest, tenant_id: int) -> HttpResponse:
    tenant = _one(request, tenant_id)
    kind = forms.changed_tenant(request, group=tenant["group"])
    form = kind(request.POST or None, initial=dict(tenant))
    if form.is_valid():
        with form.refusals():
            call(request, tenants.OneTenant, "patch", tenant_id=tenant_id, body=form.body)
            return done(request, _back(tenant_id), _("The tenant is changed."))
    return ask(
        request,
        form,
        title=_("Change %s") % tenant["name"],
        button=_("Save"),
        back=_back(tenant_id),
    )


@staff_page
@only_with(Right.TENANTS)
@fresh_sign_in
def disable(request: HttpRequest, tenant_id: int) -> HttpResponse:
    question = Question(
        title=_("Disable %s?") % _one(request, tenant_id)["name"],
        text=_("All its keys stop at once, and its people can do nothing here. Tasks under way "
               "go on."),
        button=_("Disable"),
        back=_back(tenant_id),
        reason=True,
    )  # fmt: skip
    return _switch(request, tenant_id, question, said=_("The tenant is disabled."), is_active=False)


@staff_page
@only_with(Right.TENANTS)
@fresh_sign_in
def enable(request: HttpRequest, tenant_id: int) -> HttpResponse:
    question = Question(
        title=_("Enable %s?") % _one(request, tenant_id)["name"],
        text=_("Its keys and its people may do again what they could do before."),
        button=_("Enable"),
        back=_back(tenant_id),
        is_dangerous=False,
        reason=True,
    )
    return _switch(request, tenant_id, question, said=_("The tenant is enabled."), is_active=True)


def _switch(
    request: HttpRequest, tenant_id: int, question: Question, *, said: str, is_active: bool
) -> HttpResponse:
    def act(reason: str) -> None:
        body = {"is_active": is_active, "reason": reason}
        call(request, tenants.OneTenant, "patch", tenant_id=tenant_id, body=body)

    return confirm(request, question, act, said=said)


def _one(request: HttpRequest, tenant_id: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = call(request, tenants.OneTenant, "get", tenant_id=tenant_id)
    return found


def _members(request: HttpRequest, tenant_id: int) -> Table:
    query = {"limit": PAGE_ROWS_MAX}
    found = call(request, members.Members, "get", tenant_id=tenant_id, query=query)
    # Only operators are people that the staff's roles belong to, and may look as somebody.
    actions = "console/tenants/member_actions.html" if may(request, Right.STAFF) else ""
    empty = _("Nobody signs in for this tenant yet. Invite its owner.")
    return Table(MEMBERS, found["data"], empty=empty, empty_icon="users", actions=actions)


def _rules(request: HttpRequest, tenant_id: int) -> Table | None:
    """Prices in force for this tenant only; None for who may not see price books."""
    if not may(request, Right.SEE_PRICES):
        return None
    query: dict[str, Any] = {"state": "in_force", "limit": 1}
    data: list[Any] = []
    for book in call(request, books.Books, "get", query=query)["data"]:
        query = {"tenant": tenant_id, "limit": PAGE_ROWS_MAX}
        data = call(request, book_lines.Rules, "get", query=query, book_id=book["id"])["data"]
    return Table(RULES, data, empty=_("It pays what its group pays."), empty_icon="tag")


def _back(tenant_id: int) -> str:
    return reverse("console:tenant-settings", args=[tenant_id])
