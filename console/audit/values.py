"""What a field of the audit had in it, as people read it: money with its currency, words as pages
have them, times in the viewer's zone. Which field is which, the API's own answers say."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from rest_framework.serializers import BaseSerializer

from console import amounts, display, words
from console.audit import labels
from console.site_settings import parts
from console.templatetags.console import duration
from relay.api.v1.fields import Money, Ratio
from relay.api.v1.operation import OPERATIONS

# Of texts and lists within one line.
VALUE_MAX_CHARS = 2000
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
# Fields whose values are words of the API.
CHOSEN = frozenset((
    "action", "actions", "audience", "breaker", "default_mode", "image_setting", "kind", "level",
    "mode", "modes", "outcome", "policy", "provider", "role", "state", "status",
))  # fmt: skip
# What nothing means there.
UNLIMITED = frozenset((
    "budget", "day_budget", "week_budget", "month_budget", "left", "rpm", "concurrency",
    "queue_depth",
))  # fmt: skip
EVERY = frozenset(("actions", "modes", "groups"))
# They say by themselves what they are, where several stand in a line.
PLAIN = ("kind", "name", "mode", "tenant", "group")
LAST = ("amount", "ratio")


def said(name: str, value: Any) -> str:
    """One value of the field of this name."""
    text = _text(name, value)
    return text if len(text) <= VALUE_MAX_CHARS else f"{text[:VALUE_MAX_CHARS]}…"


def row(values: Mapping[str, Any]) -> str:
    """An object of a list in one line, as in "Imagine (mj_imagine), Fast: $0.02"."""
    first = [said(name, values[name]) for name in PLAIN if values.get(name)]
    others = [name for name in values if name not in (*PLAIN, *LAST) and values[name] is not None]
    more = [f"{labels.label(name)} {said(name, values[name])}" for name in others]
    last = [said(name, values[name]) for name in LAST if name in values]
    text = ": ".join(filter(None, (", ".join([*first, *more]), ", ".join(last))))
    return text if len(text) <= VALUE_MAX_CHARS else f"{text[:VALUE_MAX_CHARS]}…"


def rows(value: Any) -> Sequence[Mapping[str, Any]] | None:
    """A list of objects, also of what its text was cut to (common/audit.py); None for others."""
    if isinstance(value, str) and value.startswith("[{") and value.endswith("…"):
        return list(_begun(value))
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return value
    return None


def _begun(text: str) -> Iterator[Mapping[str, Any]]:
    """The objects that are there whole."""
    decoder, place = json.JSONDecoder(), 1
    while text[place : place + 1] == "{":
        try:
            found, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return
        yield found
        place = end + 1


def _text(name: str, value: Any) -> str:
    if value is None or value in ("", [], {}):
        return _nothing(name, value)
    if isinstance(value, bool):
        return _flag(name, value=value)
    if isinstance(value, Mapping):
        return row(value)
    if isinstance(value, list):
        return ", ".join(_text(name, item) for item in value)
    if isinstance(value, str):
        return _of_text(name, value)
    if name.endswith("_seconds"):
        return str(duration(value))
    return f"{value} ms" if name == "milliseconds" else str(value)


def _flag(name: str, *, value: bool) -> str:
    if name in words.FLAGS:
        return str(words.answers(name)[0 if value else 1])
    return gettext("yes") if value else gettext("no")


def _of_text(name: str, value: str) -> str:
    if name == "sign_up":
        return str(parts.SIGN_UPS.get(value, value))
    if name in CHOSEN:
        return str(words.word(value))
    if name in _of_kind(Money) or name in _of_kind(Ratio):
        return _number(value, is_money=name in _of_kind(Money))
    if value.startswith("mj_") and value in words.WORDS:
        return f"{words.word(value)} ({value})"
    return _moment(value) or value


def _nothing(name: str, value: Any) -> str:
    if name in UNLIMITED and value is None:
        return gettext("no limit")
    if name in EVERY and value == []:
        return gettext("all")
    if name == "default_mode":
        return gettext("the site's")
    return gettext("never") if name == "expires_at" else gettext("nothing")


def _number(value: str, *, is_money: bool) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite():
        return value
    return amounts.text(value) if is_money else f"× {number.normalize():f}"


def _moment(value: str) -> str:
    """The API's text of a moment in the viewer's zone; "" for anything else."""
    if not MOMENT.fullmatch(value):
        return ""
    try:
        when = parse_datetime(value)
    except ValueError:
        return ""
    return f"{display.local(when):%Y-%m-%d %H:%M:%S}" if when else ""


@cache
def _of_kind(kind: type) -> frozenset[str]:
    """Names of fields that are of this kind in any answer: a name means the same everywhere."""
    answers = [said.answer() for said in OPERATIONS if said.answer is not None]
    return frozenset(
        name for answer in answers for name, field in fields(answer) if isinstance(field, kind)
    )


def fields(answer: BaseSerializer[Any]) -> Iterator[tuple[str, Any]]:
    """Every field of an answer, those of objects within it too."""
    for name, field in getattr(getattr(answer, "child", answer), "fields", {}).items():
        yield name, field
        if isinstance(field, BaseSerializer):
            yield from fields(field)
