"""Where the old database is: what operators have in SQL_DSN, and what they type."""

from pathlib import Path

import pytest

from relay.newapi_import.address import Address, MysqlAddress, PostgresAddress, SqliteAddress, parse
from relay.newapi_import.errors import ImportRefused

SERVERS = [
    "postgres://u:p@db:5432/newapi?sslmode=disable",
    "postgresql:///newapi?host=/run/postgresql",
    "host=db user=u password=p dbname=newapi",
    "dbname = newapi",
]
MYSQL = [
    ("root:123456@tcp(db:3307)/oneapi", MysqlAddress("root", "123456", "oneapi", "db", 3307)),
    (
        "root:123456@tcp(db)/new-api?charset=utf8mb4&parseTime=True&loc=Asia%2FShanghai",
        MysqlAddress("root", "123456", "new-api", "db", 3306),
    ),
    ("u:p@/oneapi", MysqlAddress("u", "p", "oneapi", "127.0.0.1", 3306)),
    ("u@tcp([::1]:3308)/oneapi", MysqlAddress("u", "", "oneapi", "::1", 3308)),
    ("u:a/b@c:d%40@tcp(db)/oneapi", MysqlAddress("u", "a/b@c:d%40", "oneapi", "db", 3306)),
    ("u:p@unix(/run/my.sock)/x", MysqlAddress("u", "p", "x", socket="/run/my.sock")),
    ("u:p@tcp(db)/x?tls=true", MysqlAddress("u", "p", "x", "db", 3306, tls="verified")),
    ("u:p@tcp(db)/x?tls=skip-verify", MysqlAddress("u", "p", "x", "db", 3306, tls="unverified")),
    ("mysql://u:p%40ss@db:3307/x", MysqlAddress("u", "p@ss", "x", "db", 3307)),
    ("mysql://db/x?tls=true", MysqlAddress("", "", "x", "db", 3306, tls="verified")),
    ("mysql://u@h/x?unix_socket=/s", MysqlAddress("u", "", "x", "h", 3306, socket="/s")),
]
REFUSED = [
    ("", "say where"),
    ("one\x00.db", "say where"),
    ("nothing-here.db", "there is no file nothing-here.db"),
    ("sqlite:///nothing-here.db", "there is no file"),
    ("clickhouse://db/x", "clickhouse:// is no database that this reads"),
    ("u:p@tcp(db:3306)/", "does not name a database"),
    ("mysql://u:p@db:3306", "does not name a database"),
    ("mysql://u:p@db:port/x", "port"),
    ("u:p@tcp(db:port)/x", "host and port"),
    ("u:p@udp(db)/x", "udp"),
    ("u:p@tcp(db)/x?tls=custom", "tls"),
    ("u:secret@db:3306", "neither a file nor an address"),
]


@pytest.mark.parametrize("text", SERVERS)
def test_postgres_addresses_go_to_libpq_as_they_are(text: str) -> None:
    assert parse(text) == PostgresAddress(text)


@pytest.mark.parametrize(("text", "address"), MYSQL)
def test_mysql_addresses_are_read_as_gos_driver_reads_them(text: str, address: Address) -> None:
    assert parse(text) == address


def test_a_file_is_found_in_each_way_of_writing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one@api?=.db"
    file.touch()
    plain = tmp_path / "one-api.db"
    plain.touch()
    monkeypatch.chdir(tmp_path)
    for text in (str(plain), f"{plain}?_busy_timeout=30000", f"sqlite:///{plain}"):
        assert parse(text) == SqliteAddress(plain), text
    for text in ("one-api.db", "sqlite:///one-api.db", f"sqlite://{plain}?mode=rw"):
        found = parse(text)
        assert isinstance(found, SqliteAddress)
        assert found.path.samefile(plain), text
    assert parse(str(file)) == SqliteAddress(file)


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_anything_else_is_refused_and_no_password_is_repeated(text: str, why: str) -> None:
    with pytest.raises(ImportRefused, match=why) as refused:
        parse(text)
    assert "secret" not in str(refused.value)
