"""Price books: all of them, and a new draft."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import ApiForm, form_of
from console.lists import Column, List
from console.pages import call, done, may
from console.places import ask
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import books
from relay.api.v1.fields import ID_MAX
from relay.api.v1.roles import Right

# Of which a new draft may be a copy, by choice; older ones have a button of their own.
CHOICES = 50
STATES = {
    "draft": gettext_lazy("Draft"),
    "upcoming": gettext_lazy("Waits for its time"),
    "in_force": gettext_lazy("In force"),
    "past": gettext_lazy("Replaced"),
}
BOOKS = List(
    id="books",
    view=books.Books,
    columns=(
        Column("id", gettext_lazy("Book"), "console/prices/cells/number.html"),
        Column("state", gettext_lazy("State"), "console/prices/cells/state.html"),
        Column("memo", gettext_lazy("Note"), "user_text"),
        Column("effective_at", gettext_lazy("In force from"), "moment"),
        Column("created_by", gettext_lazy("Made by"), "console/prices/cells/made.html"),
        Column("published_by", gettext_lazy("Published by"), "console/prices/cells/published.html",
               is_wide=True),
    ),
    filters=("state",),
    changes={"state": {"choices": [("", gettext_lazy("Any")), *STATES.items()]}},
    empty=gettext_lazy("There are no price books yet: nothing can be bought. Begin a draft."),
    empty_icon="tag",
    begin="console/prices/begin.html",
    poll_seconds=15,
)  # fmt: skip


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    told = {
        "live": live(request),
        "upcoming": of_state(request, "upcoming"),
        "drafts": of_state(request, "draft"),
        "may_change": may(request, Right.PRICES),
    }
    return BOOKS.page(request, "console/prices/list.html", told)


@staff_page
@only_with(Right.PRICES)
@fresh_sign_in
def make(request: HttpRequest) -> HttpResponse:
    form = _new_draft(request)
    if form.is_valid():
        with form.refusals():
            made = call(request, books.Books, "post", body=form.body)
            return done(request, url("book", made["id"]), _("The draft is made."))
    return ask(
        request,
        form,
        title=_("New draft"),
        button=_("Begin the draft"),
        back=reverse("console:prices"),
    )


def of_state(request: HttpRequest, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(request, books.Books, "get", query={"state": state})["data"]
    return found


def live(request: HttpRequest) -> dict[str, Any] | None:
    """The book in force."""
    return next(iter(of_state(request, "in_force")), None)


def url(name: str, book_id: int) -> str:
    return reverse(f"console:{name}", kwargs={"book_id": book_id})


def one(request: HttpRequest, book_id: int, *, tab: str) -> dict[str, Any]:
    """What the head of a book's pages shows."""
    book = call(request, books.OneBook, "get", book_id=book_id)
    in_force = live(request)
    is_old = in_force is not None and book["state"] in ("draft", "upcoming")
    return {
        "book": book,
        "live": in_force,
        # What was published since it was copied would be undone by it.
        "is_overtaken": is_old and book["origin"] not in (None, in_force and in_force["id"]),
        "may_change": may(request, Right.PRICES),
        "is_draft": book["state"] == "draft",
        "state": STATES[book["state"]],
        "tab": tab,
    }


def number(text: str) -> int | None:
    """The id that an address names; None for what can be none."""
    is_id = text.isascii() and text.isdecimal() and len(text) <= len(str(ID_MAX))
    return int(text) if is_id and 0 < int(text) <= ID_MAX else None


def title(book: dict[str, Any]) -> str:
    """As a choice shows it."""
    text = f"{_('Book')} {book['id']}: {STATES[book['state']]}"
    return f"{text} – {book['memo']}" if book["memo"] else text


def choices(request: HttpRequest) -> list[tuple[Any, Any]]:
    rows = call(request, books.Books, "get", query={"limit": CHOICES})["data"]
    return [(row["id"], title(row)) for row in rows]


def _new_draft(request: HttpRequest) -> ApiForm:
    known = dict(choices(request))
    in_force = live(request)
    if in_force:
        known.setdefault(in_force["id"], title(in_force))
    asked = number(request.GET.get("origin", ""))
    if asked is not None and asked not in known:
        found = call(request, books.OneBook, "get", book_id=asked)
        known[found["id"]] = title(found)
    kind = form_of(
        books.Books,
        "post",
        ["origin", "memo"],
        origin={
            "label": _("Begins as a copy of"),
            "help_text": _("A draft changes nothing until it is published."),
            "widget": forms.Select(
                choices=[("", _("Nothing: an empty book")), *known.items()],
                attrs={"class": "form-select"},
            ),
        },
        memo={"help_text": _("What it is for; others see it in the list of books.")},
    )
    initial = {"origin": asked if "origin" in request.GET else in_force and in_force["id"]}
    return kind(request.POST or None, initial=initial)
