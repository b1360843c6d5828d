"""What the site's people do to a tenant's balance: each with a reason and a fresh sign-in, and
booked once for one reference, however often the form is sent."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import amounts
from console.forms import ApiForm, form_of
from console.pages import Question, call, confirm, done, show
from console.who import fresh_sign_in, only_with, tenant_page
from relay.api.v1 import entries, keys, wallets
from relay.api.v1.operation import View
from relay.api.v1.roles import Right

WHY: dict[str, Any] = {
    "label": gettext_lazy("Why"),
    "help_text": gettext_lazy("The tenant can read it."),
    "required": True,
}
REFERENCE: dict[str, Any] = {
    "help_text": gettext_lazy(
        "Your number of the payment, if there is one. What has this number is booked once."
    ),
}
FIELDS = ("amount", "memo", "reference")
TopUp = form_of(wallets.TopUps, "post", FIELDS, memo=WHY, reference=REFERENCE)
Adjustment = form_of(wallets.Adjustments, "post", FIELDS, memo=WHY, reference=REFERENCE)
Credit = form_of(
    wallets.Credit,
    "put",
    ["credit_limit", "memo"],
    memo={"label": gettext_lazy("Why"), "help_text": gettext_lazy("For the record."),
          "required": True},
)  # fmt: skip


@tenant_page
@only_with(Right.MONEY)
@fresh_sign_in
def top_up(request: HttpRequest, tenant_id: int) -> HttpResponse:
    form = TopUp(request.POST or None, initial=_number())
    told = {"title": _("Top up"), "button": _("Add the money")}
    return _book(request, tenant_id, wallets.TopUps, form, told)


@tenant_page
@only_with(Right.MONEY)
@fresh_sign_in
def adjust(request: HttpRequest, tenant_id: int) -> HttpResponse:
    form = Adjustment(request.POST or None, initial=_number())
    told = {"title": _("Correct the balance"), "button": _("Book it")}
    return _book(request, tenant_id, wallets.Adjustments, form, told)


@tenant_page
@only_with(Right.MONEY)
@fresh_sign_in
def credit(request: HttpRequest, tenant_id: int) -> HttpResponse:
    wallet = _wallet(request, tenant_id)
    initial = {"credit_limit": wallet["credit_limit"]}
    form = Credit(request.POST or None, initial=initial)
    if form.is_valid():
        with form.refusals():
            call(request, wallets.Credit, "put", tenant_id=tenant_id, body=form.body)
            return done(request, back(tenant_id), _("The credit limit is set."))
    told = {"title": _("Credit limit"), "button": _("Set the limit"), "wallet": wallet}
    return _ask(request, tenant_id, form, told)


@tenant_page
@only_with(Right.KEYS)
def refill(request: HttpRequest, tenant_id: int) -> HttpResponse:
    question = Question(
        title=_("Refill the test wallet?"),
        text=_("Test keys pay from it. Its money is worth nothing."),
        button=_("Refill"),
        back=back(tenant_id),
        is_dangerous=False,
    )
    return confirm(
        request,
        question,
        lambda reason: call(request, keys.TestWallet, "post", tenant_id=tenant_id),
        said=_("The test wallet is refilled."),
    )


def back(tenant_id: int) -> str:
    return reverse("console:entries", args=[tenant_id])


def _book(
    request: HttpRequest, tenant_id: int, view: type[View], form: ApiForm, told: Mapping[str, Any]
) -> HttpResponse:
    if form.is_valid():
        with form.refusals():
            booked = call(request, view, "post", tenant_id=tenant_id, body=form.body)
            return done(request, back(tenant_id), _said(booked))
    wallet = _wallet(request, tenant_id)
    return _ask(request, tenant_id, form, {"wallet": wallet, **told})


def _said(booked: Mapping[str, Any]) -> str:
    entry, told = booked["entry"], _("%(amount)s is booked; the balance is %(balance)s.")
    if not booked["is_new"]:
        told = _("%(amount)s had been booked before; the balance is %(balance)s.")
    balance = amounts.text(booked["wallet"]["balance"])
    return told % {"amount": amounts.text(entry["amount"]), "balance": balance}


def _ask(
    request: HttpRequest, tenant_id: int, form: ApiForm, told: Mapping[str, Any]
) -> HttpResponse:
    shown = {"form": form, "tenant_id": tenant_id, "back": back(tenant_id), **told}
    return show(request, "console/entries/form.html", shown)


def _wallet(request: HttpRequest, tenant_id: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = call(request, entries.WalletView, "get", tenant_id=tenant_id)
    return found


def _number() -> dict[str, str]:
    """Of this form: sent twice, it is booked once."""
    return {"reference": f"console-{secrets.token_hex(8)}"}
