"""What is asked about callbacks."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.forms import ApiForm, form_of
from relay.api.v1 import callbacks, hooks
from relay.messages import callbacks as rules

DefaultHook = form_of(
    hooks.HooksView,
    "patch",
    ["default_hook"],
    default_hook={
        "label": _("Callback address"),
        "help_text": _("For tasks that name none themselves. Empty: none."),
    },
)
Overlap = form_of(
    hooks.SecretRotation,
    "post",
    ["overlap_seconds"],
    overlap_seconds={
        "help_text": _(
            "Both secrets sign for so long: 86400 is a day. 0: the old one stops at once. Empty: "
            "as long as the site says."
        )
    },
)
Test = form_of(
    hooks.HookTests,
    "post",
    ["url"],
    url={"label": _("Address"), "help_text": _("Empty: the callback address of this tenant.")},
)
ELSEWHERE = {
    "label": _("Another address"),
    "help_text": _("Empty: to where it went before."),
}


def replay(*, may_redirect: bool) -> type[ApiForm]:
    return form_of(callbacks.Replay, "post", ["url"] if may_redirect else [], **_url(may_redirect))


def replays(*, may_redirect: bool) -> type[ApiForm]:
    names = ["since", "until", "states", *(["url"] if may_redirect else []), "limit", "after"]
    return form_of(
        callbacks.ManyReplays,
        "post",
        names,
        since={"help_text": _("Messages that were made from then on.")},
        until={"help_text": _("Before then. Empty: until now.")},
        states={
            "label": _("Which"),
            "help_text": _("Those that did not arrive, or what has arrived as well."),
            "initial": list(rules.LOST),
        },
        limit={"label": _("How many at once")},
        after={"widget": forms.HiddenInput()},
        **_url(may_redirect),
    )


def _url(may_redirect: bool) -> dict[str, dict[str, Any]]:
    return {"url": ELSEWHERE} if may_redirect else {}
