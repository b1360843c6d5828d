"""Channels are made, changed, copied and deleted."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from console.channels import forms
from console.channels.views import address
from console.forms import ApiForm
from console.pages import Question, call, confirm, done, is_part, show
from console.who import fresh_sign_in, fresh_sign_in_to_see, only_with, staff_page
from relay.api.v1 import channel_actions, channels
from relay.api.v1.roles import Right

FORM = "console/channels/form.html"


@staff_page
@only_with(Right.CHANNELS)
@fresh_sign_in_to_see
def make(request: HttpRequest) -> HttpResponse:
    form = forms.NewChannel(request.POST or None)
    if form.is_valid():
        with form.refusals():
            made = call(request, channels.Channels, "post", body=form.body)
            return done(request, address("channel", made["id"]), _("The channel is made."))
    back = reverse("console:channels")
    return _ask(request, form, title=_("New channel"), button=_("Make the channel"), back=back)


@staff_page
@only_with(Right.CHANNELS)
@fresh_sign_in_to_see
def change(request: HttpRequest, channel_id: int) -> HttpResponse:
    """(The credentials are sent to its address: whoever changes that could read them.)"""
    channel = _one(request, channel_id)
    form = forms.ChangedChannel(request.POST or None, initial=channel)
    if form.is_valid():
        with form.refusals():
            call(request, channels.OneChannel, "patch", channel_id=channel_id, body=form.body)
            return done(request, address("channel", channel_id), _("The channel is changed."))
    title = _("Change %s") % channel["name"]
    back = address("channel", channel_id)
    return _ask(request, form, title=title, button=_("Save"), back=back)


@staff_page
@require_POST
def set_field(request: HttpRequest, channel_id: int, field: str) -> HttpResponse:
    """One field, in its place in the list."""
    kind = forms.in_place(field)
    if kind is None:
        raise Http404
    form = kind(request.POST)
    is_saved = False
    if form.is_valid():
        with form.refusals():
            if form.body:
                ids: dict[str, Any] = {"channel_id": channel_id}
                call(request, channels.OneChannel, "patch", body=form.body, **ids)
            is_saved = True
    if not is_part(request):
        return _without_script(request, form, channel_id, is_saved=is_saved)
    row = _one(request, channel_id)
    told = {"row": row, "field": field, "is_saved": is_saved, "may_change": True}
    # What was typed stays where it was refused.
    value = row[field] if is_saved else form[field].value()
    told |= {"value": value, "now": row[field], "errors": form.errors, "label": form[field].label}
    return render(request, "console/channels/field.html", told)


@staff_page
@only_with(Right.CHANNELS)
@fresh_sign_in
def clone(request: HttpRequest, channel_id: int) -> HttpResponse:
    channel = _one(request, channel_id)
    start = {"name": _("Copy of %s") % channel["name"]}
    form = forms.Copy(request.POST or None, initial=start)
    if form.is_valid():
        with form.refusals():
            ids: dict[str, Any] = {"channel_id": channel_id}
            made = call(request, channel_actions.Cloning, "post", body=form.body, **ids)
            said = _("The copy is made. It is disabled until you enable it.")
            return done(request, address("channel", made["id"]), said)
    title = _("Copy %s") % channel["name"]
    back = address("channel", channel_id)
    return _ask(request, form, title=title, button=_("Make the copy"), back=back)


@staff_page
@only_with(Right.CHANNELS)
def delete(request: HttpRequest, channel_id: int) -> HttpResponse:
    channel = _one(request, channel_id)
    question = Question(
        title=_("Delete %s?") % channel["name"],
        text=_("Its credentials, costs and history go with it. A channel that was ever given a "
               "task cannot be deleted: disable it."),
        button=_("Delete"),
        back=address("channel", channel_id),
    )  # fmt: skip

    def act(reason: str) -> HttpResponse:
        call(request, channels.OneChannel, "delete", channel_id=channel_id)
        return done(request, reverse("console:channels"), _("The channel is deleted."))

    return confirm(request, question, act, said="")


def _one(request: HttpRequest, channel_id: int) -> dict[str, Any]:
    channel: dict[str, Any] = call(request, channels.OneChannel, "get", channel_id=channel_id)
    return channel


def _ask(
    request: HttpRequest, form: ApiForm, *, title: str, button: str, back: str
) -> HttpResponse:
    more = set(forms.MORE)
    told = {
        "form": form,
        "title": title,
        "button": button,
        "back": back,
        "main": [bound for bound in form if bound.name not in more],
        "more": [bound for bound in form if bound.name in more],
        "is_more_open": any(bound.errors for bound in form if bound.name in more),
    }
    return show(request, FORM, told)


def _without_script(
    request: HttpRequest, form: ApiForm, channel_id: int, *, is_saved: bool
) -> HttpResponse:
    back = reverse("console:channels")
    if is_saved:
        return done(request, back, _("The channel is changed."))
    title = _("Change %s") % _one(request, channel_id)["name"]
    return _ask(request, form, title=title, button=_("Save"), back=back)
