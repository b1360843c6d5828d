"""PostgreSQL and Redis for the length of one command: `python -m relay.up.temporary COMMAND`.

The command finds DATABASE_URL, REDIS_URL and SECRET_KEY set. Servers whose URL is already set are
not started. For tests: the data may be lost when the machine stops, and is quicker for it.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from common import processes
from common.processes.records import Records
from relay.up import embedded, servers
from relay.up.errors import Refusal

NAME = "temporary"
FOLDER = servers.BASE_DIR / "var" / "test"
START_SECONDS = 30
STOP_SECONDS = 5
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Several pytest processes, each with threads and products of its own.
MANY = {"max_connections": "500"}


def main(command: list[str]) -> int:
    """The command's exit status."""
    with running(FOLDER, appendonly="no", **FAST, **MANY) as env:
        return _run(command, env)


@contextmanager
def running(folder: Path, *, appendonly: str, **settings: str) -> Iterator[dict[str, str]]:
    """The servers run inside, in a folder of their own below this one: the environment for who
    wants to use them. `settings` are PostgreSQL's, `appendonly` is Redis's."""
    lock, var = _place(folder)
    records = Records(var / "processes")
    with closing(lock):
        records.end_all(seconds=STOP_SECONDS)
        records.write_own(NAME)
        try:
            yield _start(var, records, appendonly, settings)
        finally:
            records.end_all(seconds=STOP_SECONDS)


def _place(folder: Path) -> tuple[IO[str], Path]:
    """The first folder that nobody uses: two test runs may go on at the same time."""
    for number in count(1):
        var = folder / str(number)
        var.mkdir(parents=True, exist_ok=True)
        lock = (var / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return lock, var
    raise AssertionError


def _start(
    var: Path, records: Records, appendonly: str, settings: Mapping[str, str]
) -> dict[str, str]:
    """Starts what has no URL yet; returns the environment for the command."""
    env = dict(os.environ)
    env.setdefault("SECRET_KEY", embedded.secret_key(var))
    env["RELAY_VAR"] = str(var)
    # The numbers of earlier runs (relay/watch/metrics.py).
    shutil.rmtree(var / "metrics", ignore_errors=True)
    servers.prepare_sockets(var)
    if not env.get("DATABASE_URL"):
        servers.prepare_postgres(var, records, parent=NAME, initdb=["--no-sync"])
        _spawn(var, records, "postgres", servers.postgres_command(var, **settings))
        _wait(lambda: servers.postgres_answers(var), "postgres", var)
        servers.create_database(var)
        env["DATABASE_URL"] = embedded.database_url(var)
    if not env.get("REDIS_URL"):
        _spawn(var, records, "redis", servers.redis_command(var, appendonly=appendonly))
        _wait(lambda: servers.redis_answers(var), "redis", var)
        env["REDIS_URL"] = embedded.redis_url(var)
    return env


def _spawn(var: Path, records: Records, name: str, command: list[str]) -> None:
    with (var / f"{name}.log").open("wb") as output:
        subprocess.Popen(
            servers.recorded(records, parent=NAME, name=name, command=command),
            cwd=servers.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the command; the servers outlive it.
            start_new_session=True,
        )


def _wait(answers: Callable[[], bool], name: str, var: Path) -> None:
    if not processes.wait_until(answers, seconds=START_SECONDS):
        log = var / f"{name}.log"
        raise Refusal(f"{name} does not come up: {servers.last_line(log.read_text())} (see {log})")


def _run(command: list[str], env: dict[str, str]) -> int:
    with subprocess.Popen(command, env=env) as process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
        return process.wait()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        sys.exit(str(refusal))
    except PermissionError as error:
        sys.exit(f"{error.filename}: {error.strerror}. Was it made by another user?")
    except KeyboardInterrupt:
        sys.exit(130)
