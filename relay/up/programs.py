"""What runs: the programs as data, in the order of their start."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Together under the 10 seconds that a stop may take, with room for a machine that is busy: a worker
# in the midst of a job, and a PostgreSQL that has much to write, may use all of it.
APP_STOP_SECONDS = 5
SERVER_STOP_SECONDS = 3
# Requests in flight are given a little less than their server.
WEB_GRACE_SECONDS = 4
LOOPBACK_NETWORKS = "127.0.0.0/8,::1/128"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    name: str
    command: list[str]
    stop_signal: str = "TERM"
    stop_seconds: int = APP_STOP_SECONDS
    # The embedded servers start with the supervisor, the others once the database is migrated.
    is_server: bool = False


def servers(*, postgres: list[str] | None, redis: list[str] | None) -> list[Program]:
    """The embedded ones among the two; PostgreSQL's INT is its fast shutdown."""
    found = []
    if postgres:
        found.append(_server("postgres", postgres, stop_signal="INT"))
    if redis:
        found.append(_server("redis", redis, stop_signal="TERM"))
    return found


def app(*, host: str, port: int, var: Path) -> list[Program]:
    (var / "beat").mkdir(parents=True, exist_ok=True)
    return [
        Program(name="web", command=_web(host, port)),
        Program(name="worker", command=_worker()),
        Program(name="beat", command=_beat(var)),
        Program(name="sandbox", command=_python("channels.sandbox", "--port", str(port + 1))),
    ]


def environment(given: Mapping[str, str], *, is_embedded: bool) -> dict[str, str]:
    """The environment of the programs."""
    env = dict(given)
    # manage.py switches pool and limits off for commands; web and worker want theirs.
    for name in ("DATABASE_POOL_SIZE", "DATABASE_STATEMENT_SECONDS"):
        if env.get(name) == "0":
            del env[name]
    if is_embedded:
        # So that one can try callbacks on one machine.
        env.setdefault("CALLBACK_ALLOWED_NETWORKS", LOOPBACK_NETWORKS)
    return env


def _server(name: str, command: list[str], *, stop_signal: str) -> Program:
    return Program(
        name=name,
        command=command,
        stop_signal=stop_signal,
        stop_seconds=SERVER_STOP_SECONDS,
        is_server=True,
    )


def _python(module: str, *arguments: str) -> list[str]:
    # Not the scripts in .venv/bin: these break when the folder is moved.
    return [sys.executable, "-m", module, *arguments]


def _web(host: str, port: int) -> list[str]:
    address = f"[{host}]" if ":" in host else host
    return _python(
        "gunicorn",
        "relay.wsgi",
        "--worker-class=common.web_worker.Worker",
        f"--workers={os.environ.get('WEB_WORKERS') or 2}",
        "--worker-connections=2000",
        f"--bind={address}:{port}",
        "--timeout=120",
        f"--graceful-timeout={WEB_GRACE_SECONDS}",
        "--keep-alive=75",
        # It would lie in the home folder, one for all that this user runs.
        "--no-control-socket",
    )


def _worker() -> list[str]:
    return _python(
        "celery",
        "--app=relay",
        "worker",
        "--pool=gevent",
        "--concurrency=200",
        "--queues=poll,deliver,default",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    )


def _beat(var: Path) -> list[str]:
    return _python("celery", "--app=relay", "beat", f"--schedule={var}/beat/schedule")
