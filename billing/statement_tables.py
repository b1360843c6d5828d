"""A statement as people read it: facts and tables of texts, for paper and terminal alike."""

from dataclasses import dataclass

from django.conf import settings

from billing import money
from billing.models import Entry
from billing.statements import Drawn, Statement, Sums

KINDS = {
    Entry.Kind.TOPUP: "Top-ups",
    Entry.Kind.ADJUST: "Adjustments",
    Entry.Kind.HOLD: "Held for drawings",
    Entry.Kind.RELEASE: "Released: nothing was drawn",
    Entry.Kind.CAPTURE: "Paid for drawings",
    Entry.Kind.REFUND: "Refunds",
}
_DRAWN_COLUMNS = ("Drawings", "Paid", "Refunds", "Refunded", "Released", "Net")


@dataclass(frozen=True)
class Table:
    """The first `names` columns are names, the others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    total: tuple[str, ...]
    names: int = 1


def facts(statement: Statement) -> list[tuple[str, str]]:
    made_at = f"{statement.made_at:%Y-%m-%d %H:%M} UTC"
    return [
        ("Customer", statement.tenant),
        ("Period", f"{statement.period} (days in UTC, both included)"),
        ("Currency", settings.CURRENCY),
        ("Made", made_at if statement.is_final else f"{made_at}, before the period was over"),
    ]


def tables(statement: Statement) -> list[Table]:
    return [_account(statement), _by_key(statement), _by_action(statement)]


def _account(statement: Statement) -> Table:
    kinds = statement.kinds
    opening = (money.text(statement.opening_balance), money.text(statement.opening_held))
    closing = (money.text(statement.closing_balance), money.text(statement.closing_held))
    return Table(
        title="Account",
        columns=("", "Entries", "Balance", "Held"),
        rows=[
            ("Opening balance", "", *opening),
            *[(name, *_changes(kinds[kind])) for kind, name in KINDS.items()],
        ],
        total=("Closing balance", str(statement.total.number), *closing),
    )


def _by_key(statement: Statement) -> Table:
    return Table(
        title="By key",
        columns=("Key", *_DRAWN_COLUMNS),
        rows=[(key.name, *_figures(key)) for key in statement.by_key],
        total=("Total", *_figures(statement.drawn)),
    )


def _by_action(statement: Statement) -> Table:
    return Table(
        title="By action and mode",
        columns=("Action", "Mode", *_DRAWN_COLUMNS),
        rows=[(line.name, line.mode, *_figures(line)) for line in statement.by_action],
        total=("Total", "", *_figures(statement.drawn)),
        names=2,
    )


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
