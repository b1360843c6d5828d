"""Lists of what an operation of the API answers: columns as data, filters, pages, live refresh.

    KEYS = List(
        id="keys",
        view=keys.Keys,
        columns=(Column("name", _("Name"), link=_url), Column("left", _("Left"), "money")),
        search="q",
        filters=("is_active",),
        empty=_("There are no keys yet."),
    )

    @tenant_page
    def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
        return KEYS.page(request, "console/keys/list.html", tenant_id=tenant_id)

and in the template `{% include "console/parts/list.html" %}`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from console import pages
from console.forms import ApiForm, of_serializer
from relay.api.v1.operation import View

NOTHING = _("There is nothing here yet.")
# Cursors of the pages before this one, so that there is a way back; older ones are forgotten.
TRAIL_MAX = 30
TRAIL_MARK = "~"
CURSOR_MAX_CHARS = 40


@dataclass(frozen=True)
class Column:
    """`name`: of the row's value, with dots for one inside another. `show`: how, a file in
    templates/console/cells/, or a template's own path. `link`: where a row's value leads."""

    name: str
    label: Any
    show: str = "text"
    link: Callable[[Mapping[str, Any]], str] | None = None
    # Numbers stand at the end of their column.
    align: str = ""
    # Left out on phones.
    is_wide: bool = False

    @property
    def template(self) -> str:
        return self.show if "/" in self.show else f"console/cells/{self.show}.html"

    @property
    def classes(self) -> str:
        is_number = self.align == "end" or self.show in ("money", "number", "percent", "duration")
        return " ".join(
            [*(["text-end"] if is_number else []), *(["d-none d-md-table-cell"] * self.is_wide)]
        )


@dataclass(frozen=True)
class Cell:
    column: Column
    value: Any
    url: str


@dataclass(frozen=True)
class Row:
    data: Mapping[str, Any]
    cells: Sequence[Cell]


@dataclass(frozen=True)
class List:
    """`filters` and `search` are names of the query's fields. `poll_seconds`: 0 for what does not
    change by itself. `files`: (value of `format`, label) of what the operation gives as files.
    `actions`: a template with a row's buttons, which sees it as `row`. `begin`: one with what is to
    be done next where there is nothing yet."""

    id: str
    view: type[View]
    columns: tuple[Column, ...]
    search: str = ""
    filters: tuple[str, ...] = ()
    files: tuple[tuple[str, Any], ...] = ()
    actions: str = ""
    empty: Any = NOTHING
    empty_icon: str = "inbox"
    begin: str = ""
    poll_seconds: int = 0
    method: str = "get"
    # Attributes of single filters, as form_of takes them.
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def form_kind(self) -> type[ApiForm]:
        query = getattr(self.view, self.method).operation.query
        names = [*([self.search] if self.search else []), *self.filters]
        form = of_serializer(query, names, changes=dict(self.changes))
        for filter_field in form.base_fields.values():
            filter_field.required = False
        return form

    def shown(self, request: HttpRequest, *, query: Any = None, **ids: Any) -> "Shown":
        """`query`: what is asked besides the filters. Raises what the API raises."""
        return _shown(self, request, dict(query or {}), ids)

    def page(
        self,
        request: HttpRequest,
        template: str,
        context: Mapping[str, Any] | None = None,
        *,
        query: Any = None,
        **ids: Any,
    ) -> HttpResponse:
        """The whole page, or only the list for htmx, or the file that was asked for."""
        found = self.shown(request, query=query, **ids)
        if isinstance(found.answer, HttpResponse):
            return found.answer
        told = {"list": found, **(context or {})}
        if request.headers.get("HX-Target") == f"list-{self.id}":
            return render(request, "console/parts/list.html", told)
        return pages.show(request, template, told)


@dataclass(frozen=True)
class Shown:
    """A list as the template has it. `ids` are those of the page."""

    of: List
    request: HttpRequest
    form: ApiForm
    answer: Any
    ids: Mapping[str, Any]

    @cached_property
    def rows(self) -> list[Row]:
        data = self.answer["data"] if isinstance(self.answer, dict) else self.answer
        return [Row(row, [cell(column, row) for column in self.of.columns]) for row in data]

    @property
    def is_filtered(self) -> bool:
        return any(self.request.GET.get(name) for name in self.form.fields)

    @property
    def filters(self) -> list[Any]:
        return [self.form[name] for name in self.of.filters]

    @property
    def search(self) -> Any:
        return self.form[self.of.search] if self.of.search else None

    @property
    def here(self) -> str:
        return self.request.get_full_path()

    @property
    def bare(self) -> str:
        return self.request.path

    @property
    def older(self) -> str:
        after = self.answer.get("next") if isinstance(self.answer, dict) else None
        if not after:
            return ""
        here = self.request.GET.get("after")
        gone = [*self._trail, *([here] if here else [])]
        return self._link(after=after, trail=TRAIL_MARK.join(gone[-TRAIL_MAX:]))

    @property
    def newer(self) -> str:
        """The page before this one; the first when the way back is not known any more."""
        if not self.request.GET.get("after"):
            return ""
        *before, last = self._trail or [""]
        return self._link(after=last, trail=TRAIL_MARK.join(before))

    @property
    def newest(self) -> str:
        return self._link(after="", trail="") if self._trail else ""

    @property
    def files(self) -> list[tuple[str, Any]]:
        return [
            (self._link(format=kind, after="", trail=""), label) for kind, label in self.of.files
        ]

    @property
    def _trail(self) -> list[str]:
        """Where the pages between the newest and this one began."""
        told = self.request.GET.get("trail", "") if self.request.GET.get("after") else ""
        found = [part[:CURSOR_MAX_CHARS] for part in told.split(TRAIL_MARK) if part]
        return found[-TRAIL_MAX:]

    def _link(self, **changed: str) -> str:
        return address(self.request, **changed)


def address(request: HttpRequest, **changed: str) -> str:
    """This page with other parameters; an empty one is left out."""
    query = QueryDict(mutable=True)
    for name in request.GET:
        if value := request.GET.get(name):
            query[name] = value
    for name, value in changed.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _shown(of: List, request: HttpRequest, query: dict[str, Any], ids: Any) -> Shown:
    kind = of.form_kind
    data = {name: request.GET.get(name, "") for name in kind.base_fields}
    # A dialog's form may have fields of the same names.
    form = kind(data, auto_id="filter_%s")
    asked = query | {name: request.GET[name] for name in ("after",) if request.GET.get(name)}
    if request.GET.get("format") in dict(of.files):
        asked["format"] = request.GET["format"]
    shown = Shown(of, request, form, {"data": [], "next": None}, ids)
    if not form.is_valid():
        return shown
    with form.refusals():
        answer = pages.call(request, of.view, of.method, query=asked | form.body, **ids)
        return replace(shown, answer=answer)
    return shown


def cell(column: Column, row: Mapping[str, Any]) -> Cell:
    value: Any = row
    for part in column.name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return Cell(column, value, column.link(row) if column.link else "")
