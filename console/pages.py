"""The frame of a page: it asks the API's operations, in the same process, for the one who looks.

    @tenant_page
    def one(request: HttpRequest, tenant_id: int, key_id: int) -> HttpResponse:
        key = call(request, keys.OneKey, "get", tenant_id=tenant_id, key_id=key_id)
        return show(request, "console/keys/one.html", {"key": key})

What the API refuses is a page of its own (console/errors.py), or stands at the form's field
(console/forms.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from console.forms import refusals
from console.who import manager_for
from relay.api.v1 import origins, roles
from relay.api.v1.operation import View, perform
from relay.api.v1.roles import Right

DIALOG = "dialog-body"
REASON_MAX_CHARS = 200


def call(
    request: HttpRequest,
    view: type[View],
    method: str,
    *,
    tenant_id: int | None = None,
    query: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    **ids: Any,
) -> Any:
    """What the API answers the one who looks. Raises what `perform` raises, and Http404 for who
    has nothing to do with the tenant."""
    return perform(
        view,
        method,
        who=manager_for(request, tenant_id),
        tenant_id=tenant_id,
        query=query,
        body=body,
        ids=ids,
        origin=origins.of(request, via="console"),
    )


def may(request: HttpRequest, right: Right, tenant_id: int | None = None) -> bool:
    """For buttons that would be refused: the API decides for itself."""
    return roles.allows(manager_for(request, tenant_id), right)


def is_part(request: HttpRequest) -> bool:
    """Asked for by htmx, which wants a part of a page."""
    return request.headers.get("HX-Request") == "true"


def in_dialog(request: HttpRequest) -> bool:
    return is_part(request) and request.headers.get("HX-Target") == DIALOG


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None
) -> HttpResponse:
    """The page; where a dialog asked for it, as its content. Such templates begin with
    `{% extends layout %}` and fill `title` and `content`."""
    layout = "console/layouts/dialog.html" if in_dialog(request) else "console/layouts/page.html"
    return render(request, template, {"layout": layout, **(context or {})})


def done(request: HttpRequest, url: str, text: Any = "") -> HttpResponse:
    """After a POST: the next page, which says `text`. (console/errors.py makes of it what htmx
    follows.)"""
    if text:
        messages.success(request, text)
    return HttpResponseRedirect(url)


def leave(request: HttpRequest, url: str, text: Any) -> HttpResponse:
    """To a page of somebody else, as a payment service's: the policy of our pages does not let a
    form lead there, so this one does, with `text` for the moment in between."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("this is not a web address")
    response = render(request, "console/layouts/leave.html", {"url": url, "text": text})
    response["Referrer-Policy"] = "no-referrer"
    return response


@dataclass(frozen=True)
class Question:
    """Asked before something is done that hurts. `back`: where "Cancel" leads. With `reason` the
    person must write why, with `word` write it down as it stands."""

    title: Any
    text: Any
    button: Any
    back: str
    is_dangerous: bool = True
    reason: bool = False
    word: str = ""


class _Answer(forms.Form):
    def __init__(self, question: Question, data: Any = None) -> None:
        super().__init__(data)
        self.question = question
        if question.reason:
            self.fields["reason"] = forms.CharField(
                label=gettext_lazy("Why"), max_length=REASON_MAX_CHARS
            )
        if question.word:
            self.fields["word"] = forms.CharField(
                label=gettext_lazy("Write it here to go on"), help_text=question.word
            )

    def clean_word(self) -> str:
        if self.cleaned_data["word"] != self.question.word:
            raise forms.ValidationError(gettext_lazy("This is another word."))
        return self.question.word


def confirm(
    request: HttpRequest, question: Question, act: Callable[[str], Any], *, said: Any
) -> HttpResponse:
    """A page, or a dialog, that asks. After "yes" `act(reason)` is called and `said` is shown.

    What the API refuses stands above the buttons; `act` may answer with another page.
    """
    form = _Answer(question, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            answer = act(form.cleaned_data.get("reason", ""))
            if isinstance(answer, HttpResponse):
                return answer
            return done(request, question.back, said)
    return show(request, "console/parts/confirm.html", {"form": form, "question": question})
