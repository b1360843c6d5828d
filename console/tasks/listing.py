"""The operators' list of tasks: its columns, and what is asked for in its filters."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from console import by_name
from console.lists import Column, List
from relay.api.v1 import tasks
from relay.errors import ObjectNotFound

MAIN = ("status", "action", "mode")
MORE = ("tenant", "key", "channel", "since", "until", "is_test", "written_off", "unknown_outcome")
POLL_SECONDS = 5
LABELS: dict[str, dict[str, Any]] = {
    "id": {"label": _("Task id, or how it begins")},
    "is_test": {"label": _("Of test keys")},
    "written_off": {"label": _("Written off")},
    "unknown_outcome": {"label": _("Outcome unknown")},
}


def _task_url(row: Mapping[str, Any]) -> str:
    return reverse("console:task", kwargs={"task_id": row["id"]})


TASKS = List(
    id="tasks",
    view=tasks.Tasks,
    columns=(
        Column("id", _("Task"), "console/tasks/cells/task.html"),
        Column("prompt", _("Prompt"), "console/tasks/cells/prompt.html"),
        Column("status", _("Status"), "console/tasks/cells/status.html", is_wide=True),
        Column("tenant", _("Tenant and key"), "console/tasks/cells/tenant.html"),
        Column("channel", _("Channel"), "console/tasks/cells/channel.html", is_wide=True),
        Column("price", _("Price"), "money"),
        Column("submitted_at", _("Submitted"), "moment"),
    ),
    search="id",
    filters=MAIN + MORE,
    empty=_("Nobody has drawn anything yet."),
    empty_icon="brush",
    poll_seconds=POLL_SECONDS,
)


def asked(request: HttpRequest) -> List:
    """The list, in which tenants, channels and keys are chosen by name."""
    changes = {name: dict(attributes) for name, attributes in LABELS.items()}
    tenant = by_name.tenant(request)
    changes["tenant"] = {"field": tenant}
    changes["channel"] = {"field": by_name.channel(request)}
    changes["key"] = {"field": _key(request, _number(tenant, request.GET.get("tenant", "")))}
    return replace(TASKS, changes=changes)


def again(request: HttpRequest) -> List:
    """The same for the part of the page that is asked for again and again: without choices."""
    if all(by_name.is_number(request.GET.get(name, "")) for name in ("channel", "key")):
        return replace(TASKS, changes={"tenant": {"field": by_name.tenant(request)}})
    return asked(request)


def _number(tenant: forms.Field, text: str) -> int | None:
    try:
        found: int | None = tenant.clean(text)
    except forms.ValidationError:
        return None
    return found


def _key(request: HttpRequest, tenant_id: int | None) -> forms.Field:
    """Keys have names within their tenant only."""
    if tenant_id is None and not request.GET.get("key"):
        select = forms.Select(choices=[("", _("Choose a tenant first"))], attrs={"disabled": True})
        return forms.IntegerField(label=_("Key"), required=False, widget=select)
    if tenant_id is not None:
        with suppress(ObjectNotFound):
            return by_name.key(request, tenant_id)
    return forms.IntegerField(label=_("Number of the key"), required=False)
