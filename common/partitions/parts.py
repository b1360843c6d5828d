"""The parts of a table: made ahead and listed. (They are taken away by dropping.py.)"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection, transaction
from psycopg import sql

from common.partitions import weeks

# So many weeks are there before they begin. A table without a part for today takes no row: nothing
# is sold then, and nothing lost.
AHEAD = 8
# Whoever waits for a table's lock keeps all those behind him waiting too.
LOCK_SECONDS = 2
# What is older than the first week, and what belongs to no task.
BEFORE = "_before"
_SUFFIX = "_%Y%m%d"
# (Of one that is dropped at this moment the size is not known any more.)
_PARTS = """
SELECT child.relname AS name, greatest(child.reltuples, 0)::bigint AS rows,
       coalesce(pg_total_relation_size(child.oid), 0) AS bytes
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = %s::regclass AND child.relname ~ '_[0-9]{8}$' ORDER BY child.relname
"""
_LAST = """
SELECT count(*), min(last) FROM (
    SELECT max(right(child.relname, 9)) AS last
    FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = ANY(%s::text[]::regclass[]) AND child.relname ~ '_[0-9]{8}$'
    GROUP BY inhparent
) part
"""
# What the whole table's indexes are called in a part.
_INDEXES = """
SELECT whole.relname, of_part.relname
FROM pg_index JOIN pg_class of_part ON of_part.oid = indexrelid
JOIN pg_inherits ON inhrelid = indexrelid JOIN pg_class whole ON whole.oid = inhparent
WHERE indrelid = %s::regclass
"""
# PostgreSQL's names are not longer.
NAME_CHARS = 63


class Partitioned(NamedTuple):
    """A table and the column by which it is parted: a task's id."""

    table: str
    key: str


class Part(NamedTuple):
    """One week of a table. `rows` is PostgreSQL's last guess."""

    name: str
    monday: date
    rows: int
    bytes: int

    @property
    def end(self) -> date:
        """The Monday after it."""
        return self.monday + weeks.WEEK


def of(table: Partitioned) -> list[Part]:
    """The weeks, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [table.table])
        return [
            Part(name, datetime.strptime(name[-9:], _SUFFIX).date(), rows, size)  # noqa: DTZ007
            for name, rows, size in cursor.fetchall()
        ]


def is_parted(table: Partitioned) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", [table.table]
        )
        return bool(cursor.fetchone() == (True,))


def until(tables: Sequence[Partitioned]) -> datetime | None:
    """For which time all of them have parts; None: one has none at all."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [[table.table for table in tables]])
        number, last = cursor.fetchone()
    if number < len(tables):
        return None
    return weeks.begin(datetime.strptime(last, _SUFFIX).date() + weeks.WEEK)  # noqa: DTZ007


def make(table: Partitioned, *, first: date, last: date) -> list[str]:
    """Makes what is missing of the weeks from `first` to `last` (Mondays); of a time before its
    first week a table has none. Returns the names of the new ones. Raises OperationalError when
    somebody else has the table for longer than LOCK_SECONDS."""
    known = {part.monday for part in of(table)}
    made = []
    monday = max([first, *([min(known)] if known else [])])
    while monday <= last:
        if monday not in known and _make(table, monday):
            made.append(name_of(table, monday))
        monday += weeks.WEEK
    return made


def make_ahead(table: Partitioned, now: datetime) -> list[str]:
    """This week and AHEAD more."""
    this = weeks.of(now)
    return make(table, first=this, last=this + AHEAD * weeks.WEEK)


def find(table: Partitioned, monday: date) -> Part | None:
    return next((part for part in of(table) if part.monday == monday), None)


def name_of(table: Partitioned, monday: date) -> str:
    return table.table + monday.strftime(_SUFFIX)


def attach(table: Partitioned, part: str, *, since: date | None, until: date) -> None:
    """An empty part for the ids of a time; without `since`, of all time before."""
    least = "MINVALUE" if since is None else str(weeks.first_id(since))
    bounds = f"FOR VALUES FROM ({least}) TO ({weeks.first_id(until)})"
    # Made alone and then attached: so nobody who reads or writes the others is kept waiting.
    _run("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)", part, table.table)
    _run(f"ALTER TABLE {{}} ATTACH PARTITION {{}} {bounds}", table.table, part)
    name_indexes(part, part.removeprefix(table.table))


def name_indexes(part: str, suffix: str) -> None:
    """A promise that is broken in a part is called by its name, not by one that PostgreSQL has made
    up."""
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [part])
        for whole, of_part in cursor.fetchall():
            name = whole[: NAME_CHARS - len(suffix)] + suffix
            _run("ALTER INDEX {} RENAME TO {}", of_part, name)


def _make(table: Partitioned, monday: date) -> bool:
    part = name_of(table, monday)
    with _locking(), connection.cursor() as cursor:
        # Two may be at it at once.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [part])
        cursor.execute("SELECT to_regclass(%s)", [part])
        if cursor.fetchone()[0]:
            return False
        attach(table, part, since=monday, until=monday + weeks.WEEK)
        return True


@contextmanager
def _locking() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        yield


def _run(statement: str, *names: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)).as_string())
