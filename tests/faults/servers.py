"""Servers that a test may kill: a Redis, a PostgreSQL or a database of its own."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from billing import books
from common.processes.records import Records
from relay.up import embedded, servers
from tests import kept
from tests.prices import PRICES
from tests.stack import wait_until

_numbers = itertools.count(1)
STOP_SECONDS = 20
# Its data need not outlive the machine, only its own processes. `synchronous_commit` stays on:
# without it a kill loses what was committed.
QUICK_POSTGRES = {"fsync": "off", "full_page_writes": "off"}


class OwnServer:
    """A server process with a folder of its own. The path is short: sockets have no long names."""

    def __init__(self) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="mjr-"))
        self._process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """kill -9."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """A clean stop, whoever is connected: SIGINT is PostgreSQL's "fast" one, and Redis's."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(STOP_SECONDS)
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.var, ignore_errors=True)
        shutil.rmtree(embedded.socket_dir(self.var), ignore_errors=True)

    def _spawn(self, command: list[str]) -> int:
        with (self.var / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=servers.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._process.pid


class OwnRedis(OwnServer):
    """A Redis that keeps nothing: each start is an empty one."""

    @property
    def url(self) -> str:
        return embedded.redis_url(self.var)

    def start(self) -> None:
        servers.prepare_sockets(self.var)
        self._spawn(servers.redis_command(self.var, appendonly="no"))
        wait_until(lambda: servers.redis_answers(self.var), what="Redis")

    def suspend(self) -> None:
        """It holds its connections and says nothing any more."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def resume_or_start(self) -> None:
        if self._process is None:
            self.start()
        else:
            self.resume()

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, decode_responses=True)

    def empty(self) -> None:
        with self.client() as client:
            client.flushall()


class OwnPostgres(OwnServer):
    @property
    def url(self) -> str:
        return embedded.database_url(self.var)

    def start(self) -> None:
        records = Records(self.var / "processes")
        records.write_own("tests")
        servers.prepare_sockets(self.var)
        servers.prepare_postgres(self.var, records, parent="tests", initdb=["--no-sync"])
        self._spawn(servers.postgres_command(self.var, **QUICK_POSTGRES))
        wait_until(lambda: servers.postgres_answers(self.var), what="PostgreSQL")

    def suspend(self) -> None:
        """All its processes hold their connections and say nothing any more."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process
        # First the one that would start others.
        for pid in [self._process.pid, *_children(self._process.pid)]:
            with _gone_already():
                os.kill(pid, number)

    def kill(self) -> None:
        """kill -9 of all its processes. The sessions are no group of its own, only its children."""
        if self._process:
            pids = [*_children(self._process.pid), self._process.pid]
            for pid in pids:
                with _gone_already():
                    os.kill(pid, signal.SIGKILL)
            super().kill()
            _forget_connections()
            wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


@contextmanager
def migrated(url: str) -> Iterator[None]:
    """Keeps a copy of the database at `url` as it is now, migrated and with prices, for
    own_database() inside: migrations take seconds, copies do not."""
    name = _migrated_name(url)
    with psycopg.connect(_beside(url, "postgres"), autocommit=True) as server:
        _forget_connections()
        # Of a run that was killed.
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_name(url)}"')
        try:
            yield
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """A new, migrated database beside the one at `url`; meanwhile this process works on it.

    A second stack cannot share its database with the first: the other's worker would do the work
    of the one that was killed.
    """
    with _new_database(url, like=_migrated_name(url)) as own:
        yield own


@contextmanager
def own_copy() -> Iterator[str]:
    """A copy of the database that this process works on, and on which it works meanwhile; nobody
    else is connected to it."""
    with _new_database(settings.DATABASE_URL, like=connection.settings_dict["NAME"]) as own:
        yield own


@contextmanager
def _new_database(url: str, *, like: str) -> Iterator[str]:
    before = connection.settings_dict["NAME"]
    name = f"{before}_own_{next(_numbers)}"
    with psycopg.connect(_beside(url, "postgres"), autocommit=True) as server:
        _forget_connections()
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        _switch(name)
        try:
            yield _beside(url, name)
        finally:
            _switch(before)
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def own_postgres_server() -> Iterator[OwnPostgres]:
    """A PostgreSQL with a migrated database; meanwhile this process works on it."""
    server = OwnPostgres()
    before = {key: connection.settings_dict[key] for key in ("NAME", "HOST", "PORT")}
    try:
        server.start()
        servers.create_database(server.var)
        _switch(servers.DATABASE, HOST=str(embedded.socket_dir(server.var)), PORT="")
        call_command("migrate", verbosity=0, interactive=False)
        books.publish_json(PRICES, memo="tests")
        yield server
    finally:
        _switch(**before)
        server.remove()


def _switch(NAME: str, **where: str) -> None:  # noqa: N803  Django's names
    """The same dictionary is behind the connections of all threads."""
    _forget_connections()
    connection.settings_dict |= {"NAME": NAME} | where
    kept.forget()


def _forget_connections() -> None:
    """This process's own, the pooled ones included."""
    connection.close()
    if connection.pool:
        connection.close_pool()


def _migrated_name(url: str) -> str:
    return f"{_name(url)}_migrated"


def _name(url: str) -> str:
    return urlsplit(url).path[1:]


def _beside(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path="/" + database))


def _children(pid: int) -> list[int]:
    with _gone_already():
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@contextmanager
def _gone_already() -> Iterator[None]:
    with suppress(ProcessLookupError, FileNotFoundError):
        yield
