"""A database with a year behind it, for bench/growth.py."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection

from bench.place import ROOT, Place
from common import sql

# What is written at a database when it is done: one that is half filled is of no use.
DONE = "filled"
_DONE = """
SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s
"""
# With indexes; the number of tasks is PostgreSQL's last guess.
_SIZE = """
SELECT sum(greatest(reltuples, 0))::bigint AS tasks, count(*) AS parts,
       pg_database_size(current_database()) AS bytes
FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid
WHERE inhparent = 'relay_task'::regclass
"""


@contextmanager
def database(place: Place, wishes: argparse.Namespace) -> Iterator[str]:
    """The URL of a database with `wishes.tasks`, on the place's server: made where there is none,
    dropped afterwards unless `wishes.keep`."""
    server = place.env["DATABASE_URL"]
    name = f"relay_grown_{wishes.tasks}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as owner:
        if owner.execute(_DONE, [name]).fetchone() != (DONE,):
            owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            owner.execute(f"CREATE DATABASE {name}")
            _run(place, url, "manage.py", "migrate", "--verbosity=0")
            sizes = [f"--{name}={getattr(wishes, name)}" for name in ("tasks", "tenants", "days")]
            _run(place, url, "-m", "bench.seed", *sizes)
            owner.execute(f"COMMENT ON DATABASE {name} IS '{DONE}'")
        # It may be from before a migration.
        _run(place, url, "manage.py", "migrate", "--verbosity=0")
        try:
            yield url
        finally:
            if not wishes.keep:
                owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def working_on(url: str) -> Iterator[None]:
    """Django works on this database inside."""
    before = connection.settings_dict["NAME"]
    _switch(urlsplit(url).path.strip("/"))
    try:
        yield
    finally:
        _switch(before)


def size() -> dict[str, int]:
    """Of the database that Django works on."""
    return dict(sql.fetch_one(_SIZE)._asdict())


def _run(place: Place, url: str, *words: str) -> None:
    env = place.env | {
        "DATABASE_URL": url,
        "DATABASE_POOL_SIZE": "0",
        "DATABASE_STATEMENT_SECONDS": "0",
    }
    subprocess.run([sys.executable, *words], cwd=ROOT, env=env, stdout=sys.stderr, check=True)


def _switch(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
