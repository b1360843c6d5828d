"""The whole product on a few cores of this machine, as `make run` starts it, for the bench."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import requests

from bench import usage
from common import processes
from common.processes.records import Records
from relay.up import programs, servers, temporary

ROOT = servers.BASE_DIR
FOLDER = ROOT / "var" / "bench"
START_SECONDS = 60
STOP_SECONDS = 15
# Of a core: who uses less has nothing to do. And how often it is looked at.
IDLE_SHARE, SETTLE_LOOKS = 0.05, 20
APP = ("web", "worker", "beat")
# What belongs to the bench and not to the product: how much may be asked.
SETTINGS = {"FETCH_RPM": "100000000"}
# A client of the load generator is an open file, and so is a call to an upstream.
FILES_WANTED = 16_384


@dataclass
class Place:
    """The running product. `env` is what its processes see; `url` is the web, `upstream_url` the
    fake upstream (bench/upstream.py), `folder` is for everything that is written."""

    folder: Path
    env: dict[str, str]
    port: int
    upstream_port: int
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def _records(self) -> Records:
        """What is left of a run that was killed is ended by the next one."""
        return Records(self.folder / "processes")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def upstream_url(self) -> str:
        return f"http://127.0.0.1:{self.upstream_port}"

    @property
    def commands(self) -> dict[str, list[str]]:
        """The product's as `make run` has them, and the fake upstream."""
        found = programs.app(host="127.0.0.1", port=self.port, var=self.folder)
        fake = [sys.executable, "-m", "bench.upstream", "--port", str(self.upstream_port)]
        return {each.name: each.command for each in found if each.name in APP} | {"upstream": fake}

    def start(self, *names: str, **env: str) -> None:
        """Starts these (web, worker, beat, upstream), with such settings on top of the usual ones,
        and waits until they answer."""
        for name in names:
            self.running[name] = self.spawn(name, self.commands[name], **env)
        if "upstream" in names:
            self.wait_for("upstream", f"{self.upstream_url}/0/0/mj/task/list")
        if "web" in names:
            self.wait_for("web", f"{self.url}/readyz")

    def spawn(self, name: str, command: list[str], **env: str) -> "subprocess.Popen[bytes]":
        """Another process of this place; `stop` ends it if it is put into `running`."""
        with (self.folder / "log" / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                servers.recorded(self._records, parent=temporary.NAME, name=name, command=command),
                cwd=ROOT,
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self, *names: str) -> None:
        """Ends these, all of them by default, as a supervisor does: what came last goes first, and
        may end what it has under way."""
        for name in reversed(names or list(self.running)):
            if process := self.running.pop(name, None):
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    @contextmanager
    def running_with(self, *names: str, **env: str) -> Iterator[None]:
        """These run inside, with such settings."""
        try:
            self.start(*names, **env)
            yield
        finally:
            self.stop(*names)

    def wait_for(self, name: str, url: str) -> None:
        """Until it answers there, and is not out of order. Raises RuntimeError with the end of its
        log when that takes too long."""

        def answers() -> bool:
            with suppress(requests.RequestException):
                return requests.get(url, timeout=2).status_code < HTTPStatus.INTERNAL_SERVER_ERROR
            return self.running[name].poll() is not None

        came = processes.wait_until(answers, seconds=START_SECONDS)
        if not came or self.running[name].poll() is not None:
            raise RuntimeError(f"{name} does not come up:\n{self.log(name)[-3000:]}")

    def log(self, name: str) -> str:
        return (self.folder / "log" / f"{name}.log").read_text(errors="replace")

    def pids(self) -> dict[str, int]:
        """The first process of each part; PostgreSQL and Redis when they are of this machine and
        this run."""
        found = {name: process.pid for name, process in self.running.items()}
        for name in ("postgres", "redis"):
            if alive := self._records.alive(name):
                found[name] = alive[0].pid
        return found

    def settle(self, name: str, *, seconds: float) -> None:
        """Until this part has had nothing to do for so long. Raises RuntimeError if it goes on."""
        for _ in range(SETTLE_LOOKS):
            before = self.cpu_seconds()[name]
            time.sleep(seconds)
            if self.cpu_seconds()[name] - before < seconds * IDLE_SHARE:
                return
        raise RuntimeError(f"{name} is busy and nobody asks it anything")

    def cpu_seconds(self) -> dict[str, float]:
        """Used by each part so far."""
        return {name: usage.cpu_seconds(pid) for name, pid in self.pids().items()}

    def pss_bytes(self, name: str) -> int:
        """Memory of a part: all its processes, what they share counted once."""
        return usage.pss_bytes(self.pids()[name])


@contextmanager
def open_place() -> Iterator[Place]:
    """Servers with an empty, migrated database that is gone afterwards; nothing else runs yet.
    DATABASE_URL and REDIS_URL, if set, say whose servers. Django works on that database."""
    with (
        temporary.running(FOLDER, appendonly="yes") as env,
        own_database(env["DATABASE_URL"], "relay_bench") as url,
    ):
        folder = Path(env["RELAY_VAR"])
        (folder / "log").mkdir(exist_ok=True)
        port, upstream_port = free_ports(2)
        own = {
            "DATABASE_URL": url,
            "PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DJANGO_SETTINGS_MODULE": "relay.settings",
        }
        env = programs.environment(env | SETTINGS | own, is_embedded=True)
        os.environ.update(env | {"DATABASE_POOL_SIZE": "0", "DATABASE_STATEMENT_SECONDS": "0"})
        _set_up_django()
        place = Place(folder, env, port, upstream_port)
        try:
            yield place
        finally:
            place.stop()
            _close_connections()


@contextmanager
def own_database(server_url: str, name: str, *, like: str = "") -> Iterator[str]:
    """A new database on that server, empty or a copy of the one called `like`: its URL. It is
    dropped afterwards."""
    template = f"TEMPLATE {like}" if like else ""
    _as_owner(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _as_owner(server_url, f"CREATE DATABASE {name} {template}")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        _as_owner(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def pin(cores: int) -> list[int]:
    """From now on this process and all that it starts run on so many cores only: which."""
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, chosen)
    return chosen


def allow_files() -> None:
    """This process and all that it starts may have so many open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def used(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Seconds of CPU of each part between two `Place.cpu_seconds`."""
    return {name: round(after[name] - before.get(name, 0), 2) for name in after}


def _as_owner(server_url: str, statement: Any) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)


def _set_up_django() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()
