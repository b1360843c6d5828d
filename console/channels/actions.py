"""What one does with channels: enable, drain, disable, test."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from channels.models import Channel
from console.channels.views import address
from console.pages import Question, call, confirm, done, show
from console.who import only_with, staff_page
from relay.api import errors as api
from relay.api.v1 import channel_actions, channels
from relay.api.v1.roles import Right

SEVERAL_MAX = 200
# For the history, which is in English.
BY_HAND = "the breaker was closed by hand"
State = Channel.State
TITLES = {
    State.ENABLED: gettext_lazy("Enable %s?"),
    State.DRAINING: gettext_lazy("Drain %s?"),
    State.DISABLED: gettext_lazy("Disable %s?"),
}
TEXTS = {
    State.ENABLED: gettext_lazy("New tasks go there from now on. Its breaker is closed, and a "
                                "rest is over."),
    State.DRAINING: gettext_lazy("No new tasks go there. What it draws is followed to its end, "
                                 "and upscales and variations of its pictures go on."),
    State.DISABLED: gettext_lazy("No new tasks go there, nor upscales and variations of its "
                                 "pictures. What it draws is followed to its end."),
}  # fmt: skip
BUTTONS = {
    State.ENABLED: gettext_lazy("Enable"),
    State.DRAINING: gettext_lazy("Drain"),
    State.DISABLED: gettext_lazy("Disable"),
}
SAID = {
    State.ENABLED: gettext_lazy("The channel is enabled."),
    State.DRAINING: gettext_lazy("The channel is draining."),
    State.DISABLED: gettext_lazy("The channel is disabled."),
}


@staff_page
@only_with(Right.CHANNELS)
def state(request: HttpRequest, channel_id: int, state: str) -> HttpResponse:
    if state not in State.values:
        raise Http404
    channel = call(request, channels.OneChannel, "get", channel_id=channel_id)
    return confirm(
        request,
        _question(state, channel["name"], back=address("channel", channel_id)),
        lambda reason: _set(request, channel_id, state, reason),
        said=SAID[State(state)],
    )


@staff_page
@only_with(Right.CHANNELS)
def close_breaker(request: HttpRequest, channel_id: int) -> HttpResponse:
    """By enabling it once more, so only of one that is enabled."""
    channel = call(request, channels.OneChannel, "get", channel_id=channel_id)
    if channel["state"] != State.ENABLED:
        return state(request, channel_id=channel_id, state=State.ENABLED)
    question = Question(
        title=_("Let tasks go to %s again?") % channel["name"],
        text=_("Its breaker is closed at once, and a rest is over. If it still does not work, the "
               "breaker opens again."),
        button=_("Close it now"),
        back=address("channel", channel_id),
        is_dangerous=False,
    )  # fmt: skip
    return confirm(
        request,
        question,
        lambda reason: _set(request, channel_id, State.ENABLED, BY_HAND),
        said=_("New tasks go there again."),
    )


@staff_page
@only_with(Right.CHANNELS)
def several(request: HttpRequest) -> HttpResponse:
    """The same for those that were chosen in the list: each is changed and recorded for itself."""
    wanted, ids = request.GET.get("state", ""), _chosen(request)
    if wanted not in State.values:
        raise Http404
    if not ids:
        return done(request, reverse("console:channels"), _("Choose some channels first."))
    rows = [call(request, channels.OneChannel, "get", channel_id=pk) for pk in ids]
    names = get_text_list([f"“{row['name']}”" for row in rows], _("and"))
    number = ngettext("%d channel", "%d channels", len(rows)) % len(rows)
    return confirm(
        request,
        _question(wanted, number, back=reverse("console:channels"), names=names),
        lambda reason: _set_all(request, rows, wanted, reason),
        said="",
    )


@staff_page
@require_POST
def test(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Asks it something for free, and shows what it says."""
    told = {
        "channel": call(request, channels.OneChannel, "get", channel_id=channel_id),
        "probe": call(request, channel_actions.Probing, "post", channel_id=channel_id),
    }
    return show(request, "console/channels/tested.html", told)


def _question(state: str, name: str, *, back: str, names: str = "") -> Question:
    wanted = State(state)
    text = TEXTS[wanted]
    return Question(
        title=TITLES[wanted] % name,
        text=f"{names}: {text}" if names else text,
        button=BUTTONS[wanted],
        back=back,
        is_dangerous=wanted == State.DISABLED,
        reason=wanted != State.ENABLED,
    )


def _set(request: HttpRequest, channel_id: int, state: str, reason: str) -> None:
    body = {"state": str(state)} | ({"reason": reason} if reason else {})
    call(request, channels.OneChannel, "patch", channel_id=channel_id, body=body)


def _set_all(
    request: HttpRequest, rows: Sequence[dict[str, Any]], state: str, reason: str
) -> HttpResponse:
    """One that is gone meanwhile keeps the others from nothing."""
    changed = 0
    for row in rows:
        try:
            _set(request, row["id"], state, reason)
            changed += 1
        except Exception as error:
            found = api.find(error)
            if found.status not in (404, 409):
                raise
            messages.error(request, f"{row['name']}: {found.text or error}")
    said = ngettext("%d channel is changed.", "%d channels are changed.", changed) % changed
    return done(request, reverse("console:channels"), said if changed else "")


def _chosen(request: HttpRequest) -> list[int]:
    """In their order, each once. What is no number was not on the page."""
    found = [text for text in request.GET.getlist("channel") if text.isascii() and text.isdigit()]
    return list(dict.fromkeys(int(text[:18]) for text in found))[:SEVERAL_MAX]
