"""Lines with a name pattern and a mode, of which the one that fits best counts."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
MODES = ("fast", "relax", "turbo")
ANY_MODE = ""
WILDCARD = "*"
NAME_MAX_CHARS = 64


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


def check_pattern(pattern: str) -> str:
    """The pattern itself. Raises ValueError when no price name could ever fit it."""
    is_text = pattern.isprintable() and pattern == pattern.strip()
    if not pattern or len(pattern) > NAME_MAX_CHARS or not is_text:
        raise ValueError(
            f"{pattern!r} is not a price name: 1 to {NAME_MAX_CHARS} characters that can be seen"
        )
    if WILDCARD in pattern[:-1]:
        raise ValueError(f"{pattern!r} is not a price name: * may only stand once, at its end")
    return pattern


def check_mode(mode: str) -> str:
    """The mode itself, "" for any. Raises ValueError."""
    if mode not in (*MODES, ANY_MODE):
        raise ValueError(f'{mode!r} is not a mode: it is {", ".join(MODES)} or "" for any')
    return mode
