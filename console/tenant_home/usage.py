"""What a tenant has drawn in the last days, as plots have it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils.translation import gettext as _

from console import words
from console.pages import call
from relay.api.v1.usage import DAYS, Usage

# As many as plot.js has colours for; the rest is one line.
LINES_MAX = 5


class Plotted(NamedTuple):
    """`series`: (label, how many were drawn on each day, unit), the most drawn first."""

    days: list[str]
    series: list[tuple[Any, list[Any], str]]


def plotted(request: HttpRequest, tenant_id: int, way: str) -> Plotted:
    """The last days split by `way` of relay/api/v1/usage.py."""
    query = {"by": f"day,{way}"}
    lines = call(request, Usage, "get", tenant_id=tenant_id, query=query)["data"]
    return of_lines(lines, way, _days())


def of_lines(lines: Iterable[Mapping[str, Any]], way: str, days: list[str]) -> Plotted:
    drawn: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(days, 0))
    for line in lines:
        if line["day"] in days:
            drawn[line[way]][line["day"]] += line["drawn"]
    order = sorted(drawn, key=lambda name: -sum(drawn[name].values()))
    shown = order if len(order) <= LINES_MAX else order[: LINES_MAX - 1]
    series = [(words.word(name), list(drawn[name].values()), "") for name in shown]
    if rest := order[len(shown) :]:
        sums = [sum(drawn[name][day] for name in rest) for day in days]
        series.append((_("Others"), sums, ""))
    return Plotted(days, series)


def spent(days: Iterable[Mapping[str, Any]]) -> Plotted:
    """What each day came to, less refunds."""
    rows = list(days)
    series = [(_("Spent"), [row["net"] for row in rows], "money")]
    return Plotted([row["day"] for row in rows], series)


def colour(days_left: float | None, *, few: float, very_few: float) -> str:
    """Of the days that the balance lasts."""
    if days_left is None or days_left > few:
        return ""
    return "red" if days_left <= very_few else "yellow"


def _days() -> list[str]:
    today = datetime.now(UTC).date()
    return [str(today - timedelta(days=number)) for number in reversed(range(DAYS))]
