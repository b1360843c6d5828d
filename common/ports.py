"""TCP ports as people write them: numbers and ranges such as "8000-9000"."""

import re
from collections.abc import Iterable

LARGEST = 65535
_FORM = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


def read(texts: Iterable[str]) -> list[int]:
    """All of them, in order and each once. Raises ValueError for what is no port and no range."""
    return sorted({port for text in texts for port in _range(text)})


def _range(text: str) -> range:
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no port and no range of ports")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= LARGEST:
        raise ValueError(f"{text!r}: ports are 1 to {LARGEST}, the smaller one first")
    return range(first, last + 1)


def shown(numbers: Iterable[int]) -> list[str]:
    """The shortest texts for these ports."""
    ranges: list[list[int]] = []
    for port in sorted(set(numbers)):
        if ranges and port == ranges[-1][1] + 1:
            ranges[-1][1] = port
        else:
            ranges.append([port, port])
    return [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
