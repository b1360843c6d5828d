"""How a tenant adds money: by a code, or paid on line."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import TopUp
from console import amounts
from console.forms import ApiForm, form_of
from console.lists import Column, List
from console.pages import call, done, leave, may, show
from console.topups import thresholds
from console.who import fresh_sign_in_to_see, manager_for, only_with, tenant_page
from relay.api.v1 import codes, entries, topups
from relay.api.v1.roles import Right

ORDERS = List(
    id="orders",
    view=topups.Orders,
    columns=(
        Column("number", gettext_lazy("Order"), "console/topups/own_number.html"),
        Column("state", gettext_lazy("State"), "console/topups/state.html"),
        Column("amount", gettext_lazy("Credited"), "money"),
        Column("pay_amount", gettext_lazy("To be paid"), "console/topups/pay.html", align="end"),
        Column("provider", gettext_lazy("At"), "word", is_wide=True),
        Column("created_at", gettext_lazy("Ordered"), "moment", is_wide=True),
    ),
    filters=("state",),
    empty=gettext_lazy("Nothing was ordered yet."),
    empty_icon="receipt",
    poll_seconds=10,
)
Code = form_of(
    codes.Redeem,
    "post",
    ["code"],
    code={
        "label": gettext_lazy("Code"),
        "widget": forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "font-monospace"}
        ),
        "help_text": gettext_lazy("Any case, with or without dashes."),
    },
)

NAMES: dict[str, Any] = {"stripe": gettext_lazy("Card, at Stripe"), "epay": "EPay"}
METHODS: dict[str, Any] = {
    "alipay": gettext_lazy("Alipay"),
    "wxpay": gettext_lazy("WeChat Pay"),
    "qqpay": gettext_lazy("QQ Pay"),
}


class _OrderForm(ApiForm):
    """`provider` has the way to pay behind a colon, where one must be chosen beforehand."""

    @property
    def body(self) -> dict[str, Any]:
        told = super().body
        provider, _colon, method = str(told.pop("provider", "")).partition(":")
        ways = {"provider": provider, "method": method}
        return told | {name: value for name, value in ways.items() if value}


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    told = {
        "tenant_id": tenant_id,
        "wallet": call(request, entries.WalletView, "get", tenant_id=tenant_id),
        "services": _services(request, tenant_id),
        "thresholds": thresholds.read(request, tenant_id),
        "may_buy": may(request, Right.BUY, tenant_id),
        "may_set": may(request, Right.THRESHOLDS, tenant_id),
    }
    return ORDERS.page(request, "console/topups/page.html", told, tenant_id=tenant_id)


@tenant_page
@only_with(Right.BUY)
@fresh_sign_in_to_see
def redeem(request: HttpRequest, tenant_id: int) -> HttpResponse:
    form = Code(request.POST or None)
    if form.is_valid():
        with form.refusals():
            made = call(request, codes.Redeem, "post", tenant_id=tenant_id, body=form.body)
            said = _("%(amount)s is yours; the balance is %(balance)s.") % {
                "amount": amounts.text(made["amount"]),
                "balance": amounts.text(made["wallet"]["balance"]),
            }
            return done(request, _back(tenant_id), said)
    told = {"form": form, "title": _("Redeem a code"), "button": _("Redeem")}
    return show(request, "console/topups/form.html", {**told, "back": _back(tenant_id)})


@tenant_page
@only_with(Right.BUY)
@fresh_sign_in_to_see
def order(request: HttpRequest, tenant_id: int) -> HttpResponse:
    services = _services(request, tenant_id)
    if not services:
        return done(request, _back(tenant_id))
    form = _order_form(services)(request.POST or None)
    if form.is_valid():
        with form.refusals():
            made = call(request, topups.Orders, "post", tenant_id=tenant_id, body=form.body)
            return leave(request, made["pay_url"], _("You pay at the payment service."))
    told = {
        "form": form,
        "title": _("Pay online"),
        "button": _("Go on to pay"),
        "back": _back(tenant_id),
        # It leads away: the answer is a page, not a part of this one.
        "is_plain": True,
    }
    return show(request, "console/topups/form.html", told)


@tenant_page
def one(request: HttpRequest, tenant_id: int, order_id: int) -> HttpResponse:
    """Where the payer comes back to: it renews itself until the payment is told of."""
    found = call(request, topups.OneOrder, "get", tenant_id=tenant_id, order_id=order_id)
    told = {"order": found, "tenant_id": tenant_id, "list_url": _back(tenant_id)}
    if request.headers.get("HX-Target") == "order":
        return render(request, "console/topups/order.html", told)
    return show(request, "console/topups/one.html", told)


def paid(request: HttpRequest, number: str) -> HttpResponse:
    """The payer is back from the payment service. What his browser says is not believed; who may
    not see the order, or is not signed in any more, is thanked all the same."""
    found = TopUp.objects.filter(number=number).values_list("tenant_id", "pk").first()
    if found is not None and request.user.is_authenticated:
        tenant_id, order_id = found
        try:
            manager_for(request, tenant_id)
        except Http404:
            return render(request, "console/topups/thanks.html")
        return HttpResponseRedirect(reverse("console:top-up-order", args=[tenant_id, order_id]))
    return render(request, "console/topups/thanks.html")


def _services(request: HttpRequest, tenant_id: int) -> list[Mapping[str, Any]]:
    return list(call(request, topups.Providers, "get", tenant_id=tenant_id)["data"])


def _order_form(services: list[Mapping[str, Any]]) -> type[ApiForm]:
    ways = [
        (f"{service['name']}:{method}", label)
        for service in services
        for method, label in _ways(service)
    ]
    made = form_of(topups.Orders, "post", ["provider", "amount"])
    widget = forms.RadioSelect if len(ways) > 1 else forms.HiddenInput
    by = forms.ChoiceField(label=_("Pay with"), choices=ways, widget=widget)
    by.initial = ways[0][0] if ways else None
    fields = {"amount": made.base_fields["amount"], "provider": by}
    form: type[ApiForm] = type("OrderForm", (_OrderForm,), fields)
    form.body_kind = made.body_kind
    return form


def _ways(service: Mapping[str, Any]) -> list[tuple[str, str]]:
    name = NAMES.get(service["name"], service["name"])
    ways = [(method, str(METHODS.get(method, method))) for method in service["methods"]]
    return ways or [("", name)]


def _back(tenant_id: int) -> str:
    return reverse("console:top-up", args=[tenant_id])
