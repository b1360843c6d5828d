"""A tenant's wallet, and the lines of the ledger that it adds up to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.lists import Column, List
from console.pages import call, may
from console.who import tenant_page
from relay.api.v1 import entries, keys
from relay.api.v1.paging import PAGE_ROWS_MAX
from relay.api.v1.roles import Right

ENTRIES = List(
    id="entries",
    view=entries.Entries,
    columns=(
        Column("created_at", gettext_lazy("Time"), "instant"),
        Column("kind", gettext_lazy("Kind"), "status"),
        Column("amount", gettext_lazy("Balance"), "console/entries/amount.html", align="end"),
        Column("balance_after", gettext_lazy("Balance after"), "money"),
        Column("reference", gettext_lazy("What for"), "console/entries/what.html"),
        Column("held", gettext_lazy("Held"), "console/entries/change.html", align="end",
               is_wide=True),
        Column("held_after", gettext_lazy("Held after"), "money", is_wide=True),
        Column("key_id", gettext_lazy("Key"), "console/entries/key.html", is_wide=True),
    ),
    filters=("kind", "key", "reference", "since", "until", "test"),
    changes={
        "reference": {"label": gettext_lazy("Task or reference")},
        "test": {"label": gettext_lazy("Test money")},
    },
    empty=gettext_lazy("No money has moved yet."),
    empty_icon="coins",
)  # fmt: skip


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    names = key_names(request, tenant_id)
    told = {
        "tenant_id": tenant_id,
        "wallet": call(request, entries.WalletView, "get", tenant_id=tenant_id),
        "key_names": names,
        "may_book": may(request, Right.MONEY, tenant_id),
        "may_refill": may(request, Right.KEYS, tenant_id),
        "may_buy": may(request, Right.BUY, tenant_id),
    }
    return _with_keys(request, names).page(
        request, "console/entries/page.html", told, tenant_id=tenant_id
    )


def key_names(request: HttpRequest, tenant_id: int) -> dict[int, str]:
    """Of the newest ones."""
    query = {"limit": PAGE_ROWS_MAX}
    found = call(request, keys.Keys, "get", tenant_id=tenant_id, query=query)
    return {key["id"]: key["name"] for key in found["data"]}


def _with_keys(request: HttpRequest, names: Mapping[int, str]) -> List:
    """The list, with these keys to choose from; one that was asked for is there, too."""
    asked = request.GET.get("key", "")
    others = [(asked, asked)] if asked.isdecimal() and asked not in map(str, names) else []
    choices: list[tuple[Any, Any]] = [("", _("Any")), *names.items(), *others]
    return replace(
        ENTRIES, changes={**ENTRIES.changes, "key": {"widget": forms.Select(choices=choices)}}
    )
