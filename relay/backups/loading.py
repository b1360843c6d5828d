"""A dump becomes a database: pg_restore writes SQL, psql does it in one transaction."""

import shutil
import subprocess
import tempfile
from contextlib import suppress
from threading import Thread
from typing import IO, Any, cast

from relay.backups import server
from relay.backups.archive import COPY_BYTES
from relay.backups.errors import Refused
from relay.backups.programs import Programs

# All that is in the schema, but what an extension owns.
CLEAR = """
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', found.name); END LOOP;
    FOR found IN SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
    LOOP EXECUTE format('DROP SEQUENCE IF EXISTS %s CASCADE', found.name); END LOOP;
    FOR found IN SELECT oid::regprocedure AS name FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e'
        )
    LOOP EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', found.name); END LOOP;
END $$;
"""


def load(dump: IO[bytes], tools: Programs, *, clear: bool) -> None:
    """Raises Refused when it does not work, and the database is as it was."""
    with (
        tempfile.TemporaryFile() as restore_said,
        tempfile.TemporaryFile() as psql_said,
        _started(_restore(tools), restore_said) as restore,
        _started(_psql(tools), psql_said) as psql,
    ):
        feeding = Thread(target=_feed, args=(dump, cast("IO[bytes]", restore.stdin)), daemon=True)
        feeding.start()
        try:
            is_whole = _hand_over(restore, psql, clear=clear)
        finally:
            # psql takes back what it was not told the end of.
            _end(restore, psql)
        if not is_whole or psql.returncode:
            said = _said(psql_said) or _said(restore_said) or "they failed without a word"
            raise Refused(f"Nothing was restored, the database is as it was. PostgreSQL: {said}")


def _hand_over(
    restore: "subprocess.Popen[bytes]", psql: "subprocess.Popen[bytes]", *, clear: bool
) -> bool:
    """Whether psql was told all of it; only then it is told to keep it."""
    said, told = cast("IO[bytes]", restore.stdout), cast("IO[bytes]", psql.stdin)
    try:
        told.write(f"BEGIN;\n{CLEAR if clear else ''}".encode())
        shutil.copyfileobj(said, told, COPY_BYTES)
        if restore.wait():
            return False
        told.write(b"\nCOMMIT;\n")
        told.close()
    except BrokenPipeError:
        return False
    return psql.wait() == 0


def _end(*processes: "subprocess.Popen[bytes]") -> None:
    for process in processes:
        with suppress(OSError):
            if process.stdin:
                process.stdin.close()
        process.kill()
        process.wait()


def _restore(tools: Programs) -> list[str]:
    return [
        tools.path("pg_restore"),
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--file=-",
    ]


def _psql(tools: Programs) -> list[str]:
    return [
        tools.path("psql"),
        f"--dbname={server.address()}",
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
        "--file=-",
    ]


def _started(command: list[str], errors: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        env=server.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if command[0].endswith("pg_restore") else subprocess.DEVNULL,
        stderr=errors,
    )


def _feed(dump: IO[bytes], pipe: IO[bytes]) -> None:
    """What is left unread is told by whoever did not read it."""
    with suppress(OSError, ValueError):
        shutil.copyfileobj(dump, pipe, COPY_BYTES)
    with suppress(OSError, ValueError):
        pipe.close()


def _said(errors: Any) -> str:
    errors.seek(0)
    lines = cast("bytes", errors.read()).decode(errors="replace").strip().splitlines()
    return next((line for line in lines if "ERROR" in line or "error" in line), "".join(lines[:1]))
