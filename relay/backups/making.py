"""Making a backup, also while the product works: everything is read at one moment."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from django.db import ProgrammingError, transaction

from billing.usage import WEEKS
from common import pulses, sql
from common.partitions import guard
from relay.backups import archive, facts, pictures, programs, server
from relay.backups.archive import Member, Writer
from relay.backups.errors import Refused
from relay.backups.programs import Programs

DUMP = "database.dump"
# Of a backup in a folder, so that they sort by time.
NAME = "relay-%Y%m%dT%H%M%SZ.tar"
PATTERN = "relay-????????T??????Z.tar"
PULSE = "backup"
# Held while one is made.
LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('relay backup')) AS taken"
# A table that somebody alters is waited for so long.
LOCK_WAIT = "60s"
# What has not grown for so long, nobody writes any more.
DRAFT_SECONDS = 3600


class Made(NamedTuple):
    path: Path
    bytes: int
    manifest: dict[str, Any]
    # None: there is no folder of them here, or they were not wanted.
    pictures: pictures.Taken | None
    deleted: list[Path]


def make(target: Path, *, with_pictures: bool = True, keep: int | None = None) -> Made:
    """Writes a file of this name, or a new one into a folder; of those in the folder the newest
    `keep` stay. Raises Refused."""
    server.begin()
    path = target / datetime.now(UTC).strftime(NAME) if target.is_dir() else target
    if keep is not None and not target.is_dir():
        raise Refused(f"{target} is no folder, so there is nothing to delete in it")
    with _moment() as snapshot:
        tools = programs.fitting(server.major())
        _sweep_drafts(target)
        with archive.new(path) as writer:
            manifest, taken = _write(writer, tools, snapshot, with_pictures=with_pictures)
    pulses.beat(PULSE)
    deleted = _delete_old(target, keep) if keep is not None else []
    return Made(path, path.stat().st_size, manifest, taken, deleted)


def _write(
    writer: Writer, tools: Programs, snapshot: str, *, with_pictures: bool
) -> tuple[dict[str, Any], pictures.Taken | None]:
    manifest = facts.manifest() | {"postgresql": server.major(), "pg_dump": tools.major}
    members = [_dump(writer, tools, snapshot)]
    taken = None
    place = pictures.folder()
    if with_pictures and place is not None:
        taken, sums = pictures.take(writer, place)
        members.append(sums)
    manifest["pictures"] = None if taken is None else taken._asdict()
    manifest["members"] = [member._asdict() for member in members]
    writer.seal(manifest)
    return manifest, taken


@contextmanager
def _moment() -> Iterator[str]:
    """A transaction that sees one moment, and the name by which others see the same."""
    with transaction.atomic():
        sql.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # It waits for files to be written.
        sql.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        with sql.patient():
            # Nothing old is dropped that this moment still has. (An older schema drops nothing.)
            with suppress(ProgrammingError), transaction.atomic():
                guard.keep(WEEKS)
            if not sql.fetch_one(LOCK).taken:
                raise Refused("Another backup of this database is being made")
            yield str(sql.fetch_one("SELECT pg_export_snapshot() AS name").name)


def _dump(writer: Writer, tools: Programs, snapshot: str) -> Member:
    command = [
        tools.path("pg_dump"),
        f"--dbname={server.address()}",
        "--format=custom",
        "--compress=3",
        "--no-owner",
        "--no-privileges",
        "--no-password",
        f"--lock-wait-timeout={LOCK_WAIT}",
        f"--snapshot={snapshot}",
        *(f"--exclude-table-data=public.{name}" for name in facts.LEFT_OUT),
    ]
    with tempfile.TemporaryFile() as errors, _process(command, cast("IO[bytes]", errors)) as dump:
        member = writer.add(DUMP, cast("IO[bytes]", dump.stdout))
        if dump.wait():
            raise Refused(f"pg_dump: {_said(cast('IO[bytes]', errors))}")
    return member


@contextmanager
def _process(command: list[str], errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Ended with us, whatever ends us."""
    with subprocess.Popen(
        command,
        env=server.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[0].removeprefix("pg_dump: ") if lines else "it failed without a word"


def _sweep_drafts(folder: Path) -> None:
    """What a backup has left that was killed."""
    if folder.is_dir():
        for draft in folder.glob(f".{PATTERN}.*"):
            if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                draft.unlink(missing_ok=True)


def _delete_old(folder: Path, keep: int) -> list[Path]:
    old = sorted(folder.glob(PATTERN))[:-keep]
    for path in old:
        path.unlink()
    return old
