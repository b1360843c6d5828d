"""A PgBouncer in transaction mode that a test may kill, made by deploy/pgbouncer/start.sh."""

import os
import shutil
import socket
import subprocess
from urllib.parse import parse_qs, quote, unquote, urlsplit

import psycopg
import pytest

from relay.up import privileges
from tests.faults.servers import OwnServer
from tests.stack import ROOT, free_port, wait_until

# Debian puts it where only root looks.
PROGRAMS = ("pgbouncer", "/usr/sbin/pgbouncer")
START = ROOT / "deploy" / "pgbouncer" / "start.sh"
# Less than the processes' pools want together: they have to share.
POOL_SIZE = 8
# The tests' PostgreSQL asks for none, PgBouncer does.
PASSWORD = """ab'"c d"""
STATEMENT_SECONDS = 3


def pgbouncer_program() -> str:
    """Skips the test where there is none; CI says that there must be one. PGBOUNCER names one."""
    for name in (os.environ.get("PGBOUNCER", ""), *PROGRAMS):
        if name and (found := shutil.which(name)):
            return found
    if os.environ.get("PGBOUNCER_REQUIRED"):
        pytest.fail("there is no pgbouncer on this machine")
    pytest.skip("there is no pgbouncer on this machine")


class OwnPooler(OwnServer):
    """Before the database at `database_url`."""

    def __init__(self, database_url: str) -> None:
        super().__init__()
        self._program = pgbouncer_program()
        self._port = free_port()
        parts = urlsplit(database_url)
        self._name = parts.path.removeprefix("/")
        self._user = unquote(parts.username or "")
        self._host = parts.hostname or parse_qs(parts.query)["host"][0]
        self._postgres_port = parts.port or 5432

    @property
    def url(self) -> str:
        return f"postgres://{self._user}:{quote(PASSWORD)}@127.0.0.1:{self._port}/{self._name}"

    @property
    def can_prepare(self) -> bool:
        """Since 1.21."""
        said = subprocess.run([self._program, "--version"], capture_output=True, text=True).stdout
        major, minor, *_ = said.split()[1].split(".")
        return (int(major), int(minor)) >= (1, 21)

    @property
    def settings(self) -> dict[str, str]:
        """What the relay is told."""
        return {
            "DATABASE_URL": self.url,
            "DATABASE_POOLER": "true",
            "DATABASE_PREPARE": str(self.can_prepare).lower(),
            "DATABASE_STATEMENT_SECONDS": str(STATEMENT_SECONDS),
        }

    def start(self) -> None:
        privileges.give(self.var)
        command = [*privileges.prefix(self.var), "/bin/sh", str(START)]
        with (self.var / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **self._environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        wait_until(self._answers, what=f"PgBouncer: {self.log()}")

    def log(self) -> str:
        return (self.var / "log").read_text(errors="replace")

    def _environment(self) -> dict[str, str]:
        return {
            "PGBOUNCER": self._program,
            "RUN_DIR": str(self.var),
            "DB_HOST": self._host,
            "DB_PORT": str(self._postgres_port),
            "DB_NAME": self._name,
            "DB_USER": self._user,
            "DB_PASSWORD": PASSWORD,
            "LISTEN_ADDRESS": "127.0.0.1",
            "LISTEN_PORT": str(self._port),
            "POOL_SIZE": str(POOL_SIZE),
            "STATEMENT_SECONDS": str(STATEMENT_SECONDS),
            "PREPARED_MAX": "200" if self.can_prepare else "0",
        }

    def _answers(self) -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)):
                return False
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
