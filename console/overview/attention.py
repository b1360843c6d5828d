"""What a person should look at now, each with the way to where it is mended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.models import TopUp
from console.pages import call, may
from console.security import PLACE
from relay.api.v1 import topups
from relay.api.v1.roles import Right
from relay.watch.attention import About

# Where no page of the console mends it.
HINTS: dict[str, Any] = {
    About.SERVERS: gettext_lazy("“manage.py status” on the server says more."),
    About.CALLBACKS: gettext_lazy("Are enough workers running?"),
    About.NOTICES: gettext_lazy("Is the mail server reachable?"),
    About.BOOKS: gettext_lazy("“manage.py doctor” on the server says which."),
}


@dataclass(frozen=True)
class Item:
    """`url`: where it is mended; "" where `hint` has to do."""

    text: str
    url: str = ""
    hint: Any = ""
    # Somebody has to decide; nothing is out of order.
    is_mild: bool = False


def items(request: HttpRequest, found: Mapping[str, Any]) -> list[Item]:
    """The worst first."""
    told = [_item(reason) for reason in found["attention"]]
    if found["now"] is None:
        told.append(Item(_("the database has no time to say how things stand")))
    else:
        told += _to_decide(found["now"])
    return [*told, *_disputes(request)]


def _item(reason: Mapping[str, Any]) -> Item:
    about, text = reason["about"], reason["text"]
    if reason["channel_id"] is not None:
        return Item(text, reverse("console:channel", args=[reason["channel_id"]]))
    if about == About.CHANNELS:
        return Item(text, reverse("console:channels"))
    if about == About.TASKS:
        return Item(text, tasks())
    return Item(text, hint=HINTS.get(about, ""))


def tasks(**query: str) -> str:
    """The list of tasks, filtered."""
    return f"{PLACE}tasks/" + (f"?{urlencode(query)}" if query else "")


def _to_decide(now: Mapping[str, Any]) -> Iterator[Item]:
    if number := now["unknown_outcomes"]:
        text = ngettext(
            "of %d task nobody knows whether the upstream took it",
            "of %d tasks nobody knows whether the upstream took them",
            number,
        )
        yield Item(text % number, tasks(), is_mild=True)
    if number := now["written_off"]:
        text = ngettext(
            "%d task was drawn when it could not be paid for any more",
            "%d tasks were drawn when they could not be paid for any more",
            number,
        )
        yield Item(text % number, tasks(written_off="true"), is_mild=True)
    if number := now["hooks_off"]:
        text = ngettext(
            "%d callback address of a tenant is switched off, since nobody answered there",
            "%d callback addresses of tenants are switched off, since nobody answered there",
            number,
        )
        yield Item(text % number, f"{PLACE}tenants/", is_mild=True)


def _disputes(request: HttpRequest) -> Iterator[Item]:
    if not may(request, Right.SEE_CODES):
        return
    query = {"state": TopUp.State.DISPUTED, "limit": 1}
    if call(request, topups.Orders, "get", query=query)["data"]:
        url = f"{PLACE}top-ups/?{urlencode({'state': TopUp.State.DISPUTED})}"
        yield Item(_("there are payments that somebody has to decide about"), url, is_mild=True)
