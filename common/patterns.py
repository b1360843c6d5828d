"""Lines with a name pattern and a mode, of which the one that fits best counts."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
ANY_MODE = ""
WILDCARD = "*"


class Patterns(Generic[T]):
    """Looks up values by price name and mode.

    A pattern is an exact name, a prefix with `*` behind it, or `*` alone. Exact goes before the
    longest prefix, and among lines of one pattern the mode's own before any mode's.
    """

    def __init__(self, lines: Iterable[tuple[str, str, T]] = ()) -> None:
        """`lines`: (pattern, mode or "", value)."""
        self._exact: dict[tuple[str, str], T] = {}
        self._prefixes: dict[tuple[str, str], T] = {}
        for pattern, mode, value in lines:
            if pattern.endswith(WILDCARD):
                self._prefixes[pattern.removesuffix(WILDCARD), mode] = value
            else:
                self._exact[pattern, mode] = value
        self._longest_first = sorted({prefix for prefix, _ in self._prefixes}, key=len)[::-1]

    def find(self, names: Sequence[str], mode: str) -> T | None:
        """The value for the first of `names`; the others are what it is called too, in case that
        it has no exact line of its own."""
        for name in names:
            for fitting in (mode, ANY_MODE):
                if (value := self._exact.get((name, fitting))) is not None:
                    return value
        for prefix in self._longest_first:
            if names[0].startswith(prefix):
                for fitting in (mode, ANY_MODE):
                    if (value := self._prefixes.get((prefix, fitting))) is not None:
                        return value
        return None
