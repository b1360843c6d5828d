"""What a book changes, what it would have earned, and why somebody pays what he pays."""

from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import by_name, words
from console.forms import of_serializer, refusals
from console.pages import call, show
from console.prices import names, views
from console.who import staff_page
from relay.api.v1 import book_grid, books, keys, tenants
from relay.api.v1.fields import MODES
from relay.api.v1.paging import PAGE_ROWS_MAX
from relay.errors import ObjectNotFound

TENANTS_SHOWN = 50
# The part of a confirmation that comes after the page.
TOTALS = "preview-totals"
Days = of_serializer(
    books.PreviewQuery,
    ["first", "last"],
    changes={
        "first": {"label": gettext_lazy("From (UTC)"), "help_text": ""},
        "last": {"label": gettext_lazy("To, included")},
    },
)


@staff_page
def diff(request: HttpRequest, book_id: int) -> HttpResponse:
    told = views.one(request, book_id, tab="diff")
    to = views.number(request.GET.get("to", "")) or (told["live"] and told["live"]["id"])
    found = differences(request, book_id, to=to)
    known = {str(pk): text for pk, text in views.choices(request)}
    if told["live"]:
        known.setdefault(str(told["live"]["id"]), views.title(told["live"]))
    told |= {"diff": found, "to": str(to or ""), "choices": list(known.items())}
    return show(request, "console/prices/diff.html", told)


@staff_page
def preview(request: HttpRequest, book_id: int) -> HttpResponse:
    told = views.one(request, book_id, tab="preview")
    asked = {name: request.GET.get(name, "") for name in ("first", "last")}
    form = Days(asked)
    found = None
    if form.is_valid():
        with form.refusals():
            found = earnings(request, book_id, form.body)
    if found and request.headers.get("HX-Target") == TOTALS:
        return render(request, "console/prices/parts/preview_figures.html", {"preview": found})
    if found:
        form = form if any(asked.values()) else Days(found)
    return show(request, "console/prices/preview.html", told | {"form": form, "preview": found})


@staff_page
def look_up(request: HttpRequest) -> HttpResponse:
    asked = request.GET
    in_force = views.live(request)
    book = asked.get("book") or (str(in_force["id"]) if in_force else "")
    told: dict[str, Any] = {"book": book, "live": in_force, "found": None, "tenants": []}
    form = _LookUp(asked if "tenant" in asked else None, books=views.choices(request), book=book)
    form.fields["tenant"].widget = box = by_name.Typed(by_name.tenants_of(request), placeholder="")
    box.attrs["data-search"] = ""
    if form.is_valid():
        known = _tenants(request, form.cleaned_data["tenant"])
        told["tenants"] = known if len(known) > 1 else []
        if len(known) == 1:
            form.offer(_keys(request, known[0]["id"]))
            told["tenant"] = known[0]
            with refusals(form):
                told["found"] = _reason(request, form, known[0]["id"])
        elif not known:
            form.add_error("tenant", _("There is no such tenant."))
    return show(request, "console/prices/look_up.html", told | {"form": form})


def differences(request: HttpRequest, book_id: int, *, to: int | None = None) -> dict[str, Any]:
    """The API's, with what each price has become in percent."""
    query = {} if to is None else {"to": to}
    found: dict[str, Any] = call(request, books.BookDiff, "get", query=query, book_id=book_id)
    for row in [*found["rules"], *found["ratios"]]:
        row["share"] = _share(row["before"], row["after"])
        row["is_dearer"] = row["share"] is not None and row["share"] > 0
    for row in found["rules"]:
        row["label"] = names.price(row["name"])
    return found


def earnings(request: HttpRequest, book_id: int, query: dict[str, Any]) -> dict[str, Any]:
    """The API's preview, with what is different, and what the totals have become in percent."""
    query = query | {"most": TENANTS_SHOWN}
    found: dict[str, Any] = call(request, books.BookPreview, "get", query=query, book_id=book_id)
    for row in [found["total"], *found["by_action"], *found["by_tenant"]]:
        row["change"] = str(Decimal(row["would_earn"]) - Decimal(row["earned"]))
        row["share"] = _share(row["earned"], row["would_earn"])
    for row in found["by_action"]:
        row["label"] = names.price(row["price_name"])
    return found


class _LookUp(forms.Form):
    """Of whom, for what."""

    tenant = forms.CharField(
        label=gettext_lazy("Tenant"),
        max_length=by_name.TEXT_MAX_CHARS,
        help_text=gettext_lazy("Its number, or its name or a part of it."),
    )
    key = forms.TypedChoiceField(
        label=gettext_lazy("Key"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=gettext_lazy("A key may use another group than its tenant."),
    )
    action = forms.ChoiceField(label=gettext_lazy("Action"), choices=list(names.ACTIONS.items()))
    mode = forms.ChoiceField(label=gettext_lazy("Mode"))
    book = forms.TypedChoiceField(label=gettext_lazy("Price book"), coerce=int)

    def __init__(self, data: Any, *, books: list[tuple[Any, Any]], book: str) -> None:
        super().__init__(data, initial={"book": book})
        known = {str(pk): text for pk, text in books}
        if book.isdecimal():
            known.setdefault(book, f"{_('Book')} {book}")
        self._choose("book", list(known.items()))
        self._choose("mode", [(mode, words.word(mode)) for mode in MODES])
        asked = (data or {}).get("key", "")
        # Of which tenant it is, is found out later.
        self._choose("key", [("", _any_key()), *([(asked, asked)] if asked.isdecimal() else [])])

    def offer(self, found: list[tuple[Any, Any]]) -> None:
        self._choose("key", [("", _any_key()), *found])
        if self.cleaned_data.get("key") not in {pk for pk, _name in found}:
            self.cleaned_data["key"] = None

    def _choose(self, name: str, found: list[tuple[Any, Any]]) -> None:
        field: Any = self.fields[name]
        field.choices = found


def _any_key() -> str:
    return _("One without a group of its own")


def _tenants(request: HttpRequest, text: str) -> list[dict[str, Any]]:
    """The one of this number or name, else those that the text is a part of."""
    try:
        pk = by_name.tenants_of(request).find(text)
        return [call(request, tenants.OneTenant, "get", tenant_id=pk)]
    except (forms.ValidationError, ObjectNotFound):
        query = {"q": text, "limit": by_name.OFFERED}
        return list(call(request, tenants.Tenants, "get", query=query)["data"])


def _keys(request: HttpRequest, tenant_id: int) -> list[tuple[int, str]]:
    query = {"limit": PAGE_ROWS_MAX}
    rows = call(request, keys.Keys, "get", tenant_id=tenant_id, query=query)["data"]
    return [
        (row["id"], f"{row['name']} ({row['group']})" if row["group"] else row["name"])
        for row in rows
    ]


def _reason(request: HttpRequest, form: forms.Form, tenant_id: int) -> dict[str, Any]:
    asked = form.cleaned_data
    query = {"tenant": tenant_id, "action": asked["action"], "mode": asked["mode"]}
    if asked["key"]:
        query["key"] = asked["key"]
    found: dict[str, Any] = call(
        request, book_grid.PriceReason, "get", query=query, book_id=asked["book"]
    )
    found["label"] = names.action(found["action"])
    for row in found["rules"]:
        row["why"] = _why(row, found)
    return found


def _why(rule: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """How near this rule is to what was asked for."""
    if rule["tenant_id"] is not None:
        whose = _("for this tenant only")
    elif rule["group"] is not None:
        whose = _("for the group %s") % rule["group"]
    else:
        whose = _("for everybody")
    if rule["name"] == found["names"][0]:
        name = _("exactly this name")
    elif rule["name"] in found["names"]:
        name = _("what it is called too")
    else:
        name = _("a pattern that fits")
    mode = _("exactly this mode") if rule["mode"] else _("any mode")
    return [whose, name, mode]


def _share(before: str | None, after: str | None) -> float | None:
    """By how much it is more: 0.1 for ten percent."""
    if before is None or after is None or not Decimal(before):
        return None
    return float((Decimal(after) - Decimal(before)) / Decimal(before))
