"""Making backups: where one cannot be written, nothing is left; what is in it, and what is not."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import LazySettings, settings
from django.contrib.sessions.backends.db import SessionStore

from billing.models import Tenant
from channels import credentials
from common import pulses
from relay.backups import making, programs, server
from relay.backups.archive import Reader
from relay.backups.errors import Refused
from tests.accounts import open_account
from tests.operation.commands import manage, start
from tests.stack import Stack, wait_until
from tools.migrations import RELEASED

PLAIN = "open-sesame-in-plain-letters"


@pytest.fixture(scope="module")
def env(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For commands, on a database with an account."""
    folder = tmp_path_factory.mktemp("backup")
    account = open_account(Stack(folder=folder, env={}, drawing_seconds=1))
    credentials.add(account.channel, name="main", secret=PLAIN, actor="test")
    Tenant.objects.filter(pk=account.tenant.pk).update(webhook_secret=f"whsec_{PLAIN}")
    return {
        **os.environ,
        "DATABASE_URL": own_database_url,
        "SECRET_KEY": settings.SECRET_KEY,
        "RELAY_VAR": str(folder),
    }


@contextmanager
def altered(url: str) -> Iterator[None]:
    """Somebody has a table for himself: a backup waits for it."""
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE billing_wallet IN ACCESS EXCLUSIVE MODE")
        yield


def test_nothing_is_written_over(env: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "there.tar"
    path.write_text("precious")
    with pytest.raises(Refused, match=r"there\.tar is there already"):
        making.make(path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("folder", ["/proc", "/nowhere"])
def test_a_folder_that_cannot_be_written_is_told(env: dict[str, str], folder: str) -> None:
    with pytest.raises(Refused, match=folder):
        making.make(Path(folder) / "backup.tar")


def test_a_full_disk_leaves_nothing(env: dict[str, str], tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    limited = ["sh", "-c", 'ulimit -f 100; exec "$@"', "sh"]
    command = [*limited, sys.executable, "manage.py", "backup", str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "File too large; nothing is left of it" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_one_that_is_stopped_leaves_nothing_and_a_second_one_waits_its_turn(
    env: dict[str, str], tmp_path: Path
) -> None:
    with altered(env["DATABASE_URL"]):
        first = start(env, "backup", str(tmp_path))
        wait_until(lambda: list(tmp_path.iterdir()), what="a draft")
        second = manage(env, "backup", str(tmp_path / "second.tar"))
        assert second.returncode == 1
        assert "Another backup of this database is being made" in second.stdout
        first.send_signal(signal.SIGTERM)
        said = first.communicate(timeout=20)[0]
    assert first.returncode == 143, said
    assert list(tmp_path.iterdir()) == []


def test_the_folder_keeps_the_newest(env: dict[str, str], tmp_path: Path) -> None:
    for name in ("relay-20200101T000000Z.tar", "relay-20200102T000000Z.tar", "notes.tar"):
        (tmp_path / name).write_text("old")
    done = manage(env, "backup", str(tmp_path), "--keep", "2")
    assert done.returncode == 0, done.stdout
    assert "deleted" in done.stdout
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[:2] == ["notes.tar", "relay-20200102T000000Z.tar"]
    assert len(names) == 3
    for wrong in (["--keep", "0"], ["--keep", "x"]):
        assert manage(env, "backup", str(tmp_path), *wrong).returncode


def test_no_secret_and_no_session_is_in_it(env: dict[str, str], tmp_path: Path) -> None:
    session = SessionStore()
    session["_auth_user_id"] = "1"
    session.create()
    own = {"SECRET_KEY": "s" * 40, "KEY_HASH_SECRET": "k" * 40, "ENCRYPTION_SECRETS": "e" * 40}
    done = manage(env | own, "backup", str(tmp_path / "one.tar"))
    assert "No secret is in this file" in done.stdout
    with (tmp_path / "one.tar").open("rb") as file:
        reader = Reader(file)
        dump = subprocess.run(
            [programs.fitting(server.major()).path("pg_restore"), "--file=-"],
            input=reader.open(making.DUMP).read(),
            capture_output=True,
            check=True,
        ).stdout.decode()
    everything = dump + str(reader.manifest)
    assert "COPY public.billing_wallet" in dump
    for secret in (PLAIN, session.session_key, *own.values()):
        assert secret not in everything


def test_its_age_is_told(env: dict[str, str], tmp_path: Path) -> None:
    making.make(tmp_path)
    assert pulses.ages()["backup"] < 60


def test_a_pooler_is_no_way_to_it(
    env: dict[str, str], tmp_path: Path, settings: LazySettings
) -> None:
    settings.DATABASE_POOLER = True
    with pytest.raises(Refused, match="name PostgreSQL itself"):
        making.make(tmp_path)


def test_programs_that_are_too_old_are_told() -> None:
    with pytest.raises(Refused, match=r"PostgreSQL 99, and pg_dump.*found: \d+ in /.*client-99"):
        programs.fitting(99)


def test_a_backup_of_an_older_version_is_brought_up_to_date(
    env: dict[str, str], tmp_path: Path
) -> None:
    """From before tasks and entries lay in weeks."""
    url = urlsplit(env["DATABASE_URL"])
    names = [f"{url.path[1:]}_{word}" for word in ("old", "new")]
    old, new = (
        {**env, "DATABASE_URL": urlunsplit(url._replace(path=f"/{name}"))} for name in names
    )
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as database:
        for each in names:
            database.execute(f'CREATE DATABASE "{each}"')
        try:
            for app, last in RELEASED.items():
                assert manage(old, "migrate", app, last).returncode == 0
            file = str(tmp_path / "old.tar")
            # Written by the code of that time: ours tells what it finds.
            assert manage(old, "backup", file).returncode == 0
            done = manage(new, "restore", file)
            assert done.returncode == 0, done.stdout
            assert "It is older than this code" in done.stdout
            assert manage(new, "migrate", "--check").returncode == 0
        finally:
            for each in names:
                database.execute(f'DROP DATABASE "{each}" WITH (FORCE)')
