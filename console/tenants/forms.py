"""What is asked about a tenant."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing.tenants import DEFAULT_GROUP
from console.forms import ApiForm, form_of
from console.pages import call
from relay.api.v1 import tenants
from relay.api.v1.paging import PAGE_ROWS_MAX

FIELDS = ("name", "group", "rpm", "concurrency", "queue_seconds")
NO_LIMIT = _("Of all its keys together. Empty: no limit.")
CHANGES: dict[str, dict[str, Any]] = {
    "group": {"help_text": _("Decides what it pays and which channels draw for it.")},
    "rpm": {"help_text": NO_LIMIT},
    "concurrency": {"help_text": NO_LIMIT},
    "queue_seconds": {
        "help_text": _("How long a submit waits for room instead of being refused at once.")
    },
}
REASON = {"label": _("Why"), "help_text": _("For the record.")}


def new_tenant(request: HttpRequest) -> type[ApiForm]:
    # That one is made when it is first needed.
    names = dict.fromkeys([DEFAULT_GROUP, *group_names(request)])
    return form_of(tenants.Tenants, "post", FIELDS, **_changes(names))


def changed_tenant(request: HttpRequest, *, group: str) -> type[ApiForm]:
    """`group`: the one that it is in."""
    names = dict.fromkeys([*group_names(request), group])
    fields = [*FIELDS, "reason"]
    return form_of(tenants.OneTenant, "patch", fields, **_changes(names), reason=REASON)


def group_names(request: HttpRequest) -> Sequence[str]:
    """Those of the newest groups, by name."""
    query = {"limit": PAGE_ROWS_MAX}
    found = call(request, tenants.Groups, "get", query=query)["data"]
    return sorted(group["name"] for group in found)


def _changes(groups: Iterable[str]) -> dict[str, dict[str, Any]]:
    widget = forms.Select(choices=[(name, name) for name in groups])
    return CHANGES | {"group": CHANGES["group"] | {"widget": widget}}
