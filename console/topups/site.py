"""The on-line orders of all tenants, and what is decided about disputed ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import by_name
from console.forms import ApiForm, form_of
from console.lists import Column, List
from console.pages import call, done, may, show
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import topups
from relay.api.v1.operation import View
from relay.api.v1.roles import Right

ORDERS = List(
    id="orders",
    view=topups.Orders,
    columns=(
        Column("number", gettext_lazy("Order"), "console/topups/number.html"),
        Column("tenant", gettext_lazy("Tenant"), "console/topups/tenant.html"),
        Column("state", gettext_lazy("State"), "console/topups/state.html"),
        Column("amount", gettext_lazy("Credited"), "money"),
        Column("pay_amount", gettext_lazy("To be paid"), "console/topups/pay.html", align="end",
               is_wide=True),
        Column("provider", gettext_lazy("At"), "word", is_wide=True),
        Column("created_at", gettext_lazy("Ordered"), "moment", is_wide=True),
    ),
    search="number",
    filters=("state", "provider", "tenant"),
    changes={"number": {"label": gettext_lazy("Order number")}},
    empty=gettext_lazy(
        "Nobody has ordered anything yet. Tenants can as soon as a payment service is set up, by "
        "EPAY_URL or STRIPE_SECRET_KEY in the environment."
    ),
    empty_icon="cash",
    begin="console/topups/begin.html",
    poll_seconds=10,
)  # fmt: skip
Settlement = form_of(
    topups.Settlements,
    "post",
    ["amount", "memo"],
    amount={"label": gettext_lazy("What is credited"), "help_text": ""},
    memo={"label": gettext_lazy("Why"), "help_text": gettext_lazy("The tenant can read it.")},
)
Dismissal = form_of(
    topups.Dismissals,
    "post",
    ["memo"],
    memo={"label": gettext_lazy("Why"), "help_text": gettext_lazy("For the record.")},
)


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    changes = {**ORDERS.changes, "tenant": {"field": by_name.tenant(request)}}
    return replace(ORDERS, changes=changes).page(
        request, "console/topups/site.html", {"may_book": may(request, Right.MONEY)}
    )


@staff_page
def one(request: HttpRequest, order_id: int) -> HttpResponse:
    told = {
        "order": _one(request, order_id),
        "may_decide": may(request, Right.MONEY),
        "list_url": reverse("console:top-ups"),
    }
    return show(request, "console/topups/one.html", told)


@staff_page
@only_with(Right.MONEY)
@fresh_sign_in
def settle(request: HttpRequest, order_id: int) -> HttpResponse:
    order = _one(request, order_id)
    form = Settlement(request.POST or None, initial={"amount": order["amount"]})
    told = {"title": _("Credit this order"), "button": _("Credit it"), "order": order}
    return _decide(request, topups.Settlements, form, told, said=_("The order is credited."))


@staff_page
@only_with(Right.MONEY)
@fresh_sign_in
def dismiss(request: HttpRequest, order_id: int) -> HttpResponse:
    form = Dismissal(request.POST or None)
    told = {
        "title": _("Close without credit"),
        "button": _("Close it"),
        "order": _one(request, order_id),
        "is_dangerous": True,
        "text": _("Nothing is credited. Give the payer his money back at the payment service."),
    }
    return _decide(request, topups.Dismissals, form, told, said=_("The order is closed."))


def _decide(
    request: HttpRequest, view: type[View], form: ApiForm, told: Mapping[str, Any], *, said: str
) -> HttpResponse:
    order = told["order"]
    back = reverse("console:top-up-of-somebody", args=[order["id"]])
    if form.is_valid():
        with form.refusals():
            call(request, view, "post", body=form.body, order_id=order["id"])
            return done(request, back, said)
    return show(request, "console/topups/form.html", {"form": form, "back": back, **told})


def _one(request: HttpRequest, order_id: int) -> Mapping[str, Any]:
    order: Mapping[str, Any] = call(request, topups.OneOrder, "get", order_id=order_id)
    return order
