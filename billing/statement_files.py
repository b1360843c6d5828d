"""Statements as files to download."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.utils.translation import override

from billing import money, statements
from billing.models import Tenant
from billing.periods import Period
from billing.statements import Drawn, Statement
from common import languages, sheets, site

FORMATS = ("csv", "entries", "pdf")


class File(NamedTuple):
    name: str
    content_type: str
    pieces: Iterator[bytes]


def make(*, format: str, tenant_id: int, period: Period, language: str = "") -> File:
    """The statement as "csv" or "pdf", or its single lines as "entries" (CSV). Its sums are made
    now, its lines while they are read. `language`: of the PDF, "" for the site's; programs read the
    others. Raises ValueError for another format, EntriesGone, Tenant.DoesNotExist.
    """
    if format not in FORMATS:
        raise ValueError(f"a statement is made as one of {', '.join(FORMATS)}")
    tenant = Tenant.objects.get(pk=tenant_id)
    name = f"statement-{tenant.pk}-{period.first}-{period.last}"
    if format == "entries":
        rows = entry_rows(statements.entries(tenant_id=tenant_id, period=period))
        return File(f"{name}-entries.csv", sheets.CONTENT_TYPE, sheets.stream(rows))
    statement = statements.statement(tenant_id=tenant_id, period=period)
    if format == "pdf":
        # Here and not above: it takes 17 MB, and most processes never make one.
        from billing import statement_pdf

        with override(language or languages.of_site()):
            page = statement_pdf.render(statement)
        return File(f"{name}.pdf", "application/pdf", iter([page]))
    return File(f"{name}.csv", sheets.CONTENT_TYPE, sheets.stream(summary_rows(statement)))


# -- Summary ---------------------------------------------------------------------------------------

# Money as changes of the balance, with their signs. `section` says what a line is about; the
# figures of one section are its lines' and, in the one named "total", their sum.
SUMMARY_COLUMNS = (
    "section", "name", "mode", "entries", "balance", "held",
    "captures", "captured", "refunds", "refunded", "releases", "net",
)  # fmt: skip
_NO_DRAWN = ("",) * 6


def summary_rows(statement: Statement) -> Iterator[tuple[str, ...]]:
    yield SUMMARY_COLUMNS
    yield from _about(statement)
    yield from _account(statement)
    yield from _drawn("key", statement.by_key, total=statement.drawn)
    yield from _drawn("action", statement.by_action, total=statement.drawn)


def _about(statement: Statement) -> Iterator[tuple[str, ...]]:
    state = "final" if statement.is_final else "provisional"
    for section, name in (
        ("site", site.value("site_name")),
        ("tenant", statement.tenant),
        ("period", str(statement.period)),
        ("currency", site.value("currency")),
        (state, f"{statement.made_at:%Y-%m-%d %H:%M:%S} UTC"),
    ):
        yield _line(section, sheets.text(name), "", "", "", "")


def _account(statement: Statement) -> Iterator[tuple[str, ...]]:
    opening = (money.text(statement.opening_balance), money.text(statement.opening_held))
    closing = (money.text(statement.closing_balance), money.text(statement.closing_held))
    yield _line("opening", "", "", "", *opening)
    for name, sums in (*statement.kinds.items(), ("total", statement.total)):
        figures = (str(sums.number), money.text(sums.amount), money.text(sums.held))
        yield _line("kind" if name != "total" else "kind total", name, "", *figures)
    yield _line("closing", "", "", "", *closing)


def _drawn(section: str, lines: Iterable[Drawn], *, total: Drawn) -> Iterator[tuple[str, ...]]:
    for line in lines:
        names = (sheets.text(line.name), sheets.text(line.mode))
        yield section, *names, "", "", "", *_figures(line)
    yield f"{section} total", "", "", "", "", "", *_figures(total)


def _line(*cells: str) -> tuple[str, ...]:
    return *cells, *_NO_DRAWN


def _figures(drawn: Drawn) -> tuple[str, ...]:
    return (
        str(drawn.captured.number),
        money.text(drawn.captured.amount),
        str(drawn.refunded.number),
        money.text(drawn.refunded.amount),
        str(drawn.released.number),
        money.text(drawn.net),
    )


# -- Line by line ----------------------------------------------------------------------------------

# Without channel, cost and actor, which are the operator's own affair.
ENTRY_COLUMNS = (
    "id", "time", "kind", "reference", "key", "action", "mode", "amount", "held",
    "balance_after", "held_after", "memo",
)  # fmt: skip


def entry_rows(entries: Iterable[Any]) -> Iterator[tuple[object, ...]]:
    """`entries`: those of statements.entries."""
    yield ENTRY_COLUMNS
    for entry in entries:
        key = "" if entry.key_name is None else f"{entry.key_name} ({entry.key_prefix}…)"
        yield (
            entry.id,
            f"{entry.created_at:%Y-%m-%d %H:%M:%S.%f}",
            entry.kind,
            sheets.text(entry.reference),
            sheets.text(key),
            sheets.text(entry.price_name),
            sheets.text(entry.mode),
            money.text(entry.amount),
            money.text(entry.held),
            money.text(entry.balance_after),
            money.text(entry.held_after),
            sheets.text(entry.memo),
        )
