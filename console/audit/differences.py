"""What a line of the audit has changed, as people read it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from console.audit import labels, values

# Objects that are the thing itself.
PLAIN = ("details", "values")
CUT = "…"
_MISSING = object()


@dataclass(frozen=True)
class Change:
    """`old`, `new`: texts; None where there was nothing, or is nothing any more. Of a list of
    objects instead `gone` and `come`: a text for each that only one of both has."""

    label: str
    old: str | None = None
    new: str | None = None
    gone: tuple[str, ...] = ()
    come: tuple[str, ...] = ()

    @property
    def lines(self) -> list[tuple[bool, str]]:
        """Both, each with whether it is new."""
        return [(False, text) for text in self.gone] + [(True, text) for text in self.come]


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    """Field by field, those within objects too."""
    return list(_changes("", before or {}, after or {}))


def _changes(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in {**before, **after}:
        old, new = before.get(name, _MISSING), after.get(name, _MISSING)
        # (The line says whose number it is.)
        if old == new or (name == "id" and not path):
            continue
        label = f"{path}{labels.label(str(name))}"
        if _opens(old) and _opens(new):
            within = [value if isinstance(value, Mapping) else {} for value in (old, new)]
            yield from _changes(path if name in PLAIN else f"{label}: ", *within)
        elif _are_rows(old, new):
            yield _of_rows(label, _rows(old), _rows(new))
        else:
            yield Change(label, _said(name, old), _said(name, new))


def _opens(value: Any) -> bool:
    """An object with fields of its own, or nothing in its place."""
    return value is _MISSING or (isinstance(value, Mapping) and bool(value))


def _are_rows(old: Any, new: Any) -> bool:
    """Lists of objects, or one of them and nothing in the other's place."""
    found = [values.rows(value) for value in (old, new) if value is not _MISSING and value != []]
    return bool(found) and all(found)


def _rows(value: Any) -> list[str]:
    if value is _MISSING:
        return []
    found = [values.row(item) for item in values.rows(value) or ()]
    return [*found, CUT] if isinstance(value, str) else found


def _of_rows(label: str, old: list[str], new: list[str]) -> Change:
    before, after = set(old), set(new)
    gone = tuple(text for text in old if text not in after)
    come = tuple(text for text in new if text not in before)
    # Their order has changed, or what the audit has cut off.
    return Change(label, gone=gone, come=come) if gone or come else Change(label, CUT, CUT)


def _said(name: str, value: Any) -> str | None:
    return None if value is _MISSING else values.said(name, value)
