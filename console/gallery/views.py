"""A tenant's tasks with their pictures, as a grid or as a list."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from console import by_name
from console.lists import Column, List, address
from console.pages import show
from console.playground import people
from console.tasks import listing
from console.who import tenant_page
from relay.api.v1 import tasks

GRID, LIST = WAYS = ("grid", "list")
MAIN = ("status", "action", "mode")
MORE = ("key", "since", "until", "is_test")
# Fills rows of two, three, four and six.
PAGE_ROWS = 24
POLL_SECONDS = 5


def _task_url(row: Mapping[str, Any]) -> str:
    ids = {"tenant_id": row["tenant_id"], "task_id": row["id"]}
    return reverse("console:tenant-task", kwargs=ids)


TASKS = List(
    id="gallery",
    view=tasks.Tasks,
    columns=(
        Column("id", _("Task"), "console/gallery/cells/task.html"),
        Column("prompt", _("Prompt"), "console/tasks/cells/prompt.html"),
        Column("status", _("Status"), "console/tasks/cells/status.html", is_wide=True),
        Column("key_name", _("Key"), "console/gallery/cells/key.html", is_wide=True),
        Column("price", _("Price"), "money"),
        Column("submitted_at", _("Submitted"), "moment"),
    ),
    search="id",
    filters=MAIN + MORE,
    empty=_("Nothing has been drawn yet."),
    empty_icon="photo",
    poll_seconds=POLL_SECONDS,
)


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    is_part = request.headers.get("HX-Target") == "list-gallery"
    is_plain = is_part and by_name.is_number(request.GET.get("key", ""))
    of = TASKS if is_plain else _with_names(request, tenant_id)
    found = of.shown(request, query={"limit": PAGE_ROWS}, tenant_id=tenant_id)
    way = request.GET.get("view", "")
    way = way if way in WAYS else GRID
    told = {
        "list": found,
        "way": way,
        "tenant_id": tenant_id,
        "bare": f"{request.path}?view={way}" if way != GRID else request.path,
        # For those who may draw.
        "first_url": reverse("console:playground", kwargs={"tenant_id": tenant_id})
        if people.may_draw(request, tenant_id)
        else "",
    }
    if is_part:
        return render(request, "console/gallery/part.html", told)
    told |= {
        "main": [found.form[name] for name in MAIN],
        "more": [found.form[name] for name in MORE],
        "is_more_open": any(request.GET.get(name) for name in MORE),
        "kept": [("view", way)] if way != GRID else [],
        "grid_url": address(request, view=""),
        "list_url": address(request, view=LIST),
    }
    return show(request, "console/gallery/page.html", told)


def _with_names(request: HttpRequest, tenant_id: int) -> List:
    """With the tenant's keys to choose from."""
    labels = {name: listing.LABELS[name] for name in ("id", "is_test")}
    key = {"field": by_name.key(request, tenant_id)}
    return replace(TASKS, changes={**labels, "key": key})
