"""What a database has in it, to be told in a backup and found again after its return."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from psycopg import sql as names

from common import sql
from relay.backups import fingerprints

FORMAT = 1
# Who is signed in, and counters of wrong passwords: their rows are not kept, and so opens no backup
# anybody's session.
LEFT_OUT = ("django_session", "usersessions_usersession", "console_shared")
_TABLES = """
SELECT relname AS name FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
"""
_WALLETS = """
SELECT is_test, count(*)::bigint AS number, coalesce(sum(balance), 0)::bigint AS balance,
       coalesce(sum(held), 0)::bigint AS held
FROM billing_wallet GROUP BY is_test ORDER BY is_test
"""


def manifest() -> dict[str, Any]:
    """All but its members. In a snapshot of the database."""
    return {
        "format": FORMAT,
        "made_at": sql.fetch_one("SELECT to_char(now() AT TIME ZONE 'UTC', "
                                 "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS at").at,
        "code": code(),
        "migrations": applied(),
        "fingerprints": fingerprints.make(),
        **contents(),
    }  # fmt: skip


def contents() -> dict[str, Any]:
    """Rows by table, and what all wallets have together, in micro-units."""
    return {"rows": _rows(), "wallets": _wallets()}


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What is not as a manifest says; empty when all is."""
    told = []
    for name, number in wanted["rows"].items():
        if found["rows"].get(name) != number:
            told.append(f"{name}: {found['rows'].get(name)} rows instead of {number}")
    if wanted["wallets"] != found["wallets"]:
        told.append(f"wallets: {found['wallets']} instead of {wanted['wallets']}")
    return told


def tables() -> list[str]:
    return [row.name for row in sql.fetch_all(_TABLES)]


def applied() -> list[str]:
    """Of this database, as app.name."""
    try:
        with transaction.atomic():
            rows = sql.fetch_all("SELECT app || '.' || name AS name FROM django_migrations")
    except ProgrammingError:
        return []
    return sorted(row.name for row in rows)


def known() -> set[str]:
    """The migrations of this code."""
    disk = MigrationLoader(None).disk_migrations or ()
    return {f"{app}.{name}" for app, name in disk}


def code() -> str:
    """The commit, where this lies in a repository; "" elsewhere."""
    folder: Path = settings.BASE_DIR
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _rows() -> dict[str, int]:
    return {name: _count(name) for name in tables() if name not in LEFT_OUT}


def _count(table: str) -> int:
    counting = names.SQL("SELECT count(*) FROM {}").format(names.Identifier(table))
    with connection.cursor() as cursor:
        cursor.execute(counting.as_string())
        return int(cursor.fetchone()[0])


def _wallets() -> dict[str, dict[str, int]]:
    return {
        "test" if row.is_test else "live": {
            "number": row.number,
            "balance": row.balance,
            "held": row.held,
        }
        for row in sql.fetch_all(_WALLETS)
    }
