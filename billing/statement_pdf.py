"""A statement on paper: A4, as many pages as it takes, in the language that is active."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, Literal
from xml.sax.saxutils import escape

from django.utils.translation import pgettext
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from billing import statement_tables
from billing.statement_tables import Table
from billing.statements import Statement
from common import site

# More lines of one table than anybody reads on paper; the CSV has them all.
ROWS_MAX = 500
# Adobe's own name for Chinese type: it is not in the file, every viewer has it or a stand-in.
CHINESE = "STSong-Light"
LATIN, BOLD = "Helvetica", "Helvetica-Bold"
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
# What reportlab adds to the margins by itself.
FRAME = 6
GAP = 4 * mm
GREY, PALE = HexColor("#666666"), HexColor("#dddddd")

pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


def render(statement: Statement) -> bytes:
    """The PDF file. It is made twice: the first one tells how many pages there are."""
    pages = _build(statement, footer=lambda page: "")[1]
    words = pgettext("statement", "Page %(page)d of %(pages)d")
    return _build(statement, footer=lambda page: words % {"page": page, "pages": pages})[0]


def _build(statement: Statement, *, footer: Callable[[int], str]) -> tuple[bytes, int]:
    title = pgettext("statement", "%(site)s: statement %(period)s") % {
        "site": site.value("site_name"),
        "period": statement_tables.period(statement),
    }

    def draw_foot(canvas: Canvas, document: Any) -> None:
        canvas.setFillColor(GREY)
        canvas.setFont(_font(title), 8)
        canvas.drawString(MARGIN, 10 * mm, title)
        number = footer(document.page)
        canvas.setFont(_font(number), 8)
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, number)

    file = BytesIO()
    document = SimpleDocTemplate(
        file, pagesize=A4, title=title, author=site.value("site_name"), subject=statement.tenant,
        leftMargin=MARGIN - FRAME, rightMargin=MARGIN - FRAME,
        topMargin=MARGIN, bottomMargin=MARGIN,
    )  # fmt: skip
    document.build(_story(statement), onFirstPage=draw_foot, onLaterPages=draw_foot)
    return file.getvalue(), document.page


def _story(statement: Statement) -> list[Any]:
    story: list[Any] = [
        _text(site.value("site_name"), size=11, color=GREY),
        _text(pgettext("statement", "Statement of account"), size=18, font=BOLD),
        Spacer(0, 4 * mm),
        _facts(statement_tables.facts(statement)),
    ]
    for table in statement_tables.tables(statement):
        # A title stands above some lines of its table.
        story += [Spacer(0, 7 * mm), CondPageBreak(30 * mm)]
        story += [_text(table.title, size=11, font=BOLD), _table(table)]
    return story


def _facts(facts: list[tuple[str, str]]) -> LongTable:
    rows = [[_text(name, color=GREY), _text(value)] for name, value in facts]
    return LongTable(rows, colWidths=[28 * mm, WIDTH - 28 * mm], style=_STYLE_OF_FACTS)


def _table(table: Table) -> LongTable:
    shown = table.rows[:ROWS_MAX]
    left = len(table.rows) - len(shown)
    more = pgettext("statement", "and %(number)d more, see the CSV file") % {"number": left}
    rest = [_row((more, *[""] * (len(table.columns) - 1)), table)]
    rows = [
        _row(table.columns, table, font=BOLD),
        *[_row(row, table) for row in shown],
        *(rest if left else []),
        _row(table.total, table, font=BOLD),
    ]
    return LongTable(rows, colWidths=_widths(table), repeatRows=1, style=_STYLE)


def _widths(table: Table) -> list[float]:
    """Figures are never broken; names share what is left."""
    columns = list(zip(table.columns, *table.rows, table.total, strict=True))[table.names :]
    figures = [max(map(_width, column)) + GAP for column in columns]
    return [(WIDTH - sum(figures)) / table.names] * table.names + figures


def _width(cell: str) -> float:
    return stringWidth(cell, _font(cell, BOLD), 8)


def _row(cells: tuple[str, ...], table: Table, *, font: str = LATIN) -> list[Paragraph]:
    names = [_text(cell, font=font) for cell in cells[: table.names]]
    return names + [_text(cell, font=font, alignment=TA_RIGHT) for cell in cells[table.names :]]


def _text(
    text: str,
    *,
    size: int = 8,
    font: str = LATIN,
    color: Any = None,
    alignment: Literal[0, 2] = TA_LEFT,
) -> Paragraph:
    style = ParagraphStyle(
        "", fontName=_font(text, font), fontSize=size, leading=size * 1.35,
        textColor=color or HexColor("#111111"), wordWrap="CJK", alignment=alignment,
    )  # fmt: skip
    return Paragraph(escape(text), style)


def _font(text: str, latin: str = LATIN) -> str:
    """The Latin one as far as it goes."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return CHINESE
    return latin


_PADDING: list[Any] = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ("LEFTPADDING", (0, 0), (-1, -1), GAP / 2),
    ("RIGHTPADDING", (0, 0), (-1, -1), GAP / 2 - 1),
]
_STYLE_OF_FACTS = TableStyle([*_PADDING, ("LEFTPADDING", (0, 0), (-1, -1), 0)])
_STYLE = TableStyle(
    [
        *_PADDING,
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, GREY),
        ("LINEBELOW", (0, 1), (-1, -2), 0.3, PALE),
        ("LINEABOVE", (0, -1), (-1, -1), 0.8, GREY),
    ]
)
