"""What is asked about announcements."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from console import by_name
from console.forms import ApiForm, form_of
from relay.api.v1 import announcements

FIELDS = ["title", "text", "level", "starts_at", "ends_at", "audience", "groups", "tenants"]
CHANGES: dict[str, dict[str, Any]] = {
    "text": {"help_text": gettext_lazy("Plain text.")},
    "level": {"label": gettext_lazy("How it looks")},
    "starts_at": {
        "label": gettext_lazy("From"),
        "help_text": gettext_lazy("In your time zone. Empty: at once."),
    },
    "ends_at": {
        "label": gettext_lazy("Until"),
        "help_text": gettext_lazy("Empty: until it is ended here."),
    },
    "audience": {"label": gettext_lazy("For whom")},
    "groups": {
        "label": gettext_lazy("Groups"),
        "help_text": gettext_lazy("Names, one a line; only if it is for groups."),
    },
    "tenants": {
        "label": gettext_lazy("Tenants"),
        "help_text": gettext_lazy("Names or numbers, one a line; only if it is for tenants."),
    },
}
# What the API takes when nothing is said.
FIRST = {"level": "info", "audience": "all"}


class _Announcement(ApiForm):
    """Tenants are named; the API knows their numbers."""

    source: by_name.Source

    def clean_tenants(self) -> list[int]:
        return [self.source.find(line) for line in self.cleaned_data["tenants"]]


def form(request: HttpRequest, view: Any, method: str, *, initial: dict[str, Any]) -> ApiForm:
    made = form_of(view, method, FIELDS, **CHANGES)
    for name in FIRST:
        field: Any = made.base_fields[name]
        field.required = True
        field.choices = [choice for choice in field.choices if choice[0]]
    own = type("AnnouncementForm", (_Announcement, made), {"source": by_name.tenants_of(request)})
    shown: ApiForm = own(request.POST or None, initial=FIRST | initial)
    return shown


def new(request: HttpRequest) -> ApiForm:
    return form(request, announcements.SiteAnnouncements, "post", initial={})


def changed(request: HttpRequest, now: dict[str, Any]) -> ApiForm:
    named = [by_name.offer(row) for row in now["named_tenants"]]
    initial = now | {"tenants": named}
    return form(request, announcements.OneAnnouncement, "patch", initial=initial)
