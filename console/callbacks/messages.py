"""What was sent to a tenant's hooks: how it went, and once more."""

import json
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.callbacks import forms
from console.lists import Column, List
from console.pages import call, done, may, show
from console.places import Tab, ask, tabs, url
from console.who import only_with, tenant_page
from relay.api.v1 import callbacks
from relay.api.v1.roles import Right

# Characters that change the direction of what follows.
# (And halves of characters, which no page can be written with.)
TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MESSAGES = List(
    id="callbacks",
    view=callbacks.Callbacks,
    columns=(
        Column("created_at", gettext_lazy("Made"), "console/callbacks/cells/made.html"),
        Column("state", gettext_lazy("State"), "console/callbacks/cells/state.html"),
        Column("task_id", gettext_lazy("Task"), "console/callbacks/cells/task.html"),
        Column("tries", gettext_lazy("Tries"), "number", is_wide=True),
        Column("due_at", gettext_lazy("Next try"), "moment", is_wide=True),
        Column("url", gettext_lazy("Address"), "console/callbacks/cells/url.html", is_wide=True),
    ),
    filters=("state", "task", "since", "until"),
    changes={"task": {"label": gettext_lazy("Number of the task")}},
    actions="console/callbacks/cells/actions.html",
    empty=gettext_lazy("No callbacks yet. They are sent for tasks that name a callback address."),
    empty_icon="webhook",
    poll_seconds=10,
)


def pages(request: HttpRequest, tenant_id: int) -> list[Tab]:
    return tabs(
        request,
        [
            (_("Messages"), url("callbacks", tenant_id)),
            (_("Addresses and secret"), url("hooks", tenant_id)),
            (_("Samples"), url("hook-tests", tenant_id)),
        ],
    )


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    told = {
        "tenant_id": tenant_id,
        "tabs": pages(request, tenant_id),
        "may_replay": may(request, Right.CALLBACKS, tenant_id),
    }
    return MESSAGES.page(request, "console/callbacks/list.html", told, tenant_id=tenant_id)


@tenant_page
def one(request: HttpRequest, tenant_id: int, callback_id: int) -> HttpResponse:
    found = _one(request, tenant_id, callback_id)
    told = {
        "callback": found,
        "body": _readable(found["body"]),
        "tenant_id": tenant_id,
        "may_replay": may(request, Right.CALLBACKS, tenant_id) and found["is_final"],
    }
    return show(request, "console/callbacks/one.html", told)


@tenant_page
@only_with(Right.CALLBACKS)
def replay(request: HttpRequest, tenant_id: int, callback_id: int) -> HttpResponse:
    _one(request, tenant_id, callback_id)
    kind = forms.replay(may_redirect=may(request, Right.HOOKS, tenant_id))
    form = kind(request.POST if request.method == "POST" else None)
    back = url("callback", tenant_id, callback_id=callback_id)
    if form.is_valid():
        with form.refusals():
            ids: dict[str, Any] = {"tenant_id": tenant_id, "callback_id": callback_id}
            call(request, callbacks.Replay, "post", body=form.body, **ids)
            return done(request, back, _("It is sent again."))
    return ask(
        request,
        form,
        title=_("Send it again?"),
        text=_("It is the same message with the same webhook-id, signed anew."),
        button=_("Send it again"),
        back=back,
    )


@tenant_page
@only_with(Right.CALLBACKS)
def replay_many(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """As many at once as the API sends; the rest, if the person goes on."""
    kind = forms.replays(may_redirect=may(request, Right.HOOKS, tenant_id))
    form = kind(request.POST if request.method == "POST" else None)
    back = url("callbacks", tenant_id)
    if form.is_valid():
        with form.refusals():
            sent = call(request, callbacks.ManyReplays, "post", tenant_id=tenant_id, body=form.body)
            number = sent["replayed"]
            said = ngettext("%d message is sent again.", "%d messages are sent again.", number)
            if not sent["next"]:
                return done(request, back, said % number)
            return _go_on(request, kind, after=sent["next"], said=said % number, back=back)
    return ask(
        request,
        form,
        title=_("Send the messages of a time again"),
        text=_("Only those about the ends of tasks; progress is past. The oldest go first."),
        button=_("Send them again"),
        back=back,
    )


def _go_on(request: HttpRequest, kind: Any, *, after: str, said: str, back: str) -> HttpResponse:
    data = request.POST.copy()
    data["after"] = after
    return ask(
        request,
        kind(data),
        title=_("There are more"),
        text=said,
        button=_("Send the next ones"),
        back=back,
    )


def _one(request: HttpRequest, tenant_id: int, callback_id: int) -> Any:
    return call(request, callbacks.OneCallback, "get", tenant_id=tenant_id, callback_id=callback_id)


def _readable(body: str) -> str:
    """With line breaks, which what is sent has not, and with what would turn the writing spelt
    out."""
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body
    return TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
