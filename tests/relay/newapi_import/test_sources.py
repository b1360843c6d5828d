"""The same site in each of the versions and databases that it may be in; and no site at all."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from billing import money, tokens
from billing.models import Tenant, Token, Wallet
from channels.models import Channel
from relay.newapi_import import source
from tests.relay.newapi_import.old_sites import (
    NEW_API,
    NEW_API_2025,
    ONE_API,
    OldSite,
    PostgresSite,
    SqliteSite,
)

KEY = "Ab3" * 16
TABLES = ("users", "tokens", "options", "channels")


def fill(site: OldSite) -> None:
    """What all versions have."""
    site.user(1, "root", role=100, quota=100_000_000)
    site.user(2, "old-alice", quota=1_234_567, email="alice@example.com", group="old-vip")
    site.user(3, "old-bob", status=2)
    site.token(1, 2, KEY, name="main", unlimited_quota=False, remain_quota=500_000)
    site.token(2, 3, "Cd4" * 16)


def is_imported() -> None:
    alice = Tenant.objects.get(name="old-alice")
    assert alice.group.name == "old-vip"
    assert money.text(Wallet.objects.live(alice.pk).balance) == "2.469134"
    caller = tokens.authenticate(f"sk-{KEY}")
    assert (caller.tenant_id, caller.token_name) == (alice.pk, "main")
    assert caller.budget is not None
    assert money.text(caller.budget) == "1.00"
    assert not Tenant.objects.get(name="old-bob").is_active


@pytest.mark.parametrize("schema", [NEW_API, NEW_API_2025, ONE_API], ids=["2026", "2025", "one"])
def test_every_version_is_read_from_sqlite(
    imported: Callable[..., str], tmp_path: Path, schema: dict[str, str]
) -> None:
    site = SqliteSite(tmp_path / "one-api.db", schema)
    fill(site)
    before = Path(site.address).read_bytes()
    imported(site)
    is_imported()
    assert Path(site.address).read_bytes() == before


def test_postgres_is_read(imported: Callable[..., str], postgres_site: PostgresSite) -> None:
    fill(postgres_site)
    # A key shorter than its column is filled up with blanks there.
    postgres_site.token(3, 2, "short-ish" * 4)
    postgres_site.insert("users", id=9, username="gone", password="", deleted_at="2026-01-01")
    imported(postgres_site)
    is_imported()
    assert tokens.authenticate("sk-" + "short-ish" * 4).token_name == "key 3"
    assert not Tenant.objects.filter(name="gone").exists()


def test_one_apis_own_channels_are_no_midjourney_channels(
    imported: Callable[..., str], tmp_path: Path
) -> None:
    site = SqliteSite(tmp_path / "one-api.db", ONE_API)
    site.channel(1, "old-api2d", type=2, models="gpt-4,gpt-4o")
    report = imported(site)
    assert "1  channels skipped: they do not list a model that draws" in report
    assert not Channel.objects.filter(name="old-api2d").exists()


def test_one_apis_restrictions_of_keys_are_kept(
    imported: Callable[..., str], tmp_path: Path
) -> None:
    site = SqliteSite(tmp_path / "one-api.db", ONE_API)
    site.user(1, "old-alice")
    site.token(1, 1, KEY, models="gpt-4,mj_imagine", subnet="10.0.0.0/8,192.0.2.7")
    imported(site)
    key = Token.objects.get(digest=tokens.digest(KEY))
    assert (key.actions, key.addresses) == (["IMAGINE"], ["10.0.0.0/8", "192.0.2.7"])


def refusal(address: str) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("import_newapi", address)
    return str(refused.value)


@pytest.mark.parametrize("missing", TABLES)
def test_a_database_of_something_else_is_refused(tmp_path: Path, missing: str) -> None:
    schema = {table: columns for table, columns in NEW_API.items() if table != missing}
    site = SqliteSite(tmp_path / "other.db", schema)
    assert f"it has no table {missing}" in refusal(site.address)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    site = SqliteSite(tmp_path / "other.db", NEW_API | {"users": "id {serial}, username {text}"})
    assert "users has no column quota" in refusal(site.address)


def test_a_postgres_database_of_something_else_is_refused(unseen: None, database: str) -> None:
    assert "it has no table users" in refusal(database)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("no database at all, " * 100)
    assert "file is not a database" in refusal(str(file))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Taken, so that nobody else listens there, but not listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    "address", ["postgres://u:geheim@127.0.0.1:{port}/x", "u:geheim@tcp(127.0.0.1:{port})/x"]
)
def test_a_server_that_is_not_there_is_said(closed_port: int, address: str) -> None:
    said = refusal(address.format(port=closed_port))
    assert "refused" in said
    assert "127.0.0.1" in said
    assert "geheim" not in said


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "READ_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "timed out" in refusal(f"u:p@tcp(127.0.0.1:{silent.getsockname()[1]})/x")


def test_a_wrong_postgres_address_is_said(unseen: None, database: str) -> None:
    assert "does not exist" in refusal(database.replace("?", "_not_there?"))
    assert "PostgreSQL:" in refusal("host=/nowhere dbname=x")
    assert "invalid connection option" in refusal("host=/nowhere dbname=x nonsense=1")


def test_the_address_may_stand_in_the_environment(
    unseen: None, site: SqliteSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(os.environ, "SQL_DSN", site.address)
    call_command("import_newapi")
    assert site.address in capsys.readouterr().out
