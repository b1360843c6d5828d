"""What is looked at before anything starts: one relay per folder, free ports, reachable servers."""

import errno
import fcntl
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import redis
from django.db import Error, connection

from relay.up.errors import Refusal

# A wrong address must be told within five seconds, whatever the network does.
ANSWER_SECONDS = 3.5
# The sandbox has the port after this one.
PORT_LIMIT = 65_535


def check_owner(var: Path) -> None:
    """Raises Refusal in another user's folder, also for root, who would leave files there."""
    owner = var.stat().st_uid
    if owner != os.geteuid():
        raise Refusal(
            f"{var} belongs to user {owner}, who must run this; or set RELAY_VAR to another folder."
        )


def lock(var: Path) -> IO[str]:
    """Holds the folder until the returned file is closed. Raises Refusal when it is held."""
    file = (var / "up.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise Refusal(
            f"MJ Relay is already running in {var} (pid {file.read().strip() or 'unknown'})."
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def check_ports(host: str, port: int) -> None:
    """Raises Refusal unless both ports, the relay's and the sandbox's, can be listened on."""
    if not 0 < port < PORT_LIMIT:
        raise Refusal(f"PORT={port}: it must lie between 1 and {PORT_LIMIT - 1}.")
    _check_port(host, port, whose="")
    _check_port("127.0.0.1", port + 1, whose=" (for the sandbox)")


def _check_port(host: str, port: int, *, whose: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections that have just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Refusal(f"HOST={host} PORT={port}: {error.strerror}.") from error
            raise Refusal(
                f"Port {port}{whose} is taken; choose another: PORT={_another(port)} make run"
            ) from error


def _another(port: int) -> int:
    return port + 100 if port + 100 < PORT_LIMIT else port - 100


def check_database() -> None:
    """Raises Refusal unless the DATABASE_URL that was given answers in time."""
    reason = _complaint(_ask_database)
    if reason:
        raise Refusal(f"DATABASE_URL: {reason}")


def check_redis(url: str) -> None:
    """Raises Refusal unless the REDIS_URL that was given answers in time."""
    reason = _complaint(lambda: _ask_redis(url))
    if reason:
        raise Refusal(f"REDIS_URL: {reason}")


def _ask_database() -> None:
    connection.ensure_connection()
    connection.close()


def _ask_redis(url: str) -> None:
    with redis.Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS) as client:
        client.ping()


def _complaint(ask: Callable[[], None]) -> str:
    """The first line of what went wrong, "" when nothing did."""
    found = [f"no answer within {ANSWER_SECONDS} seconds"]

    def attempt() -> None:
        try:
            ask()
            found[0] = ""
        except (Error, redis.RedisError, ValueError, OSError) as error:
            found[0] = first_line(error)

    # In a thread: looking a name up has no time-out of its own.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    return found[0]


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
