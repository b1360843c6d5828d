"""What is wrong is said in one line, soon, and without a traceback."""

import socket
import time
from pathlib import Path

import pytest

from tests.run.machine import command, free_ports

pytestmark = pytest.mark.run

SECONDS = 5
KEY = {"SECRET_KEY": "for a test"}


def refused(var: Path, port: int, **settings: str) -> str:
    """The one line that it says."""
    done = command(var, port, "up", **settings)
    assert done.returncode == 1, done.stdout
    assert done.stdout.count("\n") == 1, done.stdout
    return str(done.stdout)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://me:secret@127.0.0.1:1/relay",
        "postgres://me:secret@no-such-host.invalid/relay",
        "postgres://me:secret@127.0.0.1:port/relay",
        "mysql://me:secret@127.0.0.1/relay",
        "nonsense",
    ],
)
def test_a_wrong_database_url(tmp_path: Path, url: str) -> None:
    line = refused(tmp_path, free_ports(), DATABASE_URL=url, **KEY)
    assert "DATABASE_URL" in line
    assert "secret" not in line


@pytest.mark.alone
def test_a_database_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    test_a_database_that_never_answers(tmp_path)
    assert time.monotonic() - began < SECONDS


def test_a_database_that_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://me@127.0.0.1:{silent.getsockname()[1]}/relay"
        assert "DATABASE_URL" in refused(tmp_path, free_ports(), DATABASE_URL=url, **KEY)


def test_a_database_url_without_a_secret_key(tmp_path: Path) -> None:
    url = "postgres://me@127.0.0.1/relay"
    assert "SECRET_KEY" in refused(tmp_path, free_ports(), DATABASE_URL=url)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://127.0.0.1:port/0", "nonsense"])
def test_a_wrong_redis_url(tmp_path: Path, url: str) -> None:
    assert "REDIS_URL" in refused(tmp_path, free_ports(), REDIS_URL=url)


@pytest.mark.parametrize("offset", [0, 1])
def test_a_port_that_is_taken(tmp_path: Path, offset: int) -> None:
    port = free_ports()
    with socket.create_server(("127.0.0.1", port + offset)):
        line = refused(tmp_path, port)
    assert f"Port {port + offset}" in line
    assert "make run" in line


@pytest.mark.parametrize("port", ["many", "0", "65535", "70000"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    assert "PORT" in refused(tmp_path, 0, PORT=port)
