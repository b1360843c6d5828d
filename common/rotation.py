"""Sealing all secrets in the database anew, with the newest of ENCRYPTION_SECRETS.

Row by row, each by a statement of its own that finds only what is still as it was read: it may be
stopped and run again, beside a running product, and a secret that somebody changes meanwhile stays.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import connection
from django.db.models import Model

from common import vault

BATCH = 500


class Column(NamedTuple):
    """An encrypted column: its table, its name, and the name of the primary key."""

    table: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


class Count(NamedTuple):
    """`lost`: primary keys of those that none of our secrets opens."""

    rotated: int
    newest_already: int
    lost: list[Any]


# Secrets within other values: what seals them anew, by what they are. Their apps put it here.
OTHERS: dict[str, Callable[[], Count]] = {}


def rotations() -> dict[str, Callable[[], Count]]:
    """All that is to be done, by what it is about."""
    return {str(column): partial(rotate, column) for column in columns()} | OTHERS


def columns() -> list[Column]:
    """Every encrypted column of every model."""
    return [column for model in apps.get_models() for column in _columns_of(model)]


def rotate(column: Column) -> Count:
    rotated, already, lost = 0, 0, []
    for key, sealed in _rows(column):
        try:
            anew = vault.seal_anew(sealed)
        except InvalidToken:
            lost.append(key)
            continue
        if anew is None:
            already += 1
        else:
            rotated += _replace(column, key, was=sealed, now=anew)
    return Count(rotated, already, lost)


def _columns_of(model: type[Model]) -> Iterator[Column]:
    meta = model._meta
    if meta.proxy or not meta.managed:
        return
    for field in meta.local_concrete_fields:
        if isinstance(field, vault.EncryptedTextField):
            yield Column(meta.db_table, field.column or field.name, meta.pk.column or meta.pk.name)


def _rows(column: Column) -> Iterator[tuple[Any, str]]:
    """(primary key, what is stored), a batch at a time."""
    name, key, table = map(connection.ops.quote_name, (column.name, column.key, column.table))
    page = f"""
        SELECT {key}, {name} FROM {table}
        WHERE {name} <> '' AND (%s::text IS NULL OR {key} > %s) ORDER BY {key} LIMIT {BATCH}
    """  # noqa: S608  names from our own models
    last: Any = None
    while True:
        with connection.cursor() as cursor:
            cursor.execute(page, [None if last is None else str(last), last])
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


def _replace(column: Column, key: Any, *, was: str, now: str) -> int:
    name, pk, table = map(connection.ops.quote_name, (column.name, column.key, column.table))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {name} = %s WHERE {pk} = %s AND {name} = %s",  # noqa: S608
            [now, key, was],
        )
        return int(cursor.rowcount)
