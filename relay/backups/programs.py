"""PostgreSQL's own programs, of a version that fits the server."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from relay.backups.errors import Refused
from relay.up import embedded

NAMES = ("pg_dump", "pg_restore", "psql")
DEBIAN = Path("/usr/lib/postgresql")
VERSION_SECONDS = 10


class Programs(NamedTuple):
    """A folder with all of NAMES, and their major version."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        return str(self.folder / name)


def fitting(server: int) -> Programs:
    """Those nearest to a server of this major version; older ones cannot read it.

    Raises Refused with what was found instead.
    """
    found = {folder: Programs(folder, major) for folder, major in _all()}
    good = [programs for programs in found.values() if programs.major >= server]
    if good:
        return min(good, key=lambda programs: programs.major)
    known = ", ".join(f"{each.major} in {each.folder}" for each in found.values()) or "none"
    raise Refused(
        f"The server is PostgreSQL {server}, and {', '.join(NAMES)} of that version are needed "
        f"(found: {known}). Install postgresql-client-{server}, or requirements-embedded.txt"
    )


def _all() -> Iterator[tuple[Path, int]]:
    for folder in dict.fromkeys(_folders()):
        if all((folder / name).exists() for name in NAMES) and (major := _major(folder)):
            yield folder, major


def _folders() -> Iterator[Path]:
    if wheel := embedded.postgres_program(NAMES[0]):
        yield wheel.parent
    # Not resolved: Debian has one program there that chooses among the versions by its own name.
    if found := shutil.which(NAMES[0]):
        yield Path(found).parent
    yield from sorted(DEBIAN.glob("*/bin"))


def _major(folder: Path) -> int:
    """0 when it says nothing that we understand."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [str(folder / NAMES[0]), "--version"],
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            check=True,
        )
        if number := re.search(r"\(PostgreSQL\) (\d+)", done.stdout):
            return int(number[1])
    return 0
