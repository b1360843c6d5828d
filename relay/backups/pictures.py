"""Kept pictures and videos, where they lie in a folder of this machine. What lies in a bucket is
the bucket's to keep."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

from django.core.files.storage import FileSystemStorage, storages

from common import sql
from relay.backups.archive import COPY_BYTES, Member, Reader, Writer
from relay.backups.errors import Damaged
from relay.pictures.results import STORAGE

SUMS = "results.sha256"
PREFIX = "results/"
_KEPT = """
SELECT name FROM relay_resultfile WHERE state = 'kept' AND name > %(after)s
ORDER BY name LIMIT 1000
"""


class Taken(NamedTuple):
    """How many files and bytes; `missing`: rows whose file is not in the folder."""

    files: int = 0
    bytes: int = 0
    missing: int = 0


def folder() -> Path | None:
    """Where they lie; None when that is no folder here."""
    storage = storages[STORAGE]
    return Path(storage.location) if isinstance(storage, FileSystemStorage) else None


def take(writer: Writer, place: Path) -> tuple[Taken, Member]:
    """Puts each into the archive, and then the list of their sums. In a snapshot of the database: a
    file is there before its row says so."""
    files = size = missing = 0
    with tempfile.TemporaryFile() as sums:
        for name in _names():
            try:
                source = (place / name).open("rb")
            except FileNotFoundError:
                missing += 1
                continue
            with source:
                member = writer.add(PREFIX + name, source)
            sums.write(f"{member.sha256}  {member.size}  {member.name}\n".encode())
            files, size = files + 1, size + member.size
        sums.seek(0)
        listed = writer.add(SUMS, cast("IO[bytes]", sums))
    return Taken(files, size, missing), listed


def listed(reader: Reader) -> Iterator[Member]:
    with reader.open(SUMS) as lines:
        for line in lines:
            words = line.decode().split(maxsplit=2)
            if len(words) != 3 or not words[1].isdigit():
                raise Damaged(f"{SUMS} is not as it was written")
            yield Member(words[2].rstrip("\n"), int(words[1]), words[0])


def put_back(reader: Reader, members: Iterable[Member], place: Path) -> int:
    """Returns how many were written. One that is there already, as long as ours, stays."""
    written = 0
    for member in members:
        target = _target(place, member.name)
        if target.exists() and target.stat().st_size == member.size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(reader, member, target)
        written += 1
    return written


def _names() -> Iterator[str]:
    after = ""
    while rows := sql.fetch_all(_KEPT, {"after": after}):
        for row in rows:
            yield row.name
        after = rows[-1].name


def _target(place: Path, name: str) -> Path:
    """Raises Damaged for a name that leads elsewhere."""
    target = (place / name.removeprefix(PREFIX)).resolve()
    if not name.startswith(PREFIX) or not target.is_relative_to(place.resolve()):
        raise Damaged(f"{name} leads out of the folder")
    return target


def _write(reader: Reader, member: Member, target: Path) -> None:
    descriptor, draft = tempfile.mkstemp(prefix=".restoring-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file, reader.open(member.name) as source:
            while chunk := source.read(COPY_BYTES):
                file.write(chunk)
        os.chmod(draft, 0o644)
        os.rename(draft, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)
