"""For migrations: makes a table one of weekly parts."""

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from common.partitions import parts, weeks
from common.partitions.parts import Partitioned

_OLD = "_whole"
_INDEXES = """
SELECT relname, CASE WHEN NOT indisprimary THEN pg_get_indexdef(indexrelid) END
FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = %s::regclass
"""
_FOREIGN_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype = 'f'
"""
_TRIGGERS = """
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
WHERE tgrelid = %s::regclass AND NOT tgisinternal
"""


def by_week(table: Partitioned) -> None:
    """Columns, checks, indexes, foreign keys and triggers (those of rows) stay, and all rows. Its
    unique indexes contain the key; the primary key becomes `id` and the key. Nobody may use it
    meanwhile: for a million rows it takes a minute."""
    name, whole = table.table, table.table + _OLD
    indexes, foreign_keys, triggers = (
        _all(statement, name) for statement in (_INDEXES, _FOREIGN_KEYS, _TRIGGERS)
    )
    _run(f"ALTER TABLE {name} RENAME TO {whole}")
    for index, _ in indexes:
        _run(f"ALTER INDEX {index} RENAME TO {index[: parts.NAME_CHARS - len(_OLD)]}{_OLD}")
    _run(
        f"CREATE TABLE {name} (LIKE {whole} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        f" PARTITION BY RANGE ({table.key})"
    )
    counted = table.key != "id"
    _run(f"ALTER TABLE {name} ADD PRIMARY KEY (id{f', {table.key}' if counted else ''})")
    for _, definition in indexes:
        if definition:
            _run(definition)
    for key, definition in foreign_keys:
        _run(f"ALTER TABLE {name} ADD CONSTRAINT {key} {definition}")
    for _, definition in triggers:
        _run(definition)
    _make_parts(table, whole)
    _run(f"INSERT INTO {name} SELECT * FROM {whole}")  # noqa: S608  names of our own tables
    _run(f"DROP TABLE {whole}")
    if counted:
        _count_on(name)


def _make_parts(table: Partitioned, whole: str) -> None:
    """From the week of the first row on, else from this one."""
    now = datetime.now(UTC)
    ((least,),) = _all(f"SELECT min({table.key}) FROM {whole} WHERE {table.key} > 0")  # noqa: S608
    first = weeks.of(now if least is None else weeks.moment_of(least))
    parts.attach(table, table.table + parts.BEFORE, since=None, until=first)
    parts.make(table, first=first, last=weeks.of(now))
    parts.make_ahead(table, now)


def _count_on(name: str) -> None:
    """The ids' sequence (a partitioned table cannot have an identity before PostgreSQL 17)."""
    sequence = f"{name}_id_seq"
    _run(f"CREATE SEQUENCE {sequence} OWNED BY {name}.id")
    _run(f"ALTER TABLE {name} ALTER id SET DEFAULT nextval('{sequence}')")
    _run(f"SELECT setval('{sequence}', greatest(max(id), 0) + 1, false) FROM {name}")  # noqa: S608


def _all(statement: str, name: str | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, None if name is None else [name])
        return list(cursor.fetchall())


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
