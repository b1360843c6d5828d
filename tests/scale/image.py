"""The folder that the image would have, made without Docker: what .dockerignore lets through, and
the steps of the Dockerfile that work on it."""

import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

from tests.stack import ROOT


def build(folder: Path) -> Path:
    """A copy of all that the image has of the project."""
    made = folder / "srv"
    for path in let_through():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_bytes((ROOT / path).read_bytes())
    subprocess.run([sys.executable, "tools/translations.py"], cwd=made, check=True)
    return made


def let_through() -> list[Path]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    wanted = [rule[1:] for rule in rules if rule.startswith("!")]
    never = [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]
    assert rules[0] == "*"
    assert len(rules) == 1 + len(wanted) + len(never), "a kind of rule that is not known here"
    files = [path for name in wanted for path in _files(ROOT / name)]
    return [path for path in files if not any(fnmatch(p, n) for p in path.parts for n in never)]


def _files(path: Path) -> list[Path]:
    found = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    assert found, path
    return [one.relative_to(ROOT) for one in found]
