"""What a tenant has drawn and paid: plots by day and mode, a table by whatever is asked for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import periods, words
from console.lists import Column
from console.pages import call, show
from console.tables import Table
from console.who import tenant_page
from relay.api.v1 import usage

WAYS = (
    ("day", gettext_lazy("Day")),
    ("key", gettext_lazy("Key")),
    ("price_name", gettext_lazy("Action")),
    ("mode", gettext_lazy("Mode")),
)
BY = ("day",)
# As many colours as plot.js has, less one for all others.
SERIES_MAX = 4
Chosen = periods.form_split_by(usage.Usage, WAYS, ["test"])
COLUMNS = {
    "day": Column("day", gettext_lazy("Day (UTC)"), "console/periods/day.html"),
    "key": Column("key", gettext_lazy("Key"), "console/usage/key.html"),
    "price_name": Column("price_name", gettext_lazy("Action"), "word"),
    "mode": Column("mode", gettext_lazy("Mode"), "word"),
}
SUMS = (
    Column("drawn", gettext_lazy("Drawings"), "number"),
    Column("paid", gettext_lazy("Paid"), "money"),
    Column("refunded", gettext_lazy("Refunded"), "money", is_wide=True),
    Column("net", gettext_lazy("Net"), "money"),
)
Lines = Sequence[Mapping[str, Any]]
TOTALS = ("drawn", "paid", "refunded", "net")


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    form = Chosen(periods.chosen(request, by=BY))
    told = {"tenant_id": tenant_id, "form": form, "quick": periods.quick(request)}
    if form.is_valid():
        with form.refusals():
            asked = {"by": "day", **form.body}
            if request.GET.get("format") == "csv":
                file: HttpResponse = _ask(request, tenant_id, asked | {"format": "csv"})
                return file
            by = form.cleaned_data["by"] or BY
            way = next((way for way in by if way != "day"), "mode")
            lines = _ask(request, tenant_id, asked)["data"]
            days = _ask(request, tenant_id, asked | {"by": f"day,{way}"})["data"]
            told |= _table(lines, by) | _plots(days, way, periods.days(asked))
            told["file"] = periods.address(request, format="csv")
    return show(request, "console/usage/page.html", told)


def _ask(request: HttpRequest, tenant_id: int, asked: Mapping[str, Any]) -> Any:
    return call(request, usage.Usage, "get", tenant_id=tenant_id, query=asked)


def _table(lines: Lines, by: Sequence[str]) -> dict[str, Any]:
    columns = (*(column for way, column in COLUMNS.items() if way in by), *SUMS)
    # The newest day is what people look for.
    newest_first = list(reversed(lines)) if "day" in by else lines
    empty = _("Nothing was drawn in this time.")
    return {"table": Table(columns, newest_first, empty=empty, empty_icon="chart-bar")}


def _plots(lines: Lines, way: str, days: Sequence[str]) -> dict[str, Any]:
    """Money by what it is split by, and drawings in all."""
    drawn: dict[str, int] = defaultdict(int)
    for line in lines:
        drawn[line["day"]] += line["drawn"]
    times = list(days) or sorted(drawn)
    return {
        "total": {name: sum(_number(line[name]) for line in lines) for name in TOTALS},
        "way": COLUMNS[way].label,
        "times": times if lines else [],
        "drawn": [(_("Drawings"), [drawn[day] for day in times], "")],
        "spent": series(lines, way, times),
    }


def series(lines: Lines, way: str, times: Sequence[str]) -> list[Any]:
    """Net money by day as `{% plot %}` takes it: of the most expensive ones a line each, and one
    of all others."""
    sums: dict[Any, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    names = {}
    for line in lines:
        which = line["key_id"] if way == "key" else line[way]
        names[which] = line[way]
        sums[which][line["day"]] += Decimal(line["net"])
    ranked = sorted(sums, key=lambda which: sum(sums[which].values()), reverse=True)
    first, others = ranked[:SERIES_MAX], ranked[SERIES_MAX:]
    rows = [(_name(way, names[which]), [sums[which][day] for day in times]) for which in first]
    if others:
        rest = [sum((sums[which][day] for which in others), Decimal()) for day in times]
        rows.append((_("Others"), rest))
    return [(name, values, "money") for name, values in rows]


def _name(way: str, value: Any) -> str:
    if way == "key":
        return str(value or _("Without a key"))
    return str(words.word(value)) if value else _("Without a mode")


def _number(value: Any) -> Any:
    return value if isinstance(value, int) else Decimal(value)
