"""A statement as people read it: facts and tables of texts, for paper and terminal alike, in the
language that is active."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import pgettext, pgettext_lazy

from billing import money
from billing.models import Entry
from billing.statements import Drawn, Statement, Sums
from common import site

KINDS: dict[str, Any] = {
    Entry.Kind.TOPUP: pgettext_lazy("statement", "Top-ups"),
    Entry.Kind.ADJUST: pgettext_lazy("statement", "Adjustments"),
    Entry.Kind.HOLD: pgettext_lazy("statement", "Held for drawings"),
    Entry.Kind.RELEASE: pgettext_lazy("statement", "Released: nothing was drawn"),
    Entry.Kind.CAPTURE: pgettext_lazy("statement", "Paid for drawings"),
    Entry.Kind.REFUND: pgettext_lazy("statement", "Refunds"),
}
_DRAWN_COLUMNS: tuple[Any, ...] = (
    pgettext_lazy("statement", "Drawings"),
    pgettext_lazy("statement", "Paid"),
    pgettext_lazy("statement", "Refunds"),
    pgettext_lazy("statement", "Refunded"),
    pgettext_lazy("statement", "Released"),
    pgettext_lazy("statement", "Net"),
)


@dataclass(frozen=True)
class Table:
    """The first `names` columns are names, the others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    total: tuple[str, ...]
    names: int = 1


def facts(statement: Statement) -> list[tuple[str, str]]:
    days = pgettext("statement", "%(period)s (days in UTC, both included)")
    return [
        (pgettext("statement", "Customer"), statement.tenant),
        (pgettext("statement", "Period"), days % {"period": period(statement)}),
        (pgettext("statement", "Currency"), site.value("currency")),
        (pgettext("statement", "Made"), _made(statement)),
    ]


def period(statement: Statement) -> str:
    days = pgettext("statement", "%(first)s to %(last)s")
    return days % {"first": statement.period.first, "last": statement.period.last}


def _made(statement: Statement) -> str:
    made_at = f"{statement.made_at:%Y-%m-%d %H:%M} UTC"
    if statement.is_final:
        return made_at
    return pgettext("statement", "%(time)s, before the period was over") % {"time": made_at}


def tables(statement: Statement) -> list[Table]:
    return [_account(statement), _by_key(statement), _by_action(statement)]


def _account(statement: Statement) -> Table:
    kinds = statement.kinds
    opening = (money.text(statement.opening_balance), money.text(statement.opening_held))
    closing = (money.text(statement.closing_balance), money.text(statement.closing_held))
    return Table(
        title=pgettext("statement", "Account"),
        columns=(
            "",
            pgettext("statement", "Entries"),
            pgettext("statement", "Balance"),
            pgettext("statement", "Held"),
        ),
        rows=[
            (pgettext("statement", "Opening balance"), "", *opening),
            *[(str(name), *_changes(kinds[kind])) for kind, name in KINDS.items()],
        ],
        total=(pgettext("statement", "Closing balance"), str(statement.total.number), *closing),
    )


def _by_key(statement: Statement) -> Table:
    return Table(
        title=pgettext("statement", "By key"),
        columns=(pgettext("statement", "Key"), *_drawn_columns()),
        rows=[(key.name, *_figures(key)) for key in statement.by_key],
        total=(pgettext("statement", "Total"), *_figures(statement.drawn)),
    )


def _by_action(statement: Statement) -> Table:
    return Table(
        title=pgettext("statement", "By action and mode"),
        columns=(
            pgettext("statement", "Action"),
            pgettext("statement", "Mode"),
            *_drawn_columns(),
        ),
        rows=[(line.name, line.mode, *_figures(line)) for line in statement.by_action],
        total=(pgettext("statement", "Total"), "", *_figures(statement.drawn)),
        names=2,
    )


def _drawn_columns() -> tuple[str, ...]:
    return tuple(map(str, _DRAWN_COLUMNS))


def _changes(sums: Sums) -> tuple[str, str, str]:
    return str(sums.number), change(sums.amount), change(sums.held)


def _figures(drawn: Drawn) -> tuple[str, ...]:
    return (
        str(drawn.captured.number),
        change(drawn.captured.amount),
        str(drawn.refunded.number),
        change(drawn.refunded.amount),
        str(drawn.released.number),
        change(drawn.net),
    )


def change(micro: int) -> str:
    """With its sign."""
    return f"+{money.text(micro)}" if micro > 0 else money.text(micro)
