"""Tables of what is no list of the API: reports, sums. Shown by the same part as lists are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.lists import NOTHING, Column, Row, cell

# More are only in the file.
ROWS_MAX = 500


@dataclass(frozen=True)
class Table:
    """`{% include "console/parts/table.html" with list=table %}`"""

    columns: Sequence[Column]
    data: Sequence[Mapping[str, Any]]
    empty: Any = NOTHING
    empty_icon: str = "inbox"
    actions: str = ""
    is_filtered: bool = False

    @property
    def of(self) -> "Table":
        return self

    @property
    def rows(self) -> list[Row]:
        return [
            Row(row, [cell(column, row) for column in self.columns]) for row in self.data[:ROWS_MAX]
        ]

    @property
    def left_out(self) -> int:
        return max(len(self.data) - ROWS_MAX, 0)
