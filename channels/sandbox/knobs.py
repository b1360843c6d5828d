"""Switches as data: what a dialect lets tests turn, what it means, and which values it takes."""

from collections.abc import Callable
from dataclasses import field, fields
from typing import Any, ClassVar, Protocol


class Knobs(Protocol):
    """A dataclass whose fields are all made by `knob`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def knob(default: Any, read: Callable[[object], object], meaning: str) -> Any:
    """A field of a dataclass of knobs. `read` raises ValueError or TypeError for a wrong value."""
    return field(default=default, metadata={"read": read, "help": meaning})


def turn(knobs: Knobs, name: str, value: object) -> None:
    (found,) = (one for one in fields(knobs) if one.name == name)
    setattr(knobs, name, found.metadata["read"](value))


def names(knobs: Knobs) -> list[str]:
    return [one.name for one in fields(knobs)]


def positions(knobs: Knobs) -> dict[str, object]:
    """Where all stand, as JSON can tell it."""
    values = {name: getattr(knobs, name) for name in names(knobs)}
    return {k: sorted(v) if isinstance(v, frozenset) else v for k, v in values.items()}


def meanings(knobs: type[Knobs]) -> dict[str, str]:
    return {one.name: one.metadata["help"] for one in fields(knobs)}


def one_of(*known: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in known:
            raise ValueError(f"{value!r} is none of {known}")
        return str(value)

    return read


def some_of(*known: str) -> Callable[[object], frozenset[str]]:
    one = one_of(*known)

    def read(value: object) -> frozenset[str]:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is no list of {known}")
        return frozenset(one(item) for item in value)

    return read


def on_off(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def number(value: object) -> float:
    return float(str(value))


def whole_number(value: object) -> int:
    return int(str(value))
