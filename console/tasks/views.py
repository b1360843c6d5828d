"""Tasks: everybody's for the site's staff, and the page of one, for staff and for its tenant."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from console.pages import call, may, show
from console.tasks import events, listing
from console.who import staff_page, tenant_page
from relay.api.v1 import task_actions, tasks
from relay.api.v1.roles import Right

PART = "task"
# How often the page asks anew: while it is drawn, and afterwards for callbacks.
LIVE_SECONDS = 3
DONE_SECONDS = 15
LIVE = ("NOT_START", "SUBMITTED", "IN_PROGRESS")


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Target") == "list-tasks":
        told = {"list": listing.again(request).shown(request), "bare": request.path}
        return render(request, "console/tasks/part.html", told)
    found = listing.asked(request).shown(request)
    told = {
        "list": found,
        "bare": request.path,
        "main": [found.form[name] for name in listing.MAIN],
        "more": [found.form[name] for name in listing.MORE],
        "is_more_open": any(request.GET.get(name) for name in listing.MORE),
    }
    return show(request, "console/tasks/list.html", told)


@staff_page
def one(request: HttpRequest, task_id: int) -> HttpResponse:
    return _one(request, task_id, None)


@tenant_page
def of_tenant(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    return _one(request, task_id, tenant_id)


def _one(request: HttpRequest, task_id: int, tenant_id: int | None) -> HttpResponse:
    ids: dict[str, Any] = {"tenant_id": tenant_id, "task_id": task_id}
    task = call(request, tasks.OneTask, "get", **ids)
    timeline = call(request, task_actions.Timeline, "get", **ids)["data"]
    is_staff = tenant_id is None
    told = {
        "task": task,
        "events": events.told(timeline),
        "json": events.pretty(task["task"]),
        "seconds": events.seconds(task["task"]),
        "left": events.left(task),
        "is_staff_place": is_staff,
        "back": reverse("console:tasks") if is_staff else _place("gallery", task["tenant_id"]),
        "playground": f"{_place('playground', task['tenant_id'])}?task={task['id']}",
        "poll_seconds": LIVE_SECONDS if task["status"] in LIVE else DONE_SECONDS,
        "may_look": may(request, Right.LOOK, tenant_id) and task.get("is_watched"),
        "may_settle": may(request, Right.SETTLE, tenant_id) and task.get("is_outcome_unknown"),
        "may_refund": may(request, Right.MONEY, tenant_id),
    }
    if request.headers.get("HX-Target") == PART:
        return render(request, "console/tasks/one_part.html", told)
    return show(request, "console/tasks/one.html", told)


def _place(name: str, tenant_id: int) -> str:
    return reverse(f"console:{name}", kwargs={"tenant_id": tenant_id})
