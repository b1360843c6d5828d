"""The credentials of a channel. Their secrets go in, and are shown to nobody."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from console.channels import forms
from console.channels.views import address
from console.pages import Question, call, confirm, done, show
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import channels, credentials
from relay.api.v1.roles import Right

FORM = "console/channels/form.html"


@staff_page
@only_with(Right.CHANNELS)
@fresh_sign_in
def add(request: HttpRequest, channel_id: int) -> HttpResponse:
    channel = call(request, channels.OneChannel, "get", channel_id=channel_id)
    form = forms.NewCredential(request.POST or None)
    if form.is_valid():
        with form.refusals():
            ids: dict[str, Any] = {"channel_id": channel_id}
            call(request, credentials.Credentials, "post", body=form.body, **ids)
            return done(request, address("channel", channel_id), _("The credential is added."))
    title = _("New credential of %s") % channel["name"]
    return _ask(request, form, channel_id, title=title, button=_("Add it"))


@staff_page
@only_with(Right.CHANNELS)
@fresh_sign_in
def change(request: HttpRequest, channel_id: int, credential_id: int) -> HttpResponse:
    row = _one(request, channel_id, credential_id)
    form = forms.ChangedCredential(request.POST or None, initial={"name": row["name"]})
    if form.is_valid():
        with form.refusals():
            _change(request, channel_id, credential_id, **form.body)
            return done(request, address("channel", channel_id), _("The credential is changed."))
    title = _("Change %s") % row["name"]
    return _ask(request, form, channel_id, title=title, button=_("Save"))


@staff_page
@only_with(Right.CHANNELS)
def off(request: HttpRequest, channel_id: int, credential_id: int) -> HttpResponse:
    row = _one(request, channel_id, credential_id)
    question = Question(
        title=_("Switch %s off?") % row["name"],
        text=_("It gets no new tasks. What it draws is followed through it all the same."),
        button=_("Switch off"),
        back=address("channel", channel_id),
    )

    def act(reason: str) -> None:
        _change(request, channel_id, credential_id, is_active=False)

    return confirm(request, question, act, said=_("The credential is switched off."))


@staff_page
@only_with(Right.CHANNELS)
@fresh_sign_in
def on(request: HttpRequest, channel_id: int, credential_id: int) -> HttpResponse:
    row = _one(request, channel_id, credential_id)
    question = Question(
        title=_("Switch %s on?") % row["name"],
        text=_("It gets new tasks from now on, as long as the upstream takes it."),
        button=_("Switch on"),
        back=address("channel", channel_id),
        is_dangerous=False,
    )

    def act(reason: str) -> None:
        _change(request, channel_id, credential_id, is_active=True)

    return confirm(request, question, act, said=_("The credential is switched on."))


@staff_page
@only_with(Right.CHANNELS)
@fresh_sign_in
def delete(request: HttpRequest, channel_id: int, credential_id: int) -> HttpResponse:
    row = _one(request, channel_id, credential_id)
    question = Question(
        title=_("Delete %s?") % row["name"],
        text=_("Only one that was never used can be deleted; switch another one off."),
        button=_("Delete"),
        back=address("channel", channel_id),
    )
    ids: dict[str, Any] = {"channel_id": channel_id, "credential_id": credential_id}
    return confirm(
        request,
        question,
        lambda reason: call(request, credentials.OneCredential, "delete", **ids),
        said=_("The credential is deleted."),
    )


def _one(request: HttpRequest, channel_id: int, credential_id: int) -> dict[str, Any]:
    ids: dict[str, Any] = {"channel_id": channel_id, "credential_id": credential_id}
    row: dict[str, Any] = call(request, credentials.OneCredential, "get", **ids)
    return row


def _change(request: HttpRequest, channel_id: int, credential_id: int, **body: Any) -> None:
    ids: dict[str, Any] = {"channel_id": channel_id, "credential_id": credential_id}
    call(request, credentials.OneCredential, "patch", body=body, **ids)


def _ask(
    request: HttpRequest, form: Any, channel_id: int, *, title: str, button: str
) -> HttpResponse:
    told = {
        "form": form,
        "title": title,
        "button": button,
        "back": address("channel", channel_id),
        "main": list(form),
    }
    return show(request, FORM, told)
