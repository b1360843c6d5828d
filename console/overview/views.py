"""How the site stands: money, work, and what needs a person."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from console.overview import attention
from console.pages import call, may, show
from console.who import staff_page
from relay.api.v1 import figures
from relay.api.v1.roles import Right

# Parts that are asked for again by themselves, each in its own time.
PARTS = {
    "overview-now": "console/overview/now.html",
    "overview-plots": "console/overview/plots.html",
}
Series = list[tuple[Any, list[Any], str]]


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    found = call(request, figures.Overview, "get")
    sees_money = may(request, Right.SEE_REPORTS)
    told = {
        "found": found,
        "sees_money": sees_money,
        "attention": attention.items(request, found),
        "charts": [
            _chart(_("Last 24 hours"), found["hours"], "at", sees_money=sees_money),
            _chart(_("Last 30 days"), found["days"], "day", sees_money=sees_money),
        ],
    }
    part = PARTS.get(request.headers.get("HX-Target", ""))
    return (
        render(request, part, told) if part else show(request, "console/overview/page.html", told)
    )


def _chart(
    label: str, rows: list[dict[str, Any]], when: str, *, sees_money: bool
) -> dict[str, Any]:
    return {
        "label": label,
        "times": [row[when] for row in rows],
        "money": _money(rows) if sees_money else None,
        "work": [
            (_("Submits"), [row["submits"] for row in rows], ""),
            (_("Successes"), [row["successes"] for row in rows], ""),
            (_("Failures"), [row["failures"] for row in rows], ""),
        ],
    }


def _money(rows: list[dict[str, Any]]) -> Series:
    is_sure = not any(row["cost_unknown"] for row in rows)
    return [
        (_("Revenue"), [row["net"] for row in rows], "money"),
        (_("Cost"), [row["cost"] for row in rows], "money"),
        (
            _("Margin") if is_sure else _("Margin at most"),
            [row["margin_at_most"] for row in rows],
            "money",
        ),
    ]
