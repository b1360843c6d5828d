"""Fills an empty, migrated database with a past: `python -m bench.seed --tasks 1000000`.

Tenants, keys, prices, channels, tasks of every status, their entries, attempts, callbacks, the
roll-ups, codes, orders, the audit and notices, as if the relay had run for `--days`; `manage.py
doctor` finds nothing wrong in it. All is made inside the server, some days at a time, each of them
committed at once. What was begun and not ended is of no use: make a new database then.

A task has two entries, one with a modal two for each of its holds: `--modal-share 0.5
--modal-holds 4` makes five entries a task.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import django
from django.db import connection, transaction

# So many tasks at once at most, if they are not of one day: more of them do not fit into memory.
SLICE_TASKS = 250_000
# From so many on it is quicker to make the indexes afterwards.
LARGE_TASKS = 100_000
# How long ago the newest one was submitted.
NEWEST_SECONDS = 600


class Slice(NamedTuple):
    """Tasks that were submitted in a row of days, by their numbers from 1 on."""

    first: int
    last: int
    since: datetime
    until: datetime


def main() -> None:
    wishes = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    os.environ.setdefault("DATABASE_POOL_SIZE", "0")
    os.environ.setdefault("DATABASE_STATEMENT_SECONDS", "0")
    django.setup()
    key = seed(**vars(wishes), tell=lambda text: print(text, flush=True))
    print(f"a key: {key}")


def seed(*, tell: Any = lambda text: None, **wishes: Any) -> str:
    """Fills the database as `_arguments` says; returns a live key. Exits when it is not empty."""
    from bench import seed_indexes, seed_parts, seed_people, seed_sql
    from billing import closing
    from billing.models import Tenant
    from relay.watch import speeds

    if Tenant.objects.exists():
        sys.exit("The database is not empty; this is for a new one.")
    now = datetime.now(UTC)
    wishes = vars(_arguments([])) | wishes | {"now": now}
    began = time.monotonic()
    seed_parts.make(since=now - timedelta(days=wishes["days"] + 1), now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT setseed(%s)", [wishes["seed"] / 1000])
        key = seed_people.make(tenants=wishes["tenants"], channels=wishes["channels"])
    _do(seed_sql.FIRST, wishes, tell=lambda text: None)
    is_large = wishes["tasks"] >= LARGE_TASKS
    with seed_indexes.left_out() if is_large else nullcontext():
        for part in slices(now, tasks=wishes["tasks"], days=wishes["days"]):
            _do(seed_sql.SLICE, wishes | part._asdict(), tell=lambda text: None)
            tell(f"{time.monotonic() - began:6.1f} s  {part.last} tasks")
    tell(f"{time.monotonic() - began:6.1f} s  indexes")
    _do(seed_sql.LAST, wishes, tell=tell)
    closing.close_days()
    speeds.close_hours()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    tell(f"{time.monotonic() - began:6.1f} s  in all")
    return key


def slices(now: datetime, *, tasks: int, days: int) -> Iterator[Slice]:
    """Whole days (UTC), so that each is added up once. The last has what is later, too."""
    newest = now - timedelta(seconds=NEWEST_SECONDS)
    oldest = newest - timedelta(days=days)
    step = timedelta(days=max(1, days * SLICE_TASKS // tasks))
    since, until = oldest - timedelta(days=1), _midnight(oldest) + step
    first = 1
    while until < newest:
        last = tasks - round(tasks * ((newest - until) / timedelta(days=days)))
        if last >= first:
            yield Slice(first, last, since, until)
            first, since = last + 1, until
        until += step
    yield Slice(first, tasks, since, datetime.max.replace(tzinfo=UTC))


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _do(steps: dict[str, str], wishes: dict[str, Any], *, tell: Any) -> None:
    """In one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        _hurry(cursor)
        for name, statement in steps.items():
            began = time.monotonic()
            cursor.execute(statement, wishes)
            tell(f"{time.monotonic() - began:6.1f} s  {name}")


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
