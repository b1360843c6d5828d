"""`var/up.json`: what a newcomer, or a script, must know of the running relay."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


class Facts:
    """Kept over restarts. New secrets go to a draft first: `up.json` appears when all is ready."""

    def __init__(self, var: Path, *, database: str) -> None:
        self._path = var / "up.json"
        self._draft = var / "up.json.draft"
        known = _read(self._path) | _read(self._draft)
        # A password of another database opens nothing here.
        self._known = known if known.get("database") == database else {"database": database}

    def get(self, name: str) -> str:
        return self._known.get(name, "")

    def remember(self, **facts: str) -> None:
        """Stored before the database has them: a kill in between must not lose a password."""
        self._known |= facts
        _write(self._draft, self._known)

    def publish(self) -> None:
        _write(self._draft, self._known)
        self._draft.replace(self._path)


def url(var: Path) -> str:
    """Where `make run` has the web of this folder; "" when it never came up."""
    return _read(var / "up.json").get("url", "")


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()}


def _write(path: Path, facts: Mapping[str, str]) -> None:
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(facts, indent=2) + "\n")
    partial.replace(path)
