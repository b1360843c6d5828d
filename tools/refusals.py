"""The texts that the API refuses with, for tools/messages.py; console/refusals.py finds a text
again among them.

    raise Conflict(f"a channel has at most {MOST} credentials")
    a channel has at most %(MOST)s credentials
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

# As console/refusals.py takes it off: the name of the field.
FIELD = re.compile(r"^(?:[a-z]\w*(?: and [a-z]\w*)?|%\(\w+\)s): ")
# What no page shows: upstreams that are played, a description, commands, the checks at the start.
ELSEWHERE = {"migrations", "sandbox", "schema", "newapi_import", "management"}
MESSAGES = "default_error_messages"
_PLACE = re.compile(r"\{(\w+)\}")
# What stands within others.
PARTS = ("price book %(number)s",)
# At least this much of it is ours, and not filled in.
LETTERS_LEAST = 4


def read(paths: list[Path]) -> Iterator[str]:
    """All texts, some of them more than once."""
    from relay.api.errors import ANSWERS
    from relay.api.v1.roles import Right

    yield from PARTS
    yield from (str(right) for right in Right)
    told = {kind.__name__ for kind in ANSWERS} | {"ValidationError"}
    for path in paths:
        if not ELSEWHERE.intersection(path.parts) and path.name != "checks.py":
            for text in _of(path, told):
                bare = FIELD.sub("", text)
                if len(re.sub(r"%\(\w+\)s|\W", "", bare)) >= LETTERS_LEAST:
                    yield bare


def _of(path: Path, told: set[str]) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    known = dict(_constants(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (place := _place(node, path, told)) is not None:
            for argument in node.args[place : place + 1]:
                yield from _texts(argument, known)
        elif isinstance(node, ast.Assign) and _is_called(node, MESSAGES):
            yield from (_PLACE.sub(r"%(\1)s", text) for text in _texts(node.value, known))


def _is_called(node: ast.Assign, name: str) -> bool:
    return name in (getattr(target, "id", "") for target in node.targets)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    yield target.id, node.value.value


def _place(call: ast.Call, path: Path, told: set[str]) -> int | None:
    """Which of the arguments is the text."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name in told or (name == "__init__" and path.name == "errors.py"):
        return 0
    # (What there are too many of.)
    return 3 if name in ("Answer", "Limit") else None


def _texts(node: ast.AST | None, known: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value.replace("%", "%%")
    elif isinstance(node, ast.Name) and node.id in known:
        yield known[node.id].replace("%", "%%")
    elif isinstance(node, ast.JoinedStr):
        yield "".join(_part(part, place) for place, part in enumerate(node.values))
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, known)
        yield from _texts(node.orelse, known)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        ends = [list(_texts(side, known)) or ["%(other)s"] for side in (node.left, node.right)]
        yield from (start + end for start in ends[0] for end in ends[1])
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _texts(value, known)
    elif isinstance(node, ast.DictComp):
        yield from _texts(node.value, known)
    elif isinstance(node, ast.List):
        for value in node.elts:
            yield from _texts(value, known)


def _part(node: ast.expr, place: int) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value).replace("%", "%%")
    value = getattr(node, "value", None)
    name = getattr(value, "id", getattr(value, "attr", f"value{place}"))
    return f"%({name})s"
