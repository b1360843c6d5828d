"""All tenants, for the site's people."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.tenants import DEFAULT_GROUP
from console import by_name
from console.lists import Column, List
from console.pages import call, done, may
from console.places import ask
from console.tenants import forms
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import tenants
from relay.api.v1.roles import Right

TENANTS = List(
    id="tenants",
    view=tenants.Tenants,
    columns=(
        Column("name", gettext_lazy("Name"), "console/tenants/cells/name.html"),
        Column("group", gettext_lazy("Group"), is_wide=True),
        Column("is_active", gettext_lazy("State"), "active", is_wide=True),
        Column("balance", gettext_lazy("Balance"), "console/tenants/cells/balance.html",
               align="end"),
        Column("held", gettext_lazy("Held"), "money", is_wide=True),
        Column("spent_30_days", gettext_lazy("Spent in 30 days"), "money"),
        Column("created_at", gettext_lazy("Made"), "moment", is_wide=True),
    ),
    search="q",
    filters=("group", "is_active"),
    empty=gettext_lazy("There are no tenants yet. Make the first one."),
    empty_icon="building",
    begin="console/tenants/begin.html",
    actions="console/tenants/actions.html",
)  # fmt: skip


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    told = {"may_make": may(request, Right.TENANTS), "may_book": may(request, Right.MONEY)}
    shown = replace(TENANTS, changes={"group": {"field": by_name.group(request)}})
    return shown.page(request, "console/tenants/list.html", told)


@staff_page
@only_with(Right.TENANTS)
@fresh_sign_in
def make(request: HttpRequest) -> HttpResponse:
    initial = {"group": request.GET.get("group") or DEFAULT_GROUP}
    form = forms.new_tenant(request)(request.POST or None, initial=initial)
    if form.is_valid():
        with form.refusals():
            made: Mapping[str, Any] = call(request, tenants.Tenants, "post", body=form.body)
            url = reverse("console:tenant-settings", args=[made["id"]])
            return done(request, url, _("The tenant is made."))
    return ask(
        request,
        form,
        title=_("New tenant"),
        button=_("Make the tenant"),
        back=reverse("console:tenants"),
    )
