"""CSV for spreadsheets: what people download."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

# Without it Excel takes UTF-8 for the machine's old code page, and Chinese names are lost.
BOM = "\ufeff"
CONTENT_TYPE = "text/csv; charset=utf-8"
# A cell that begins so is a formula to a spreadsheet, also in full-width form; an apostrophe before
# it makes it text again.
FORMULA_STARTS = frozenset("=+-@＝＋－＠")
_CHUNK_CHARS = 64 * 1024


def text(value: str) -> str:
    """A cell for a text that somebody else has chosen: shown as it is, never run."""
    starts_formula = value.lstrip()[:1] in FORMULA_STARTS if value.strip() else False
    return f"'{value}" if starts_formula or value[:1] in ("\t", "\r", "\n") else value


def stream(rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The file in pieces; no more than one of them is in memory."""
    buffer = StringIO()
    buffer.write(BOM)
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > _CHUNK_CHARS:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: StringIO) -> bytes:
    piece = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return piece
