"""The matrix of a book: price names down, scopes and modes across, and the ratios beside it.

The form carries what it was made of, so that a change is seen as one without JavaScript, and so
that nobody undoes what he has not seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import words
from console.prices import names
from relay.api.v1.fields import MODES
from relay.errors import InvalidRequest

# Django takes a thousand fields of one form.
CELLS_MAX = 800
NEW_ROWS = 3
COLUMN_MODES = ("", *MODES)
ANY_MODE = gettext_lazy("Any mode")


class Scope(NamedTuple):
    """Whose prices: everybody's, one group's, or one tenant's."""

    label: Any
    tenant_id: int | None = None
    group: str | None = None

    @property
    def about(self) -> tuple[int | None, str | None]:
        return self.tenant_id, self.group

    @property
    def token(self) -> str:
        if self.tenant_id is not None:
            return f"tenant:{self.tenant_id}"
        return "all" if self.group is None else f"group:{self.group}"

    @property
    def kind(self) -> Any:
        if self.tenant_id is not None:
            return _("Tenant")
        return "" if self.group is None else _("Group")


EVERYBODY = Scope(gettext_lazy("Everybody"))


class Place(NamedTuple):
    """Which rule, or which ratio: what the API needs to know besides the figures."""

    name: str
    mode: str
    tenant_id: int | None
    group: str | None

    def body(self) -> dict[str, Any]:
        return self._asdict()


class RatioPlace(NamedTuple):
    group: str
    home: str | None

    def body(self) -> dict[str, Any]:
        return self._asdict()


@dataclass
class Edits:
    """What somebody has typed, by its place: (what he saw, what he wants), "" for nothing."""

    rules: dict[Place, tuple[str, str]] = field(default_factory=dict)
    ratios: dict[RatioPlace, tuple[str, str]] = field(default_factory=dict)
    # Rows with names of their own: (name, what stands in its cells by column).
    added: list[tuple[str, dict[int, str]]] = field(default_factory=list)
    errors: dict[Any, str] = field(default_factory=dict)
    # Changed by somebody else meanwhile: what stands there now.
    overtaken: dict[Any, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        return {
            kind: [
                place.body() | {"before": before or None, "after": after or None}
                for place, (before, after) in edits.items()
            ]
            for kind, edits in (("rules", self.rules), ("ratios", self.ratios))
        }

    @property
    def number(self) -> int:
        return len(self.rules) + len(self.ratios)

    def refuse(self, kind: str, number: int, text: str) -> None:
        self.errors[list(getattr(self, kind))[number]] = text


@dataclass(frozen=True)
class Cell:
    """`field`: the name of its input; `pays`: what holds where it is empty."""

    field: str
    value: str
    label: str
    was: str = ""
    pays: str = ""
    error: str = ""
    now: str | None = None

    @property
    def is_changed(self) -> bool:
        return self.value != self.was


@dataclass(frozen=True)
class Row:
    name: str
    label: Any
    cells: list[Cell]


@dataclass(frozen=True)
class RatioRow:
    group: str
    home: str | None
    cell: Cell


@dataclass(frozen=True)
class Matrix:
    """`shown`: JSON of what the form was made of; `older` and `newer`: offsets of other rows."""

    scopes: Sequence[Scope]
    rows: list[Row]
    added: list[Row]
    ratios: list[RatioRow]
    shown: str
    newer: int | None = None
    older: int | None = None

    @property
    def columns(self) -> list[tuple[Scope, Any]]:
        return [
            (scope, words.word(mode) if mode else ANY_MODE)
            for scope in self.scopes
            for mode in COLUMN_MODES
        ]

    @property
    def span(self) -> int:
        return len(COLUMN_MODES)


def make(
    data: Mapping[str, Any],
    scopes: Sequence[Scope],
    *,
    pays: Mapping[str, Mapping[str, Mapping[str, str]]],
    groups: Sequence[str],
    search: str = "",
    start: int = 0,
    edits: Edits | None = None,
) -> Matrix:
    """`data`: of the API's BookGrid; `pays`: by a scope's token, price name and mode."""
    edits = edits or Edits()
    amounts = {_place(row): row["amount"] for row in data["rules"]}
    columns = [(scope, mode) for scope in scopes for mode in COLUMN_MODES]
    most = max(1, CELLS_MAX // len(columns) - NEW_ROWS)
    found = _names(data, scopes, search)
    start = min(start, max(0, len(found) - 1)) // most * most
    rows, shown = [], {}
    for number, name in enumerate(found[start : start + most]):
        cells = []
        for column, (scope, mode) in enumerate(columns):
            place = Place(name, mode, *scope.about)
            was = amounts.get(place, "")
            if was:
                shown[f"{number}.{column}"] = was
            cell = _cell(
                f"c.{number}.{column}", place, was, edits, f"{name}, {_title(scope, mode)}"
            )
            known = pays.get(scope.token, {}).get(name, {})
            cells.append(_with(cell, pays=known.get(mode, "") if mode and not was else ""))
        rows.append(Row(name, names.price(name), cells))
    ratios = _ratios(data, groups, edits)
    state = {
        "rows": [row.name for row in rows],
        "columns": [[scope.tenant_id, scope.group, mode] for scope, mode in columns],
        "shown": shown,
        "ratios": [[row.group, row.home, row.cell.was] for row in ratios],
    }
    return Matrix(
        scopes=scopes,
        rows=rows,
        added=_added(columns, edits),
        ratios=ratios,
        shown=json.dumps(state, ensure_ascii=False, separators=(",", ":")),
        newer=start - most if start else None,
        older=start + most if start + most < len(found) else None,
    )


def read(posted: Mapping[str, str]) -> Edits:
    """What the person has changed. Raises InvalidRequest when this is no form of ours."""
    try:
        return _read(posted)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidRequest("this form is not complete: open the page again") from error


def _read(posted: Mapping[str, str]) -> Edits:
    state = json.loads(posted["shown"])
    columns = [(tenant_id, group, str(mode)) for tenant_id, group, mode in state["columns"]]
    shown = state["shown"]
    found = Edits()
    for number, name in enumerate(state["rows"]):
        for column, (tenant_id, group, mode) in enumerate(columns):
            was = str(shown.get(f"{number}.{column}", ""))
            typed = _typed(posted, f"c.{number}.{column}", was)
            if not _same(was, typed):
                found.rules[Place(str(name), mode, tenant_id, group)] = (was, typed)
    for number in range(NEW_ROWS):
        name = posted.get(f"name.{number}", "").strip()
        texts = {column: _typed(posted, f"n.{number}.{column}") for column in range(len(columns))}
        given = {column: text for column, text in texts.items() if text}
        if name or given:
            found.added.append((name, given))
        for column, text in given.items():
            tenant_id, group, mode = columns[column]
            found.rules.setdefault(Place(name, mode, tenant_id, group), ("", text))
    for number, (group, home, was) in enumerate(state["ratios"]):
        typed = _typed(posted, f"r.{number}", str(was))
        if not _same(str(was), typed):
            found.ratios[RatioPlace(str(group), home)] = (str(was), typed)
    if ratio := _typed(posted, "ratio"):
        place = RatioPlace(posted.get("ratio_group", ""), posted.get("ratio_home") or None)
        found.ratios.setdefault(place, ("", ratio))
    return found


def _typed(posted: Mapping[str, str], name: str, default: str = "") -> str:
    """Without what spreadsheets put around a number."""
    return posted.get(name, default).strip(" \t\r\n\N{NO-BREAK SPACE}$€¥£")


def _same(was: str, typed: str) -> bool:
    if was == typed:
        return True
    try:
        return Decimal(was) == Decimal(typed) and "e" not in typed.lower()
    except InvalidOperation:
        return False


def _place(rule: Mapping[str, Any]) -> Place:
    return Place(rule["name"], rule["mode"], rule["tenant_id"], rule["group"])


def _title(scope: Scope, mode: str) -> str:
    whose = f"{scope.kind} {scope.label}".strip()
    return f"{whose}, {words.word(mode) if mode else ANY_MODE}"


def _cell(name: str, place: Any, was: str, edits: Edits, label: str) -> Cell:
    typed = edits.rules.get(place) if isinstance(place, Place) else edits.ratios.get(place)
    return Cell(
        field=name,
        value=was if typed is None else typed[1],
        label=label,
        was=was,
        error=edits.errors.get(place, ""),
        now=edits.overtaken.get(place),
    )


def _with(cell: Cell, *, pays: str) -> Cell:
    return Cell(**{**cell.__dict__, "pays": pays})


def _names(data: Mapping[str, Any], scopes: Sequence[Scope], search: str) -> list[str]:
    """All that has a price, and what else these scopes have a line for."""
    about = {scope.about for scope in scopes}
    others = {
        rule["name"] for rule in data["rules"] if (rule["tenant_id"], rule["group"]) in about
    } - set(data["names"])
    found = [*data["names"], *sorted(others)]
    wanted = search.casefold()
    return [name for name in found if wanted in f"{name} {names.price(name)}".casefold()]


def _added(columns: Sequence[tuple[Scope, str]], edits: Edits) -> list[Row]:
    rows = []
    for number in range(NEW_ROWS):
        name, texts = edits.added[number] if number < len(edits.added) else ("", {})
        cells = []
        for column, (scope, mode) in enumerate(columns):
            place = Place(name, mode, *scope.about)
            label = f"{_('New line')} {number + 1}, {_title(scope, mode)}"
            error = edits.errors.get(place, "") if column in texts else ""
            now = edits.overtaken.get(place) if column in texts else None
            cells.append(
                Cell(f"n.{number}.{column}", texts.get(column, ""), label, error=error, now=now)
            )
        rows.append(Row(name, "", cells))
    return rows


def _ratios(data: Mapping[str, Any], groups: Sequence[str], edits: Edits) -> list[RatioRow]:
    """A line for every group, and those for tenants of one group."""
    known = {RatioPlace(row["group"], row["home"]): row["ratio"] for row in data["ratios"]}
    general = {RatioPlace(group, None): "" for group in groups}
    places = {**general, **known, **{place: "" for place in edits.ratios if place not in known}}
    rows = []
    for number, place in enumerate(sorted(places, key=lambda one: (one.group, one.home or ""))):
        was = _plain(known.get(place, ""))
        label = _("Ratio of %s") % place.group
        if place.home:
            label = _("Ratio of %(group)s for tenants of %(home)s") % place._asdict()
        cell = _cell(f"r.{number}", place, was, edits, label)
        rows.append(RatioRow(place.group, place.home, cell))
    return rows


def _plain(ratio: str) -> str:
    """ "0.8", not "0.800000"."""
    return f"{Decimal(ratio).normalize():f}" if ratio else ""
