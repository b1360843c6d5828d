"""The site's settings: what counts, where it comes from, and back to the default."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from console.pages import Question, call, confirm, done, show
from console.places import ask
from console.site_settings.parts import LABELS, PARTS, SIGN_UPS, Part, form_kind
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import site_settings
from relay.api.v1.roles import Right

KINDS = {
    "sign_up_balance": "money",
    "keep_results": "flag",
    "default_mode": "word",
    "banned_words": "words",
}


@dataclass(frozen=True)
class Row:
    """`changed`: who has set it here, and when; None: the default counts. `is_env`: which the
    environment says, and not we."""

    name: str
    label: Any
    value: Any
    default: Any
    changed: Any
    is_env: bool

    @property
    def kind(self) -> str:
        """How a value of it is shown."""
        if isinstance(self.value, list):
            return "list"
        return KINDS.get(self.name, "text")


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    now = call(request, site_settings.Settings, "get")
    parts = [(part, _rows(part, now)) for part in PARTS.values()]
    return show(request, "console/site_settings/page.html", {"parts": parts})


@staff_page
@only_with(Right.SETTINGS)
@fresh_sign_in
def change(request: HttpRequest, group: str) -> HttpResponse:
    part = PARTS.get(group)
    if part is None:
        raise Http404
    now = call(request, site_settings.Settings, "get")["values"]
    form = form_kind(part)(request.POST or None, initial=now)
    back = reverse("console:settings")
    if form.is_valid():
        with form.refusals():
            call(request, site_settings.Settings, "patch", body=form.body)
            return done(request, back, _("The settings are changed. They count from now on."))
    return ask(request, form, title=part.label, text=part.text, button=_("Save"), back=back)


@staff_page
@only_with(Right.SETTINGS)
@fresh_sign_in
def back(request: HttpRequest, name: str) -> HttpResponse:
    if name not in LABELS:
        raise Http404
    question = Question(
        title=_("Back to the default?"),
        text=_("%s: what was set here is forgotten; the audit keeps it.") % LABELS[name],
        button=_("Back to it"),
        back=reverse("console:settings"),
        is_dangerous=False,
    )
    return confirm(
        request,
        question,
        lambda reason: call(request, site_settings.Settings, "patch", body={name: None}),
        said=_("The default counts again."),
    )


def _rows(part: Part, now: Any) -> list[Row]:
    changed = {row["name"]: row for row in now["changed"]}
    return [
        Row(
            name,
            LABELS[name],
            _said(name, now["values"][name]),
            _said(name, now["defaults"][name]),
            changed.get(name),
            name in now["from_environment"],
        )
        for name in part.fields
    ]


def _said(name: str, value: Any) -> Any:
    return SIGN_UPS[value] if name == "sign_up" else value
