"""What the site earns: revenue, refunds, cost and margin, split by whatever is asked for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import by_name, periods
from console.lists import Column
from console.pages import call, show
from console.tables import Table
from console.who import staff_page
from relay.api.v1 import reports

WAYS = (
    ("day", gettext_lazy("Day")),
    ("channel", gettext_lazy("Channel")),
    ("tenant", gettext_lazy("Tenant")),
    ("key", gettext_lazy("Key")),
    ("action", gettext_lazy("Action")),
    ("mode", gettext_lazy("Mode")),
)
BY = ("day",)
HEADS = {
    "day": Column("day", gettext_lazy("Day (UTC)"), "console/periods/day.html"),
    "channel": Column("channel", gettext_lazy("Channel"), "console/reports/channel.html"),
    "tenant": Column("tenant", gettext_lazy("Tenant"), "console/reports/tenant.html"),
    "key": Column("key", gettext_lazy("Key"), "console/reports/key.html"),
    "action": Column("action", gettext_lazy("Action"), "word"),
    "mode": Column("mode", gettext_lazy("Mode"), "word"),
}
FIGURES = {
    "captures": Column("captures", gettext_lazy("Drawings"), "number"),
    "revenue": Column("revenue", gettext_lazy("Revenue"), "money"),
    "refunds": Column("refunds", gettext_lazy("Refunds"), "number"),
    "refunded": Column("refunded", gettext_lazy("Refunded"), "money"),
    "net": Column("net", gettext_lazy("Net"), "money"),
    "cost": Column("cost", gettext_lazy("Cost"), "money"),
    "cost_unknown": Column("cost_unknown", gettext_lazy("Cost unknown"), "number"),
    "margin": Column("margin", gettext_lazy("Margin"), "console/reports/margin.html", align="end"),
    "releases": Column("releases", gettext_lazy("Free, as they failed"), "number"),
}
USUAL = ("captures", "revenue", "refunded", "net", "cost", "margin")
PLOTTED = (
    ("net", gettext_lazy("Net")),
    ("cost", gettext_lazy("Cost")),
    ("margin_at_most", gettext_lazy("Margin")),
)
Lines = Sequence[Mapping[str, Any]]


class Chosen(periods.form_split_by(reports.Reports, WAYS, ["tenant", "channel"])):  # type: ignore[misc]
    """`columns`: what is shown of each line; the file has all."""

    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Columns"),
        choices=[(name, column.label) for name, column in FIGURES.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, request: HttpRequest, data: Any) -> None:
        super().__init__(data)
        self.fields["tenant"] = by_name.tenant(request)
        self.fields["channel"] = by_name.channel(request)


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    data = periods.chosen(request, by=BY)
    if "columns" not in data:
        data.setlist("columns", list(USUAL))
    form = Chosen(request, data)
    told = {"form": form, "quick": periods.quick(request)}
    if form.is_valid():
        with form.refusals():
            asked = {"by": "", **form.body}
            if request.GET.get("format") == "csv":
                file: HttpResponse = _ask(request, asked | {"format": "csv"})
                return file
            report = _ask(request, asked)
            told |= _shown(report, form.cleaned_data["by"], form.cleaned_data["columns"])
            told["file"] = periods.address(request, format="csv")
            lines = report["lines"] if "day" in form.cleaned_data["by"] else []
            told |= _plotted(lines, periods.days(asked))
            return show(request, "console/reports/page.html", told)
    else:
        # Who may not see reports is told so, and not what is wrong with the form.
        _ask(request, {"by": ""})
    return show(request, "console/reports/page.html", told)


def _ask(request: HttpRequest, asked: Mapping[str, Any]) -> Any:
    return call(request, reports.Reports, "get", query=asked)


def _shown(report: Mapping[str, Any], by: Sequence[str], columns: Sequence[str]) -> dict[str, Any]:
    heads = [column for way, column in HEADS.items() if way in by]
    figures = [column for name, column in FIGURES.items() if name in columns]
    lines = [line for line in report["lines"] if by and _says_something(line, columns)]
    newest_first = list(reversed(lines)) if "day" in by else lines
    empty = _("Nothing was drawn in this time.")
    return {
        "report": report,
        "is_split": bool(by),
        "table": Table([*heads, *figures], newest_first, empty=empty, empty_icon="report-money"),
    }


def _says_something(line: Mapping[str, Any], columns: Sequence[str]) -> bool:
    """Where everything failed there is nothing but releases, which one may not want to see."""
    shown = [line[name] for name in columns if name in FIGURES]
    return not shown or any(value is None or Decimal(value) for value in shown)


def _plotted(lines: Lines, days: Sequence[str]) -> dict[str, Any]:
    """Sums by day, as `{% plot %}` takes them."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for line in lines:
        for name, _label in PLOTTED:
            sums[line["day"]][name] += Decimal(line[name])
    if not lines:
        return {"times": []}
    days = days or sorted(sums)
    series = [(label, [sums[day][name] for day in days], "money") for name, label in PLOTTED]
    return {"times": days, "series": series}
