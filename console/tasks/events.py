"""What happened to a task, as its page shows it."""

import json
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from relay.operators.timeline import Kind

# How each kind looks; of entries each kind of its own.
ICONS = {
    Kind.REQUEST: "message",
    Kind.ATTEMPT: "send",
    Kind.CHANGE: "activity",
    Kind.CALLBACK: "webhook",
    Kind.CALLBACK_ATTEMPT: "share",
}
ENTRY_ICONS = {
    "hold": "lock",
    "capture": "cash",
    "release": "lock-open",
    "refund": "receipt-refund",
}
GOOD, BAD, DOUBTFUL, PLAIN = "green", "red", "yellow", "secondary"
COLOURS = {
    "accepted": GOOD,
    "SUCCESS": GOOD,
    "delivered": GOOD,
    "capture": GOOD,
    "unknown": DOUBTFUL,
    "sending": DOUBTFUL,
    "modal": DOUBTFUL,
    "refused": BAD,
    "unreachable": BAD,
    "FAILURE": BAD,
    "given_up": BAD,
    "held_back": BAD,
    "refund": DOUBTFUL,
}
OUTCOMES = {
    "sending": lambda: _("Being sent"),
    "accepted": lambda: _("Accepted"),
    "refused": lambda: _("Refused"),
    "unreachable": lambda: _("Not reached"),
    "unknown": lambda: _("Outcome unknown"),
    "modal": lambda: _("Asks for a confirmation"),
}


class Shown(NamedTuple):
    """`template`: what says the rest of it."""

    event: Mapping[str, Any]
    icon: str
    colour: str
    template: str
    said: Any = ""


def told(timeline: Sequence[Mapping[str, Any]]) -> list[Shown]:
    finals = {row["callback_id"] for row in timeline if row.get("is_final")}
    return [_shown(event, finals) for event in timeline]


def _shown(event: Mapping[str, Any], finals: Collection[int]) -> Shown:
    """`finals`: the callbacks that tell of the end."""
    kind = Kind(event["kind"])
    icon = ENTRY_ICONS.get(event["entry"], "coin") if kind is Kind.ENTRY else ICONS[kind]
    word = event.get("outcome") or event.get("entry") or event.get("status") or event.get("state")
    colour = COLOURS.get(str(word), PLAIN)
    if kind is Kind.CALLBACK_ATTEMPT:
        colour = GOOD if _is_good(event["status_code"]) else BAD
        said = _try(event, is_final=event["callback_id"] in finals)
        return Shown(event, icon, colour, _template(kind), said)
    said = OUTCOMES[event["outcome"]]() if kind is Kind.ATTEMPT else ""
    return Shown(event, icon, colour, _template(kind), said)


def _template(kind: Kind) -> str:
    return f"console/tasks/events/{kind.value}.html"


def _try(event: Mapping[str, Any], *, is_final: bool) -> str:
    number: int = event["number"]
    if is_final:
        return _("Try %d of the callback of the end") % number
    return _("Try %d of the callback of progress") % number


def pretty(task: Mapping[str, Any]) -> str:
    """The task object for people."""
    return json.dumps(task, indent=2, ensure_ascii=False)


def seconds(task: Mapping[str, Any]) -> float | None:
    """How long it took, from the submit on; None while it has not ended."""
    began, ended = task["submitTime"], task["finishTime"]
    return (ended - began) / 1000 if ended else None


def left(task: Mapping[str, Any]) -> str:
    """What can still be refunded; "" for nothing."""
    rest = Decimal(task["paid"]) - Decimal(task["refunded"])
    return str(rest) if rest > 0 else ""


def _is_good(status_code: int | None) -> bool:
    return status_code is not None and 200 <= status_code < 300
