"""What happened to a channel, what it was given, how it answers free questions."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from console.lists import Column, List
from console.pages import call
from console.security import PLACE
from console.who import staff_page
from relay.api.v1 import channel_attempts, channel_history, channels

CELLS = "console/channels/cells"
NEWEST = 8
# Of the plots: label, hours.
SPANS = ((_("6 hours"), 6), (_("24 hours"), 24), (_("7 days"), 168))
DAY = 24


def _task(row: Mapping[str, Any]) -> str:
    return f"{PLACE}tenants/{row['tenant_id']}/tasks/{row['task_id']}/"


EVENTS = List(
    id="events",
    view=channel_history.Events,
    columns=(
        Column("created_at", _("When"), "instant"),
        Column("kind", _("What"), f"{CELLS}/event.html"),
        Column("text", _("Why"), "user_text"),
        Column("actor", _("Who"), f"{CELLS}/actor.html"),
    ),
    filters=("kind",),
    empty=_("Nothing has happened to it yet."),
    empty_icon="history",
    poll_seconds=10,
)
ATTEMPTS = List(
    id="attempts",
    view=channel_attempts.Attempts,
    columns=(
        Column("created_at", _("When"), "instant"),
        Column("task_id", _("Task"), "code", link=_task),
        Column("action", _("Action"), "word"),
        Column("mode", _("Mode"), "word", is_wide=True),
        Column("credential", _("Credential"), is_wide=True),
        Column("outcome", _("Outcome"), f"{CELLS}/outcome.html"),
        Column("milliseconds", _("Took"), f"{CELLS}/took.html", align="end"),
        Column("answer", _("Its words"), "user_text"),
    ),
    filters=("outcome", "is_fault"),
    empty=_("It was given nothing yet."),
    empty_icon="send",
    poll_seconds=10,
    changes={"is_fault": {"label": _("Its own fault")}},
)
PROBES = List(
    id="probes",
    view=channel_history.Probes,
    columns=(
        Column("created_at", _("When"), "instant"),
        Column("is_ok", _("Answered"), f"{CELLS}/ok.html"),
        Column("milliseconds", _("Took"), f"{CELLS}/took.html", align="end"),
        Column("headroom", _("Room for"), "number"),
        Column("error", _("Its words"), "user_text"),
    ),
    empty=_("It was asked nothing yet."),
    empty_icon="heart-rate-monitor",
    poll_seconds=30,
)


@staff_page
def events(request: HttpRequest, channel_id: int) -> HttpResponse:
    return _list(request, EVENTS, channel_id, _("History"))


@staff_page
def attempts(request: HttpRequest, channel_id: int) -> HttpResponse:
    return _list(request, ATTEMPTS, channel_id, _("Attempts"))


@staff_page
def probes(request: HttpRequest, channel_id: int) -> HttpResponse:
    return _list(request, PROBES, channel_id, _("Free questions"))


def newest(request: HttpRequest, channel_id: int) -> dict[str, Any]:
    """For the channel's own page."""
    query = {"limit": NEWEST}
    ids: dict[str, Any] = {"channel_id": channel_id}
    return {
        "events": call(request, channel_history.Events, "get", query=query, **ids)["data"],
        "attempts": call(request, channel_attempts.Attempts, "get", query=query, **ids)["data"],
        "probes": _plot(request, channel_id),
    }


def _list(request: HttpRequest, of: List, channel_id: int, title: Any) -> HttpResponse:
    told: dict[str, Any] = {"title": title}
    if request.headers.get("HX-Target") != f"list-{of.id}":
        told["channel"] = call(request, channels.OneChannel, "get", channel_id=channel_id)
        if of is PROBES:
            told["probes"] = _plot(request, channel_id)
    return of.page(request, "console/channels/history.html", told, channel_id=channel_id)


def _plot(request: HttpRequest, channel_id: int) -> dict[str, Any]:
    asked = request.GET.get("hours", "")
    hours = next((span for _label, span in SPANS if str(span) == asked), DAY)
    query = {"hours": hours}
    rows = call(request, channel_history.ProbeSeries, "get", query=query, channel_id=channel_id)
    spans = rows["data"]

    return {
        "hours": hours,
        "spans": SPANS,
        "times": [row["at"] for row in spans],
        "latency": [
            (_("Usual"), [row["median_ms"] for row in spans], "ms"),
            (_("Slowest"), [row["slowest_ms"] for row in spans], "ms"),
        ],
        "headroom": [(_("Room for tasks"), [row["headroom"] for row in spans], "")],
        "failures": [(_("Not answered"), [row["failures"] for row in spans], "")],
        "is_empty": not any(row["number"] for row in spans),
        "tells_room": any(row["headroom"] is not None for row in spans),
        "has_failed": any(row["failures"] for row in spans),
    }
