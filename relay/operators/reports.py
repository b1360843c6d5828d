"""Reports of billing with the names of the channels, which billing does not know."""

from collections.abc import Iterator, Sequence
from typing import Any

from billing import money, reports
from billing.periods import Period
from billing.reports import Figures, Report
from channels.models import Channel
from common import sheets

FIGURE_COLUMNS = (
    "captures", "revenue", "refunds", "refunded", "net", "cost", "cost_unknown", "margin",
    "margin_at_most", "releases",
)  # fmt: skip


def rows(*, by: Sequence[str], period: Period, **only: int | None) -> list[tuple[str, ...]]:
    """A line of columns, the lines, and one that begins with "total"; money in currency units.

    `margin` is empty where a cost is not known. `only`: as reports.report has it. Raises
    ValueError as that does.
    """
    report = reports.report(by=by, period=period, **only)
    channels = dict(Channel.objects.values_list("pk", "name"))
    lines = [
        (*_names(report, line.values, channels), *_texts(line.figures))
        # Of a report that is split by nothing the only line is the total.
        for line in (report.lines if report.by else ())
    ]
    heads = report.by or ("",)
    total = ("total", *[""] * (len(heads) - 1), *_texts(report.total))
    return [(*heads, *FIGURE_COLUMNS), *lines, total]


def csv(*, by: Sequence[str], period: Period, **only: int | None) -> Iterator[bytes]:
    """The same as a file. Raises ValueError at once."""
    first, *others = rows(by=by, period=period, **only)
    # Figures are numbers of ours; what stands before them are names that others have chosen.
    names = max(len(by), 1)
    safe = [(*map(sheets.text, row[:names]), *row[names:]) for row in others]
    return sheets.stream([first, *safe])


def _names(report: Report, values: tuple[Any, ...], channels: dict[int, str]) -> tuple[str, ...]:
    return tuple(
        _name(dimension, value, report, channels)
        for dimension, value in zip(report.by, values, strict=True)
    )


def _name(dimension: str, value: Any, report: Report, channels: dict[int, str]) -> str:
    if dimension == "tenant":
        return report.tenants[value]
    if dimension == "key":
        return report.keys.get(value, "")
    if dimension == "channel":
        return "" if value is None else channels.get(value, f"channel {value}")
    return str(value)


def _texts(figures: Figures) -> tuple[str, ...]:
    return (
        str(figures.captures),
        money.text(figures.revenue),
        str(figures.refunds),
        money.text(figures.refunded),
        money.text(figures.net),
        money.text(figures.cost),
        str(figures.cost_unknown),
        "" if figures.margin is None else money.text(figures.margin),
        money.text(figures.margin_at_most),
        str(figures.releases),
    )
