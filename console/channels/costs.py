"""What a channel takes for each drawing, edited as a table and replaced as a whole."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import words
from console.channels.views import address
from console.forms import ApiForm, of_serializer, refusals
from console.pages import call, done, show
from console.who import fresh_sign_in_to_see, only_with, staff_page
from relay.api.v1 import channels, fields
from relay.api.v1.roles import Right

SPARE_ROWS = 3
NAMES = ("name", "mode", "amount")
MODES = [("", gettext_lazy("any")), *((mode, words.word(mode)) for mode in fields.MODES)]
Row = of_serializer(
    channels.Cost,
    NAMES,
    changes={
        # What is missing is said by the API: rows that stay empty are none.
        "name": {"label": gettext_lazy("Price name"), "help_text": "", "required": False},
        "mode": {"label": gettext_lazy("Mode"), "help_text": "", "choices": MODES},
        "amount": {"label": gettext_lazy("Cost"), "required": False},
    },
)


@staff_page
@only_with(Right.CHANNELS)
@fresh_sign_in_to_see
def edit(request: HttpRequest, channel_id: int) -> HttpResponse:
    ids: dict[str, Any] = {"channel_id": channel_id}
    channel = call(request, channels.OneChannel, "get", **ids)
    known = call(request, channels.ChannelCosts, "get", **ids)["data"]
    # For what is wrong with all of them together.
    whole = forms.Form(request.POST or None)
    if request.method != "POST":
        rows = [*_shown(known), *_spare(len(known))]
    elif "more" in request.POST:
        typed = _typed(request.POST)
        rows = [*_shown(typed), *_spare(len(typed))]
    else:
        rows = [Row(request.POST, prefix=prefix) for prefix in _filled(request.POST)]
        if whole.is_valid() and _are_good(rows) and _is_unchanged(request, known, whole):
            with refusals(whole):
                body = {"data": [row.body for row in rows]}
                call(request, channels.ChannelCosts, "put", body=body, **ids)
                return done(request, address("channel", channel_id), _("The costs are set."))
        rows += _spare(_number(request.POST))
    told = {
        "channel": channel,
        "rows": rows,
        "form": whole,
        "number": max([int(str(row.prefix).removeprefix("row")) + 1 for row in rows]),
        "seen": request.POST.get("seen") or _digest(known),
        "back": address("channel", channel_id),
    }
    return show(request, "console/channels/costs.html", told)


def _are_good(rows: Sequence[ApiForm]) -> bool:
    """Looks at all of them, so that all that is wrong is said at once."""
    return False not in [row.is_valid() for row in rows]


def _is_unchanged(request: HttpRequest, known: Sequence[Any], whole: forms.Form) -> bool:
    """Of two who edit at once the second would undo the first one's, unseen."""
    if request.POST.get("seen") == _digest(known):
        return True
    whole.add_error(
        None,
        _("Somebody else has changed the costs meanwhile. Open this page anew to see them."),
    )
    return False


def _shown(rows: Sequence[dict[str, Any]]) -> list[ApiForm]:
    return [Row(initial=row, prefix=f"row{number}") for number, row in enumerate(rows)]


def _spare(start: int) -> list[ApiForm]:
    return [Row(prefix=f"row{start + number}") for number in range(SPARE_ROWS)]


def _typed(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was written into rows, unchecked."""
    return [{name: data.get(f"{prefix}-{name}", "") for name in NAMES} for prefix in _filled(data)]


def _filled(data: Mapping[str, Any]) -> list[str]:
    """The prefixes of the rows that have a name or an amount; one that was emptied is gone."""
    prefixes = [f"row{number}" for number in range(_number(data))]
    return [
        prefix
        for prefix in prefixes
        if data.get(f"{prefix}-name", "").strip() or data.get(f"{prefix}-amount", "").strip()
    ]


def _number(data: Mapping[str, Any]) -> int:
    """How many rows the page had."""
    text = data.get("number", "")
    is_number = text.isascii() and text.isdigit() and len(text) < 9
    return min(int(text), channels.COSTS_MAX + SPARE_ROWS) if is_number else 0


def _digest(rows: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
