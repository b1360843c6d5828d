"""The channels: how all of them do, and one of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from console import by_name
from console.channels.history import newest
from console.lists import Column, List, Shown
from console.pages import call, may, show
from console.who import staff_page
from relay.api.v1 import channels, credentials, figures
from relay.api.v1.paging import PAGE_ROWS_MAX
from relay.api.v1.roles import Right

CELLS = "console/channels/cells"
CHANNELS = List(
    id="channels",
    view=channels.Channels,
    columns=(
        Column("name", _("Name"), f"{CELLS}/name.html"),
        Column("state", _("State"), f"{CELLS}/state.html"),
        Column("figures.last_hour", _("Success, 1 h"), f"{CELLS}/success.html", align="end"),
        Column("figures.hours", _("Latency, 24 h"), f"{CELLS}/latency.html", is_wide=True),
        Column("figures.load", _("Load"), f"{CELLS}/load.html", is_wide=True),
        Column("priority", _("Priority"), f"{CELLS}/field.html", align="end"),
        Column("weight", _("Weight"), f"{CELLS}/field.html", align="end"),
    ),
    search="q",
    filters=("state", "breaker", "kind", "group", "is_test"),
    actions=f"{CELLS}/actions.html",
    empty=_("There are no channels yet. Add one, and drawings have somewhere to go."),
    empty_icon="route",
    begin="console/channels/begin.html",
    poll_seconds=10,
)
# With a box before each row, for those who may change several at once.
CHOOSABLE = replace(
    CHANNELS, columns=(Column("id", _("Choose"), f"{CELLS}/choose.html"), *CHANNELS.columns)
)
# The parts of one channel's page that are asked for again by themselves.
PARTS = {"channel-now": "console/channels/now.html"}


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    may_change = may(request, Right.CHANNELS)
    of = CHOOSABLE if may_change else CHANNELS
    of = replace(of, changes={**of.changes, "group": {"field": by_name.group(request)}})
    found = _with_figures(request, of.shown(request, query={"limit": PAGE_ROWS_MAX}))
    told = {"list": found, "may_change": may_change, "may_test": may(request, Right.LOOK)}
    if request.headers.get("HX-Target") == f"list-{of.id}":
        return render(request, "console/parts/list.html", told)
    return show(request, "console/channels/list.html", told)


@staff_page
def one(request: HttpRequest, channel_id: int) -> HttpResponse:
    sees_money = may(request, Right.SEE_REPORTS)
    told = {
        "channel": call(request, channels.OneChannel, "get", channel_id=channel_id),
        "figures": _figures(request).get(channel_id),
        "may_change": may(request, Right.CHANNELS),
        "may_test": may(request, Right.LOOK),
    }
    if part := PARTS.get(request.headers.get("HX-Target", "")):
        return render(request, part, told)
    ids: dict[str, Any] = {"channel_id": channel_id}
    told |= {
        "credentials": call(request, credentials.Credentials, "get", **ids)["data"],
        "costs": call(request, channels.ChannelCosts, "get", **ids)["data"] if sees_money else None,
        "speed": _speed_plot((told["figures"] or {}).get("hours", ())),
        **newest(request, channel_id),
    }
    return show(request, "console/channels/one.html", told)


def _with_figures(request: HttpRequest, shown: Shown) -> Shown:
    """The rows with how each does; who is asked first stands first."""
    found = _figures(request)
    rows = [
        {**row, "figures": figures_, "line": _line(figures_), "url": address("channel", row["id"])}
        for row in shown.answer["data"]
        for figures_ in (found.get(row["id"], {}),)
    ]
    rows.sort(key=lambda row: (-row["priority"], -row["weight"], row["name"]))
    return replace(shown, answer={**shown.answer, "data": rows})


def _line(told: Mapping[str, Any]) -> list[int | None]:
    """How long submits took, hour by hour; of a channel that gets few, how long free questions
    did."""
    hours = [hour["median_ms"] for hour in told.get("hours", ())]
    if len([value for value in hours if value is not None]) > 1:
        return hours
    return [row["milliseconds"] if row["is_ok"] else None for row in told.get("probes", ())]


def _figures(request: HttpRequest) -> dict[int, Mapping[str, Any]]:
    told = call(request, figures.OfChannels, "get")["data"]
    return {row["channel_id"]: row for row in told}


def _speed_plot(hours: Any) -> dict[str, Any]:
    return {
        "times": [row["at"] for row in hours],
        "latency": [
            (_("Half of them within"), [row["median_ms"] for row in hours], "ms"),
            (_("95 % of them within"), [row["p95_ms"] for row in hours], "ms"),
        ],
        "success": [(_("Success rate"), [row["success_rate"] for row in hours], "percent")],
        "is_empty": not any(row["attempts"] for row in hours),
    }


def address(name: str, channel_id: int, *more: Any) -> str:
    return reverse(f"console:{name}", args=[channel_id, *more])
