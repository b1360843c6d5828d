"""Reads the old database: whole tables, read-only, in one snapshot. Only SELECT is sent."""

import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
import pymysql

from relay.newapi_import.address import Address, MysqlAddress, PostgresAddress, SqliteAddress
from relay.newapi_import.errors import ImportRefused

CONNECT_SECONDS = 5
# For the next bytes: a table that somebody has locked, a server that says nothing.
READ_SECONDS = 20
MYSQL_NO_SUCH_TABLE = 1146
# What a table must have to be the one that is meant; all else differs between versions.
NEEDED = {
    "users": ("id", "username", "quota"),
    "tokens": ("id", "user_id", "key"),
    "channels": ("id", "type", "key"),
    "options": ("key", "value"),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: list[Row]


@dataclass(frozen=True)
class Source:
    """The tables as they are there, deleted rows among them."""

    place: str
    users: Table
    tokens: Table
    channels: Table
    options: Table

    @property
    def is_newapi(self) -> bool:
        """Otherwise one-api, where channel types and prices mean other things."""
        return "model_limits_enabled" in self.tokens.columns


def read(address: Address) -> Source:
    """Raises ImportRefused."""
    try:
        with closing(_connect(address)) as connection, closing(connection.cursor()) as cursor:
            _begin(address, cursor)
            tables = {name: _table(cursor, name) for name in NEEDED}
    except (sqlite3.Error, psycopg.Error, pymysql.MySQLError, OSError) as error:
        raise ImportRefused(f"{address}: {_words(error)}") from error
    return Source(place=str(address), **tables)


def _connect(address: Address) -> Any:
    """A DB-API connection."""
    match address:
        case SqliteAddress(path):
            # `mode=ro`: the file is neither made nor written.
            name = f"file:{quote(str(path.resolve()))}?mode=ro"
            file = sqlite3.connect(name, uri=True, timeout=CONNECT_SECONDS, isolation_level=None)
            file.text_factory = _lossy
            return file
        case PostgresAddress(dsn):
            server = psycopg.connect(dsn, connect_timeout=CONNECT_SECONDS, prepare_threshold=None)
            server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            server.read_only = True
            return server
        case MysqlAddress():
            return _connect_mysql(address)


def _connect_mysql(address: MysqlAddress) -> Any:
    return pymysql.connect(
        user=address.user,
        password=address.password,
        database=address.database,
        host=address.host or None,
        port=address.port,
        unix_socket=address.socket or None,
        ssl=_tls(address.tls),
        charset="utf8mb4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
    )


def _tls(tls: str) -> ssl.SSLContext | None:
    if not tls:
        return None
    context = ssl.create_default_context()
    if tls == "unverified":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _begin(address: Address, cursor: Any) -> None:
    """One snapshot for all tables. (psycopg begins by itself.)"""
    if isinstance(address, SqliteAddress):
        cursor.execute("BEGIN")
    elif isinstance(address, MysqlAddress):
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _table(cursor: Any, name: str) -> Table:
    """All columns: what is missing in an old version is missing in the rows too."""
    with _its_absence_said(name):
        cursor.execute(f"SELECT * FROM {name}")  # noqa: S608  a constant
    columns = tuple(str(column[0]).lower() for column in cursor.description)
    for needed in NEEDED[name]:
        if needed not in columns:
            raise ImportRefused(
                f"this is not a new-api or one-api database: {name} has no column {needed}"
            )
    return Table(columns, [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()])


@contextmanager
def _its_absence_said(name: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, psycopg.errors.UndefinedTable, pymysql.MySQLError) as error:
        is_absent = (
            isinstance(error, psycopg.errors.UndefinedTable)
            or "no such table" in str(error)
            or error.args[:1] == (MYSQL_NO_SUCH_TABLE,)
        )
        if not is_absent:
            raise
        raise ImportRefused(
            f"this is not a new-api or one-api database: it has no table {name}"
        ) from error


def _words(error: Exception) -> str:
    """MySQL's errors are (number, text)."""
    text = str(error.args[-1]) if isinstance(error, pymysql.MySQLError) else str(error)
    return " ".join(text.split()) or type(error).__name__


def _lossy(text: bytes) -> str:
    """SQLite holds whatever it was given; one broken name must not stop the rest."""
    return text.decode("utf-8", errors="replace")
