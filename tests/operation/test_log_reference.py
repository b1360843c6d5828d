"""docs/logs.md has every line that the product writes, by its logger and level."""

import ast
import re
from collections.abc import Iterator

from tests.stack import ROOT

APPS = ("billing", "channels", "common", "console", "relay")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
DOCUMENT = ROOT / "docs" / "logs.md"
_PLACE = re.compile(r"%[.\d]*[a-z]")
_ROW = re.compile(r"^\| (\w+) \| `([\w.]+)` \| `([^`]+)` \|", re.MULTILINE)

Line = tuple[str, str, str]


def written() -> Iterator[Line]:
    """(level, logger, message) of each call of a logger, with … where something is put in."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if "sandbox" in name:
                continue
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if is_of_a_logger(call):
                    level = call.func.attr.replace("exception", "error").upper()
                    logger = "relay.access" if call.func.value.id == "access_logger" else name
                    for text in texts(call.args[0]):
                        yield level, logger.removesuffix(".__init__"), _PLACE.sub("…", text)


def is_of_a_logger(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("logger", "access_logger")
    )


def texts(node: ast.AST) -> Iterator[str]:
    """One of two, where it depends."""
    if isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    else:
        assert isinstance(node, ast.Constant), ast.dump(node)
        yield node.value


def test_every_line_of_the_logs_is_explained_and_no_other() -> None:
    told = _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert len(told) == len(set(told))
    assert set(told) == set(written())


def test_every_line_has_a_meaning() -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if "` |" in line]
    assert len(rows) > 40
    assert all(len(row.split("|")[4].split()) >= 3 for row in rows if _ROW.match(row))
