"""Where the old database is: a file, or one of the addresses that operators have in SQL_DSN."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from relay.newapi_import.errors import ImportRefused

MYSQL_PORT = 3306
MYSQL_SOCKET = "/tmp/mysql.sock"  # noqa: S108  the default of Go's driver
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")
_KEY_VALUE = re.compile(r"\s*(?:host|hostaddr|user|dbname|port|service)\s*=")
# github.com/go-sql-driver/mysql: [user[:password]@][net[(addr)]]/dbname[?param=value]. The last @
# before the address counts, so a password may have any sign in it.
_GO_DSN = re.compile(
    r"(?:(?P<login>.*)@)?(?:(?P<net>[a-z]+)(?:\((?P<addr>[^()]*)\))?)?"
    r"/(?P<database>[^/?]*)(?:\?(?P<params>.*))?",
    re.DOTALL,
)
# Go's `tls`: a connection without it is the default there too.
_TLS = {"true": "verified", "skip-verify": "unverified", "preferred": "", "false": "", "": ""}


class SqliteAddress(NamedTuple):
    path: Path

    def __str__(self) -> str:
        return f"SQLite {self.path}"


class PostgresAddress(NamedTuple):
    """`dsn` as libpq takes it, its password included."""

    dsn: str

    def __str__(self) -> str:
        return "PostgreSQL"


class MysqlAddress(NamedTuple):
    """Over TCP, or through `socket` when there is one. `tls` is "", "verified" or "unverified"."""

    user: str
    password: str
    database: str
    host: str = ""
    port: int = MYSQL_PORT
    socket: str = ""
    tls: str = ""

    def __str__(self) -> str:
        return f"MySQL {self.database} at {self.socket or f'{self.host}:{self.port}'}"


Address = SqliteAddress | PostgresAddress | MysqlAddress


def parse(text: str) -> Address:
    """Raises ImportRefused, with a text that does not repeat passwords."""
    text = text.strip()
    if not text or "\x00" in text:
        raise ImportRefused("say where the old database is: a SQLite file or an address")
    if match := _SCHEME.match(text):
        return _url(match.group(1).lower(), text)
    if not Path(text).is_file():
        if _KEY_VALUE.match(text):
            return PostgresAddress(text)
        if "@" in text and (dsn := _GO_DSN.fullmatch(text)):
            return _go_dsn(dsn)
    return _sqlite(text)


def _url(scheme: str, text: str) -> Address:
    if scheme in ("postgres", "postgresql"):
        return PostgresAddress(text)
    if scheme == "mysql":
        return _mysql_url(text)
    if scheme == "sqlite":
        path = text.partition("://")[2].removeprefix("/")
        # Both sqlite:////srv/one-api.db and sqlite:///srv/one-api.db are found in the wild.
        return _sqlite(path if _without_options(path).is_file() else f"/{path}")
    raise ImportRefused(f"{scheme}:// is no database that this reads: SQLite, PostgreSQL, MySQL")


def _sqlite(text: str) -> SqliteAddress:
    path = Path(text) if Path(text).is_file() else _without_options(text)
    if path.is_file():
        return SqliteAddress(path)
    if "@" in text:
        raise ImportRefused(
            "this is neither a file nor an address such as user:password@tcp(host:3306)/database"
        )
    raise ImportRefused(f"there is no file {path}")


def _without_options(text: str) -> Path:
    """SQLITE_PATH of these programs has some behind a question mark."""
    return Path(text.partition("?")[0])


def _mysql_url(text: str) -> MysqlAddress:
    try:
        url = urlsplit(text)
        port = url.port or MYSQL_PORT
    except ValueError as error:
        raise ImportRefused("the port of the MySQL address is not a number") from error
    params = dict(parse_qsl(url.query))
    return _mysql(
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        database=unquote(url.path.removeprefix("/")),
        host=url.hostname or "127.0.0.1",
        port=port,
        socket=params.get("unix_socket", ""),
        tls=params.get("tls", ""),
    )


def _go_dsn(match: re.Match[str]) -> MysqlAddress:
    user, _, password = (match["login"] or "").partition(":")
    address = match["addr"] or ""
    params = dict(parse_qsl(match["params"] or ""))
    is_socket = match["net"] == "unix"
    if match["net"] not in (None, "tcp", "unix"):
        raise ImportRefused(f"{match['net']}(...) in a MySQL address is not known: tcp or unix")
    host, port = ("", MYSQL_PORT) if is_socket else _host_and_port(address)
    return _mysql(
        user=user,
        password=password,
        database=unquote(match["database"]),
        host=host,
        port=port,
        socket=(address or MYSQL_SOCKET) if is_socket else "",
        tls=params.get("tls", ""),
    )


def _mysql(
    *, user: str, password: str, database: str, host: str, port: int, socket: str, tls: str
) -> MysqlAddress:
    if not database:
        raise ImportRefused("the MySQL address does not name a database")
    if tls not in _TLS:
        raise ImportRefused("tls in a MySQL address is true, skip-verify, preferred or false")
    return MysqlAddress(user, password, database, host, port, socket, _TLS[tls])


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{address}")
        return parts.hostname or "127.0.0.1", parts.port or MYSQL_PORT
    except ValueError as error:
        raise ImportRefused("the host and port of the MySQL address cannot be read") from error
