"""What is done with a whole book: published, withdrawn, rolled back to, described, deleted."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import formats
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import display
from console.forms import form_of
from console.pages import Question, call, confirm, done, show
from console.places import ask
from console.prices import looks, views
from console.prices.views import url
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import books
from relay.api.v1.roles import Right

WHEN = {
    "label": gettext_lazy("In force from"),
    "help_text": gettext_lazy("Empty: at once. Until then it may be withdrawn."),
}
Publication = form_of(
    books.Publishing,
    "post",
    ["effective_at", "reason", "digest"],
    effective_at=WHEN,
    reason={"label": gettext_lazy("Why"), "help_text": gettext_lazy("For the audit.")},
    digest={"widget": forms.HiddenInput()},
)
Return = form_of(
    books.RollBack,
    "post",
    ["effective_at", "memo"],
    effective_at=WHEN,
    memo={
        "label": gettext_lazy("Why"),
        "required": True,
        "help_text": gettext_lazy("It stands in the audit, and as the note of the new book."),
    },
)
Description = form_of(books.OneBook, "patch", ["memo"], memo={"help_text": ""})


@staff_page
@only_with(Right.PRICES)
@fresh_sign_in
def publish(request: HttpRequest, book_id: int) -> HttpResponse:
    told = views.one(request, book_id, tab="")
    diff = looks.differences(request, book_id)
    posted = request.POST.copy()
    form = Publication(posted or None, initial={"digest": diff["digest"]})
    if form.is_valid():
        with form.refusals():
            made = call(request, books.Publishing, "post", body=form.body, book_id=book_id)
            return done(request, url("book", book_id), _said(made))
    # What is on the page from now on is what somebody agrees to.
    posted["digest"] = diff["digest"]
    told |= {
        "form": form,
        "diff": diff,
        "totals": looks.TOTALS,
        "title": _("Publish book %d") % book_id,
        "button": _("Publish"),
        "back": url("book", book_id),
    }
    return show(request, "console/prices/publish.html", told)


@staff_page
@only_with(Right.PRICES)
@fresh_sign_in
def roll_back(request: HttpRequest, book_id: int) -> HttpResponse:
    told = views.one(request, book_id, tab="")
    form = Return(request.POST or None)
    if form.is_valid():
        with form.refusals():
            made = call(request, books.RollBack, "post", body=form.body, book_id=book_id)
            return done(request, url("book", made["id"]), _said(made))
    told |= {
        "form": form,
        "diff": looks.differences(request, book_id),
        "totals": looks.TOTALS,
        "title": _("Back to book %d") % book_id,
        "button": _("Roll back"),
        "back": url("book", book_id),
        "is_return": True,
    }
    return show(request, "console/prices/publish.html", told)


@staff_page
@only_with(Right.PRICES)
@fresh_sign_in
def withdraw(request: HttpRequest, book_id: int) -> HttpResponse:
    call(request, books.OneBook, "get", book_id=book_id)
    question = Question(
        title=_("Withdraw book %d?") % book_id,
        text=_("It does not take force, and is a draft again. The prices of now go on."),
        button=_("Withdraw"),
        back=url("book", book_id),
    )
    return confirm(
        request,
        question,
        lambda reason: call(request, books.Withdrawal, "post", book_id=book_id),
        said=_("The book is a draft again."),
    )


@staff_page
@only_with(Right.PRICES)
@fresh_sign_in
def describe(request: HttpRequest, book_id: int) -> HttpResponse:
    book = call(request, books.OneBook, "get", book_id=book_id)
    form = Description(request.POST or None, initial={"memo": book["memo"]})
    if form.is_valid():
        with form.refusals():
            call(request, books.OneBook, "patch", body=form.body, book_id=book_id)
            return done(request, url("book", book_id), _("The note is saved."))
    return ask(
        request,
        form,
        title=_("Note of book %d") % book_id,
        button=_("Save"),
        back=url("book", book_id),
    )


@staff_page
@only_with(Right.PRICES)
@fresh_sign_in
def discard(request: HttpRequest, book_id: int) -> HttpResponse:
    call(request, books.OneBook, "get", book_id=book_id)

    def act(reason: str) -> HttpResponse:
        call(request, books.OneBook, "delete", book_id=book_id)
        return done(request, reverse("console:prices"), _("The draft is deleted."))

    question = Question(
        title=_("Delete draft %d?") % book_id,
        text=_("All that was written in it is gone, whoever wrote it. No price changes."),
        button=_("Delete"),
        back=url("book", book_id),
    )
    return confirm(request, question, act, said="")


def _said(book: dict[str, Any]) -> str:
    if book["state"] == "in_force":
        return str(_("Book %d is in force now.") % book["id"])
    when = parse_datetime(book["effective_at"])
    local = formats.date_format(display.local(when), "DATETIME_FORMAT") if when else ""
    return str(_("Book %(id)d takes force at %(when)s.") % {"id": book["id"], "when": local})
