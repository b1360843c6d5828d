"""What was measured, beside what limits it and what is wanted: the table and the file."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

HEAD = ("", "figure", "value", "floor", "ratio", "wanted", "held")
# Texts stand to the left, numbers to the right.
RIGHT = {2, 3, 4}


class Figure(NamedTuple):
    """One line. `floor`: what the same machine did in the same run without what the figure adds;
    `wanted`: in words, "" when nothing is; `held`: None when nothing is wanted."""

    key: str
    what: str
    value: float
    unit: str
    floor: float | None = None
    wanted: str = ""
    held: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    def as_dict(self) -> dict[str, Any]:
        ratio = None if self.ratio is None else round(self.ratio, 4)
        return self._asdict() | {"ratio": ratio}


def at_least(value: float, share: float, floor: float | None) -> bool | None:
    """Whether it is so much of the floor; None without one."""
    return None if floor is None else value >= share * floor


def table(figures: Iterable[Figure]) -> str:
    """For people: a line for each figure, then its notes."""
    found = sorted(figures, key=lambda each: each.key)
    rows = [HEAD, *map(_cells, found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"{each.key}: {each.note}" for each in found if each.note]
    return "\n".join([*lines, "", *notes])


def write(path: Path, figures: Iterable[Figure], **facts: Any) -> None:
    """For programs: `facts` tell where and when."""
    told = facts | {"figures": [each.as_dict() for each in sorted(figures)]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def _cells(each: Figure) -> tuple[str, ...]:
    held = {None: "", True: "yes", False: "NO"}[each.held]
    floor = "" if each.floor is None else _number(each.floor)
    ratio = "" if each.ratio is None else f"{each.ratio:.3g}"
    value = f"{_number(each.value)} {each.unit}".rstrip()
    return each.key, each.what, value, floor, ratio, each.wanted, held


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = []
    for place, (text, width) in enumerate(zip(row, widths, strict=True)):
        put: Callable[[int], str] = text.rjust if place in RIGHT else text.ljust
        cells.append(put(width))
    return "  ".join(cells).rstrip()
