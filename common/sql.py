"""Prepared statements on Django's own connection, for the few statements where speed counts.

Django's cursor binds parameters on the client and so never prepares; psycopg's own cursor on the
same connection does. Transactions, the pool and the exception classes stay Django's.

What is prepared is planned once, whatever its values (`plan_cache_mode` in relay/settings.py): to
plan a statement on tables of a hundred parts takes several times as long as to execute it, and what
looks for one task finds its part all the same. read_all() is for what goes over many rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import psycopg
from django.db import connection, transaction
from psycopg.rows import namedtuple_row

from common.postgres.driver import BoundedConnection

Params = Mapping[str, Any] | Sequence[Any] | None
# psycopg keeps what it has read of a statement up to this length; a longer one it reads anew each
# time, which takes a quarter as long as to execute it.
KEPT_CHARS = 4096
# An error of the database that comes sooner may be that of a connection that died with the last
# server, and whoever asks again gets a new one; later ones are the server's, and say that it hangs.
SOON_SECONDS = 1.0


def short(statement: str) -> str:
    """A statement without line breaks and indentation, so that psycopg keeps it. It has no
    comments and no texts with several spaces. Raises ValueError when it is still too long."""
    found = " ".join(statement.split())
    if len(found) > KEPT_CHARS:
        raise ValueError(f"{len(found)} characters are more than psycopg keeps: {found[:40]}")
    return found


def fetch_one(sql: str, params: Params = None) -> Any:
    """The first row as a named tuple, or None."""
    return _execute(sql, params).fetchone()


def fetch_all(sql: str, params: Params = None) -> list[Any]:
    """All rows as named tuples."""
    return _execute(sql, params).fetchall()


def fetch_all_each(sql: str, each: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """The rows of the same statement with each of these parameters, one after the other: in one
    round trip and one commit, all or nothing."""
    if len(each) == 1:
        return [fetch_all(sql, each[0])]
    cursors = [_cursor(psycopg.Cursor) for _ in each]
    held = cast("psycopg.Connection[Any]", connection.connection)
    # The transaction: what was sent before an error is taken back.
    with connection.wrap_database_errors, held.pipeline(), held.transaction():
        for cursor, params in zip(cursors, each, strict=True):
            cursor.execute(cast("Any", sql), params, prepare=True)
    return [cursor.fetchall() for cursor in cursors]


def read_all(sql: str, params: Params = None) -> list[Any]:
    """As fetch_all, of a statement that goes over many rows, and over how many depends on its
    values: it is planned for them, each time."""
    cursor = _cursor(psycopg.ClientCursor)
    with connection.wrap_database_errors:
        return cursor.execute(cast("Any", sql), params).fetchall()


def execute(sql: str, params: Params = None) -> int:
    """Runs a statement; returns the number of rows it touched."""
    return _execute(sql, params).rowcount


def release_connection() -> None:
    """Gives the connection back to the pool: none is held while we wait for somebody's HTTP."""
    if connection.connection is not None:
        connection.close()


@contextmanager
def patient() -> Iterator[None]:
    """What is done inside may take long (DATABASE_STATEMENT_SECONDS); in a transaction only, and
    for the rest of it."""
    execute("SET LOCAL statement_timeout = 0")
    held = cast("BoundedConnection", connection.connection)
    limit = held.limit_seconds
    held.limit_seconds = None
    try:
        yield
    finally:
        held.limit_seconds = limit


@contextmanager
def brief(seconds: float) -> Iterator[None]:
    """A transaction that only looks, and whose statements get no answer after so many seconds:
    OperationalError. A server that hangs is not waited for longer either. Inside another one only
    the latter holds: what is set for a transaction would outlive this."""
    connection.ensure_connection()
    held = cast("BoundedConnection", connection.connection)
    limit = held.limit_seconds
    held.limit_seconds = seconds
    try:
        is_own = not connection.in_atomic_block
        with transaction.atomic():
            if is_own:
                execute("SET TRANSACTION READ ONLY")
                execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
            yield
    finally:
        held.limit_seconds = limit


@contextmanager
def snapshot() -> Iterator[None]:
    """A transaction that only looks, and whose statements all see the same moment. Inside another
    one each statement sees its own, as there."""
    is_own = not connection.in_atomic_block
    with transaction.atomic():
        if is_own:
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _execute(sql: str, params: Params) -> psycopg.Cursor[NamedTuple]:
    cursor = _cursor(psycopg.Cursor)
    with connection.wrap_database_errors:
        return cursor.execute(cast("Any", sql), params, prepare=True)


def _cursor(kind: type[psycopg.Cursor[Any]]) -> psycopg.Cursor[NamedTuple]:
    connection.ensure_connection()
    held = cast("psycopg.Connection[Any]", connection.connection)
    with connection.wrap_database_errors:
        return kind(held, row_factory=namedtuple_row)
