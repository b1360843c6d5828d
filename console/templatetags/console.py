"""What the console's templates show, each in one way."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any
from xml.etree import ElementTree

from django import template
from django.contrib.staticfiles import finders
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from console import amounts, display, lists, words

register = template.Library()

NOTHING = "–"
SPRITE = "vendor/tabler/icons.svg"
CLIP_CHARS = 160
DATE_CHARS = len("2026-01-01")
SPARK_WIDTH, SPARK_HEIGHT = 100, 24
# Colours of what is good, under way, in doubt, bad, or over.
COLOURS = {
    "green": (
        "SUCCESS",
        "enabled",
        "active",
        "paid",
        "delivered",
        "closed",
        "open_sign",
        "ok",
        "accepted",
        "breaker_closed",
        "credential_on",
        "credential_works",
    ),
    "blue": ("IN_PROGRESS", "SUBMITTED", "pending", "hold", "half_open", "info"),
    "yellow": (
        "NOT_START",
        "MODAL",
        "draining",
        "unknown",
        "UNKNOWN",
        "warning",
        "test",
        "sending",
        "modal",
        "rests",
        "breaker_half_opened",
    ),
    "red": (
        "FAILURE",
        "disabled",
        "open",
        "failed",
        "given_up",
        "refused",
        "error",
        "unreachable",
        "breaker_opened",
        "credential_off",
    ),
    "azure": ("capture", "topup", "proxy"),
}


@register.simple_tag
def icon(name: str, label: Any = "", classes: str = "") -> SafeString:
    """An icon of the sprite; without a label it is only ornament. Raises ValueError for one that
    the sprite lacks (tools/icons.py adds it)."""
    if name not in _icons():
        raise ValueError(f"the sprite has no icon {name}")
    said = format_html('role="img" aria-label="{}"', label) if label else 'aria-hidden="true"'
    return format_html(
        '<svg class="icon {}" {} focusable="false"><use href="{}#{}"></use></svg>',
        classes, SafeString(said), static(SPRITE), name,
    )  # fmt: skip


@cache
def _icons() -> frozenset[str]:
    tree = ElementTree.parse(str(finders.find(SPRITE)))  # noqa: S314  # our own file
    return frozenset(symbol.get("id", "") for symbol in tree.getroot())


@register.filter
def money(value: Any) -> str:
    """An amount in the site's currency: micro-units, or the decimal text of the API."""
    return NOTHING if value is None or value == "" else amounts.text(value)


@register.simple_tag
def moment(value: Any) -> SafeString:
    """When, as "3 minutes ago" with the exact time in the viewer's zone on demand. times.js keeps
    it true."""
    when = _moment(value)
    if when is None:
        return SafeString(NOTHING)
    local = display.local(when)
    title = f"{formats.date_format(local, 'DATETIME_FORMAT')} {local:%Z}"
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>', when.isoformat(), title, ago(when)
    )


@register.filter
def is_past(value: Any) -> bool:
    """Whether a moment is over; nothing never is."""
    when = _moment(value)
    return when is not None and when <= timezone.now()


@register.simple_tag
def instant(value: Any) -> SafeString:
    """The exact time in the viewer's zone, to the second."""
    when = _moment(value)
    if when is None:
        return SafeString(NOTHING)
    local = display.local(when)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        when.isoformat(), ago(when), f"{local:%Y-%m-%d %H:%M:%S}",
    )  # fmt: skip


@register.simple_tag
def day(value: Any) -> str:
    """A date, in no zone: days of statements are UTC's."""
    found = parse_date(value) if isinstance(value, str) else value
    return formats.date_format(found, "DATE_FORMAT") if found else NOTHING


def ago(when: datetime) -> str:
    """In one unit: "in 5 minutes", "2 days ago"."""
    away = when - timezone.now()
    seconds = abs(away.total_seconds())
    if seconds < 45:
        return gettext("just now") if away <= timedelta(0) else gettext("in a moment")
    if seconds < 45 * 60:
        number = round(seconds / 60) or 1
        unit = ngettext("%d minute", "%d minutes", number) % number
    elif seconds < 22 * 3600:
        number = round(seconds / 3600) or 1
        unit = ngettext("%d hour", "%d hours", number) % number
    else:
        number = round(seconds / 86400) or 1
        unit = ngettext("%d day", "%d days", number) % number
    text = gettext("in %s") if away > timedelta(0) else gettext("%s ago")
    return text % unit


@register.filter
def duration(seconds: Any) -> str:
    """ "420 ms", "4.2 s", "3 min 5 s", "2 h 10 min", "3 d 4 h"."""
    if seconds is None or seconds == "":
        return NOTHING
    value = float(seconds)
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    whole = round(value)
    for size, name, part, part_name in (
        (86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"),
    ):  # fmt: skip
        if whole >= size:
            count, rest = divmod(whole, size)
            return (
                f"{count} {name} {rest // part} {part_name}" if rest // part else f"{count} {name}"
            )
    return NOTHING


@register.filter
def percent(share: Any, decimals: int = 1) -> str:
    """Of a share between 0 and 1: "97.5 %"."""
    if share is None or share == "":
        return NOTHING
    exact = (Decimal(str(share)) * 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{exact:,} %".replace("-", amounts.MINUS)


@register.filter
def number(value: Any) -> str:
    """A whole number with separators."""
    if value is None or value == "":
        return NOTHING
    return f"{Decimal(str(value)):,}"


@register.filter
def word(value: Any) -> Any:
    """A word of the API as people say it."""
    return NOTHING if value is None or value == "" else words.word(value)


@register.simple_tag
def status_badge(value: Any, label: Any = "") -> SafeString:
    """A word of the API in its colour; never by colour alone."""
    colour = next((name for name, known in COLOURS.items() if value in known), "secondary")
    return format_html('<span class="badge bg-{}-lt">{}</span>', colour, label or words.word(value))


@register.inclusion_tag("console/parts/user_text.html")
def user_text(value: Any, clip: int = CLIP_CHARS) -> dict[str, Any]:
    """What somebody else wrote: escaped, in its own direction, broken anywhere, clipped."""
    text = "" if value is None else str(value)
    lines = text.split("\n", 3)
    start = "\n".join(lines[:3])[:clip]
    return {"text": text, "start": start, "is_clipped": len(start) < len(text)}


@register.simple_tag(takes_context=True)
def query(context: Any, **changed: Any) -> str:
    """The address of this page with other parameters: `{% query mode="fast" after="" %}`."""
    return lists.address(context["request"], **{k: str(v or "") for k, v in changed.items()})


@register.inclusion_tag("console/parts/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """A field of any Django form with label, help and errors beside it."""
    widget = bound.field.widget
    return {
        "field": bound,
        "input": bound.as_widget(attrs=_attributes(bound)),
        "is_switch": isinstance(widget, CheckboxInput),
        "is_group": isinstance(widget, CheckboxSelectMultiple | RadioSelect),
        "is_money": getattr(bound.field, "is_money", False),
        "currency": _currency(bound),
        "hidden_initial": bound.as_hidden(only_initial=True)
        if bound.field.show_hidden_initial
        else "",
    }


@register.simple_tag
def control(bound: BoundField, **attributes: Any) -> SafeString:
    """Only the input of a field, named by its label: for a bar of filters."""
    given = {name.replace("_", "-"): value for name, value in attributes.items()}
    return bound.as_widget(attrs=_attributes(bound) | {"aria-label": bound.label} | given)


def _attributes(bound: BoundField) -> dict[str, Any]:
    widget = bound.field.widget
    kind = "form-control"
    if isinstance(widget, CheckboxInput | CheckboxSelectMultiple | RadioSelect):
        kind = "form-check-input"
    elif isinstance(widget, Select):
        kind = "form-select"
    classes = [kind, *(["is-invalid"] if bound.errors else []), widget.attrs.get("class", "")]
    return {"class": " ".join(filter(None, classes))}


def _currency(bound: BoundField) -> str:
    from common import site

    return str(site.value("currency")) if getattr(bound.field, "is_money", False) else ""


@register.simple_tag
def sparkline(values: Iterable[Any], label: Any = "") -> SafeString:
    """A small line of numbers, oldest first; None where nothing is known."""
    numbers = [None if value is None else float(value) for value in values]
    known = [value for value in numbers if value is not None]
    if len(known) < 2:
        return SafeString(NOTHING)
    low, spread = min(known), (max(known) - min(known)) or 1
    step = SPARK_WIDTH / (len(numbers) - 1)
    points = " ".join(
        f"{place * step:.1f},{SPARK_HEIGHT - 2 - (value - low) / spread * (SPARK_HEIGHT - 4):.1f}"
        for place, value in enumerate(numbers)
        if value is not None
    )
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><polyline points="{}"></polyline></svg>',
        SPARK_WIDTH, SPARK_HEIGHT, label or gettext("Course"), points,
    )  # fmt: skip


@register.inclusion_tag("console/parts/plot.html")
def plot(times: Iterable[Any], series: Iterable[Any], label: Any, kind: str = "line") -> Any:
    """A plot, drawn by plot.js, and the same numbers in a table behind a "details".

    `times`: seconds since 1970, or the API's texts of moments or (UTC) days. `series`: (label,
    values, unit), unit one of "", "ms", "money", "percent", "seconds". `kind`: "line" or "bars".
    """
    given = list(times)
    stamps = [_stamp(value) for value in given]
    is_daily = all(isinstance(value, str) and len(value) == DATE_CHARS for value in given)
    rows = [(str(name), list(values), unit) for name, values, unit in series]
    drawn = {
        "kind": kind,
        "daily": is_daily,
        "label": gettext("Day (UTC)") if is_daily else gettext("Time"),
        "times": stamps,
        "series": [
            {"label": name, "values": [_plain(v) for v in values], "unit": unit}
            for name, values, unit in rows
        ],
    }
    table = [
        (_when(at, is_daily=is_daily), [_said(v[place], unit) for _, v, unit in rows])
        for place, at in enumerate(stamps)
    ]
    heads = [drawn["label"], *(name for name, _, _ in rows)]
    return {"data": json.dumps(drawn), "label": label, "heads": heads, "table": table}


def _when(at: float, *, is_daily: bool) -> str:
    zone = UTC if is_daily else timezone.get_current_timezone()
    return f"{datetime.fromtimestamp(at, tz=zone):{'%Y-%m-%d' if is_daily else '%Y-%m-%d %H:%M'}}"


def _said(value: Any, unit: str) -> str:
    """A value of a plot's table."""
    if unit == "money":
        return money(value)
    if unit == "percent":
        return percent(value)
    return duration(value) if unit == "seconds" else number(value)


def _stamp(value: Any) -> float:
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) == DATE_CHARS:
        value = f"{value}T00:00:00+00:00"
    when = _moment(value)
    return 0 if when is None else when.timestamp()


def _plain(value: Any) -> float | None:
    return None if value is None else float(value)


def _moment(value: Any) -> datetime | None:
    found = parse_datetime(value) if isinstance(value, str) and value else value or None
    if found is not None and timezone.is_naive(found):
        raise ValueError("a moment has a zone")
    return found
