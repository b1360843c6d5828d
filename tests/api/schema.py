"""The schema as tests see it: its examples, and whether an answer is what it promises."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jsonschema  # type: ignore[import-untyped]

from relay.api.schema.document import document

DOCUMENT = document("en")
SCHEMAS = DOCUMENT["components"]["schemas"]
REFUSALS = DOCUMENT["components"]["responses"]
JSON = "application/json"


class Example(NamedTuple):
    """One example of a request (`status` 0) or of an answer."""

    method: str
    path: str
    operation: str
    name: str
    value: Any
    status: int = 0

    def __str__(self) -> str:
        return f"{self.operation}-{self.name}"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of every route."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def requests() -> list[Example]:
    return [
        Example(method, path, operation["operationId"], name, example["value"])
        for method, path, operation in operations()
        for name, example in _examples(operation.get("requestBody", {}))
    ]


def answers() -> list[Example]:
    return [
        Example(method, path, operation["operationId"], name, example["value"], int(status))
        for method, path, operation in operations()
        for status, answer in operation["responses"].items()
        for name, example in _examples(answer)
    ]


def answers_to(method: str, path: str, status: int) -> list[Any]:
    """What the examples show of the answers with this status."""
    operation = DOCUMENT["paths"][path][method.lower()]
    return [example["value"] for _, example in _examples(operation["responses"][str(status)])]


def schema_of(method: str, path: str, status: int) -> dict[str, Any]:
    answer = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]
    found: dict[str, Any] = answer["content"][JSON]["schema"]
    return found


def check(value: Any, schema: dict[str, Any]) -> None:
    """Raises jsonschema.ValidationError when the value does not fit."""
    whole = {"components": {"schemas": SCHEMAS}} | schema
    jsonschema.Draft202012Validator(whole).validate(value)


def shape(value: Any) -> Any:
    """What is compared of an answer: its keys and types, of a list its first entry, no values.

    Null stands for anything; the schema says where it may stand.
    """
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return value if value is None else "boolean"
    return "number" if isinstance(value, int | float) else "text"


def alike(one: Any, other: Any) -> bool:
    """The same keys on every level."""
    if one is None or other is None:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return all(alike(a, b) for a, b in zip(one, other, strict=False))
    return bool(one == other)


def fits(answer: Any, examples: list[Any]) -> bool:
    """The answer has the shape of one of the examples, key by key."""
    return any(alike(shape(answer), shape(example)) for example in examples)


def _examples(content: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(content.get("content", {}).get(JSON, {}).get("examples", {}).items())
