"""Days from one to another (UTC): chosen by a form, or by a link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import ApiForm, of_serializer
from relay.api.v1 import usage
from relay.api.v1.operation import View

MONTHS = 12
PLOT_DAYS_MAX = 400
DAYS = ("first", "last")
SPLIT_BY = gettext_lazy("Split by")
# Sent with a form in which nothing may be ticked, so that it differs from a first visit.
SENT = "sent"


@dataclass(frozen=True)
class Link:
    label: Any
    url: str
    is_here: bool


class SplitForm(ApiForm):
    """What the API takes as words with commas between is ticked here."""

    def _sent(self, name: str, field: Any) -> Any:
        if name == "by":
            return ",".join(self.cleaned_data["by"])
        return super()._sent(name, field)


def form_of_period(view: type[View], fields: Sequence[str] = ()) -> type[ApiForm]:
    """The days, and more fields of the query."""
    changes: dict[str, dict[str, Any]] = {name: {"help_text": ""} for name in DAYS}
    query = view.get.operation.query  # type: ignore[attr-defined]
    return of_serializer(query, [*DAYS, *fields], changes=changes)


def form_split_by(
    view: type[View], ways: Sequence[tuple[str, Any]], fields: Sequence[str] = ()
) -> type[SplitForm]:
    """The same, and what the sums are split by: (word of the API, label)."""
    plain = form_of_period(view, fields)
    by = forms.MultipleChoiceField(
        label=SPLIT_BY, choices=ways, required=False, widget=forms.CheckboxSelectMultiple
    )
    fields_of = {**plain.base_fields, "by": by}
    return type(plain.__name__, (SplitForm,), {**fields_of, "body_kind": plain.body_kind})


def chosen(request: HttpRequest, *, by: Sequence[str] = ()) -> Any:
    """The form's data: what was sent, or at the first visit `by`."""
    data = request.GET.copy()
    if by and "by" not in data and SENT not in data:
        data.setlist("by", list(by))
    return data


def quick(request: HttpRequest) -> list[Link]:
    """Periods that are often wanted."""
    today = datetime.now(UTC).date()
    this_month = today.replace(day=1)
    last_month = _before(this_month)
    spans = [
        (_("Last 7 days"), today - timedelta(days=6), today),
        (_("Last 30 days"), *_usual()),
        (_("This month"), this_month, today),
        (_("Last month"), last_month, this_month - timedelta(days=1)),
    ]
    return [_link(request, *span) for span in spans]


def months(request: HttpRequest) -> list[Link]:
    """The last ones, whole, the newest first."""
    first = datetime.now(UTC).date().replace(day=1)
    links = []
    for _number in range(MONTHS):
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        links.append(_link(request, date_format(first, "YEAR_MONTH_FORMAT"), first, last))
        first = _before(first)
    return links


def days(asked: Mapping[str, Any]) -> list[str]:
    """All days of a period that the API has taken; of a very long one none, so that a plot has the
    days with anything in them only."""
    today = datetime.now(UTC).date()
    first = date.fromisoformat(asked.get("first", _usual()[0].isoformat()))
    last = min(date.fromisoformat(asked.get("last", today.isoformat())), today)
    number = (last - first).days + 1
    if not 2 <= number <= PLOT_DAYS_MAX:
        return []
    return [(first + timedelta(days=day)).isoformat() for day in range(number)]


def address(request: HttpRequest, **changed: str) -> str:
    """This page with other parameters, what was ticked kept."""
    query = request.GET.copy()
    for name, value in changed.items():
        query[name] = value
    return f"{request.path}?{query.urlencode()}"


def _usual() -> tuple[date, date]:
    """What the API takes when no days are named."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=usage.DAYS - 1), today


def _before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _link(request: HttpRequest, label: Any, first: date, last: date) -> Link:
    days = {"first": first.isoformat(), "last": last.isoformat()}
    given = {name: request.GET.get(name, "") for name in DAYS}
    is_here = given == days or ((first, last) == _usual() and not any(given.values()))
    return Link(label, address(request, **days), is_here)
