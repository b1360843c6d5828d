"""The indexes of the tables in parts, gone while these are filled: to make one of rows that are
there takes a fraction of the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection, transaction

from common.partitions import parts
from relay.weeks import retention

_INDEXES = """
SELECT pg_index.indrelid::regclass::text, pg_class.relname, pg_get_indexdef(pg_class.oid),
       pg_get_constraintdef(pg_constraint.oid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
LEFT JOIN pg_constraint ON conindid = indexrelid
WHERE indrelid = ANY(%s::regclass[]) ORDER BY 1, 2
"""
_PARTS = """
SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = %s::regclass
"""


class Index(NamedTuple):
    """`constraint`: what it is there for; empty: for itself."""

    table: str
    name: str
    definition: str
    constraint: str | None

    def drop(self) -> str:
        if self.constraint:
            return f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name}"
        return f"DROP INDEX {self.name}"

    def make(self) -> str:
        if self.constraint:
            return f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} {self.constraint}"
        return self.definition.replace(" ON ONLY ", " ON ", 1)


@contextmanager
def left_out() -> Iterator[None]:
    """Inside there is none; afterwards all are there again, unless it was broken off."""
    known = _read()
    for index in known:
        _run(index.drop())
    yield
    for index in known:
        _run(index.make())
    for table in retention.TABLES:
        for part in _parts(table.table):
            parts.name_indexes(part, part.removeprefix(table.table))


def _read() -> list[Index]:
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [[table.table for table in retention.TABLES]])
        return [Index(*row) for row in cursor.fetchall()]


def _parts(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [table])
        return [name for (name,) in cursor.fetchall()]


def _run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute(statement)
