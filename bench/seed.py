"""Fills an empty, migrated database with a past: `python -m bench.seed --tasks 1000000`.

Tenants, keys, prices, channels, tasks of every status, their entries, attempts, callbacks, the
roll-ups, codes, orders, the audit and notices, as if the relay had run for `--days`; `manage.py
doctor` finds nothing wrong in it. All is made inside the server and committed at once: a few
minutes for a million tasks.

A task has two entries, one with a modal two for each of its holds: `--modal-share 0.5
--modal-holds 4` makes five entries a task.
"""

import argparse
import os
import sys
import time
from typing import Any

import django
from django.db import connection, transaction


def main() -> None:
    wishes = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    os.environ.setdefault("DATABASE_POOL_SIZE", "0")
    os.environ.setdefault("DATABASE_STATEMENT_SECONDS", "0")
    django.setup()
    key = seed(**vars(wishes), tell=print)
    print(f"a key: {key}")


def seed(*, tell: Any = lambda text: None, **wishes: Any) -> str:
    """Fills the database as `_arguments` says; returns a live key. Exits when it is not empty."""
    from bench import seed_people, seed_sql
    from billing import closing
    from billing.models import Tenant
    from relay import speeds

    if Tenant.objects.exists():
        sys.exit("The database is not empty; this is for a new one.")
    wishes = vars(_arguments([])) | wishes
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        _hurry(cursor)
        cursor.execute("SELECT setseed(%s)", [wishes["seed"] / 1000])
        key = seed_people.make(tenants=wishes["tenants"], channels=wishes["channels"])
        for name, statement in seed_sql.STEPS.items():
            step_began = time.monotonic()
            cursor.execute(statement, wishes)
            tell(f"{time.monotonic() - step_began:6.1f} s  {name}")
    closing.close_days()
    speeds.close_hours()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    tell(f"{time.monotonic() - began:6.1f} s  in all")
    return key


def _hurry(cursor: Any) -> None:
    """What is made here refers to what is there; who may do so spares the server to check it."""
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute("SET LOCAL work_mem = '512MB'")
    cursor.execute("SET LOCAL jit = off")
    cursor.execute("SELECT current_setting('is_superuser') = 'on'")
    if cursor.fetchone()[0]:
        cursor.execute("SET LOCAL session_replication_role = replica")


def _arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=_positive, default=10_000)
    parser.add_argument("--tenants", type=_positive, default=100, help="with three keys each")
    parser.add_argument("--channels", type=_positive, default=8)
    parser.add_argument("--days", type=_positive, default=60, help="how long ago the first one was")
    parser.add_argument("--live", type=int, default=200, help="tasks that have not ended")
    parser.add_argument("--modal-share", type=float, default=0.05, help="tasks with a modal")
    parser.add_argument("--modal-holds", type=_positive, default=2, help="holds of such a task")
    parser.add_argument("--refund-share", type=float, default=0.01, help="refunded payments")
    parser.add_argument("--hook-share", type=float, default=0.3, help="tasks with a hook")
    parser.add_argument("--seed", type=int, default=4, help="of chance, up to 1000")
    return parser.parse_args(words)


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("it is at least 1")
    return number


if __name__ == "__main__":
    main()
