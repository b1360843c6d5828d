"""A tenant's account for a month or any days, to look at and as files."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from console import periods
from console.lists import Column
from console.pages import call, show
from console.tables import Table
from console.who import tenant_page
from relay.api.v1 import statements

FILES = (
    ("pdf", gettext_lazy("PDF")),
    ("csv", gettext_lazy("Sums as CSV")),
    ("entries", gettext_lazy("All entries as CSV")),
)
Chosen = periods.form_of_period(statements.Statement)
KINDS = (
    Column("kind", gettext_lazy("Kind"), "word"),
    Column("number", pgettext_lazy("how many", "Number"), "number"),
    Column("amount", gettext_lazy("Balance"), "money"),
    Column("held", gettext_lazy("Held"), "money", is_wide=True),
)
SUMS = (
    Column("captured.number", gettext_lazy("Drawings"), "number"),
    Column("captured.amount", gettext_lazy("Paid"), "money", is_wide=True),
    Column("refunded.amount", gettext_lazy("Refunded"), "money", is_wide=True),
    Column("released.number", gettext_lazy("Free, as they failed"), "number", is_wide=True),
    Column("net", gettext_lazy("Net"), "money"),
)
BY_KEY = (Column("name", gettext_lazy("Key")), *SUMS)
BY_ACTION = (
    Column("name", gettext_lazy("Action"), "word"),
    Column("mode", gettext_lazy("Mode"), "word"),
    *SUMS,
)


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    form = Chosen(request.GET.copy())
    told: dict[str, Any] = {
        "tenant_id": tenant_id,
        "form": form,
        "quick": periods.quick(request),
        "months": periods.months(request),
    }
    if form.is_valid():
        with form.refusals():
            asked = form.body
            if (kind := request.GET.get("format")) in dict(FILES):
                wanted = {"format": kind, "language": get_language()}
                file: HttpResponse = _ask(request, tenant_id, asked | wanted)
                return file
            told |= _shown(_ask(request, tenant_id, asked))
            told["files"] = [(periods.address(request, format=k), label) for k, label in FILES]
    return show(request, "console/statements/page.html", told)


def _ask(request: HttpRequest, tenant_id: int, asked: Mapping[str, Any]) -> Any:
    return call(request, statements.Statement, "get", tenant_id=tenant_id, query=asked)


def _shown(account: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [{"kind": kind, **sums} for kind, sums in account["kinds"].items() if sums["number"]]
    empty = _("Nothing happened in this time.")
    return {
        "account": account,
        "by_kind": Table(KINDS, kinds, empty=empty, empty_icon="file-invoice"),
        "by_key": Table(BY_KEY, account["by_key"], empty=empty, empty_icon="key"),
        "by_action": Table(BY_ACTION, account["by_action"], empty=empty, empty_icon="brush"),
    }
