"""At which balances a tenant wants to be told."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import form_of
from console.pages import call, done, show
from console.who import only_with, tenant_page
from relay.api.v1 import hooks
from relay.api.v1.roles import Right

Amounts = form_of(
    hooks.Thresholds,
    "put",
    ["amounts"],
    amounts={
        "label": gettext_lazy("Amounts"),
        "help_text": gettext_lazy(
            "One a line, such as 10.00. You are told once each time the available money falls "
            "below one. Empty: never."
        ),
        "required": False,
    },
)


def read(request: HttpRequest, tenant_id: int) -> list[Any]:
    return list(call(request, hooks.Thresholds, "get", tenant_id=tenant_id)["data"])


@tenant_page
@only_with(Right.THRESHOLDS)
def change(request: HttpRequest, tenant_id: int) -> HttpResponse:
    now = [row["amount"] for row in read(request, tenant_id)]
    form = Amounts(request.POST if request.method == "POST" else None, initial={"amounts": now})
    back = reverse("console:top-up", args=[tenant_id])
    if form.is_valid():
        with form.refusals():
            call(request, hooks.Thresholds, "put", tenant_id=tenant_id, body=form.body)
            return done(request, back, _("You will be told."))
    told = {"form": form, "title": _("Low balance"), "button": _("Save"), "back": back}
    return show(request, "console/topups/form.html", told)
