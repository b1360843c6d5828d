"""What is no whole backup of ours is refused, and then the database is as it was."""

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings

from relay.backups import archive, facts, making, restoring
from relay.backups.archive import Reader, Writer
from relay.backups.errors import Damaged, Refused
from relay.backups.restoring import Choices
from tests.accounts import open_account
from tests.stack import Stack

REPLACE = Choices(replace=True)
Told = dict[str, Any]


@pytest.fixture(scope="module")
def town(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with some rows: its URL."""
    folder = tmp_path_factory.mktemp("nobody")
    for _ in range(3):
        open_account(Stack(folder=folder, env={}, drawing_seconds=1))
    return own_database_url


@pytest.fixture(scope="module")
def good(town: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.make(tmp_path_factory.mktemp("good")).path


@pytest.fixture
def unchanged(town: str) -> Iterator[None]:
    """Whatever is tried inside changes nothing."""
    before = facts.contents()
    assert before["rows"]["billing_entry"] == 3
    yield
    assert facts.contents() == before


def restore(path: Path, choices: Choices = REPLACE) -> str:
    said: list[str] = []
    restoring.restore(path, choices, said.append)
    return "\n".join(said)


def made_anew(good: Path, place: Path, change: Callable[[Told], object], **members: bytes) -> Path:
    """The same backup with another manifest, or other members, and right sums of all."""
    with good.open("rb") as file, archive.new(place) as writer:
        reader = Reader(file)
        manifest = reader.manifest
        manifest["members"] = [
            writer.add(
                name,
                io.BytesIO(members[name]) if name in members else reader.open(name),
            )._asdict()
            for name in [each["name"] for each in manifest["members"]]
        ]
        change(manifest)
        writer.seal(manifest)
    return place


def nothing(manifest: Told) -> None:
    """Changes nothing in it."""


@pytest.mark.usefixtures("unchanged")
def test_a_file_that_is_cut_off_is_refused(good: Path, tmp_path: Path) -> None:
    whole = good.read_bytes()
    sealed = Reader(good.open("rb"))._infos[archive.SEAL]
    cut = tmp_path / "cut.tar"
    for length in (0, 1, 512, 513, len(whole) // 2, sealed.offset, sealed.offset_data + 3):
        cut.write_bytes(whole[:length])
        with pytest.raises(Damaged, match=r"cut\.tar"):
            restore(cut)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", [making.DUMP, archive.MANIFEST, archive.SEAL])
def test_a_changed_byte_is_noticed(good: Path, tmp_path: Path, name: str) -> None:
    info = Reader(good.open("rb"))._infos[name]
    for place in (info.offset + 5, info.offset_data, info.offset_data + info.size // 2):
        whole = bytearray(good.read_bytes())
        whole[place] ^= 1
        changed = tmp_path / "changed.tar"
        changed.write_bytes(whole)
        with pytest.raises(Damaged, match=r"changed\.tar"):
            restore(changed)


@pytest.mark.usefixtures("unchanged")
def test_what_somebody_else_has_made_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.tar"
    with tarfile.open(foreign, "w") as tar:
        tar.add(__file__, "database.dump")
    text = tmp_path / "text.tar"
    text.write_text("no backup")
    for path in (foreign, text):
        with pytest.raises(Damaged):
            restore(path)
    for path in (tmp_path, tmp_path / "none.tar"):
        with pytest.raises(Refused, match=r"No such file|Is a directory"):
            restore(path)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", ["ENCRYPTION_SECRETS", "KEY_HASH_SECRET", "SECRET_KEY"])
def test_other_secrets_are_noticed(good: Path, settings: LazySettings, name: str) -> None:
    settings.ENCRYPTION_SECRETS = list(settings.ENCRYPTION_SECRETS)
    other: Any = ["another"] if name == "ENCRYPTION_SECRETS" else "another"
    setattr(settings, name, other)
    with pytest.raises(Refused, match=f"under other secrets: {name}"):
        restore(good)


def test_an_old_secret_that_is_still_known_is_none_of_others(
    good: Path, settings: LazySettings
) -> None:
    settings.KEY_HASH_OLD_SECRETS = [settings.KEY_HASH_SECRET]
    settings.KEY_HASH_SECRET = "the next one"
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    settings.ENCRYPTION_SECRETS = ["the next one", *settings.ENCRYPTION_SECRETS]
    before = facts.contents()
    assert "Restoring" in restore(good)
    assert facts.contents()["wallets"] == before["wallets"]


def test_who_says_so_restores_with_other_secrets(good: Path, settings: LazySettings) -> None:
    settings.KEY_HASH_SECRET = "another"
    before = facts.contents()
    restore(good, Choices(replace=True, other_secrets=True))
    assert facts.contents()["wallets"] == before["wallets"]


@pytest.mark.usefixtures("unchanged")
def test_a_database_with_something_in_it_is_not_overwritten(good: Path) -> None:
    with pytest.raises(Refused, match=r"not empty \(\d+ tables, 0 tasks, 3 entries\).*--replace"):
        restore(good, Choices())


@pytest.mark.usefixtures("unchanged")
def test_a_database_that_is_in_use_is_not_touched(good: Path, town: str) -> None:
    with psycopg.connect(town), pytest.raises(Refused, match="stop web, workers and clock"):
        restore(good)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda told: told["migrations"].append("relay.9999_later"), "newer version .relay.9999"),
        (lambda told: told.update(format=facts.FORMAT + 1), "newer version .form 2"),
        (lambda told: told.update(postgresql=99), "of PostgreSQL 99, and this server is"),
        (lambda told: told.update(pg_dump=99), "The server is PostgreSQL 99"),
    ],
)
def test_what_a_newer_version_has_made_is_refused(
    good: Path, tmp_path: Path, change: Callable[[Told], object], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        restore(made_anew(good, tmp_path / "newer.tar", change))


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.pop("migrations"),
        lambda told: told.pop("fingerprints"),
        lambda told: told.pop("members"),
        lambda told: told.update(members=[{"name": "x"}]),
        lambda told: told.update(rows={}),
    ],
)
def test_a_manifest_that_says_too_little_is_refused(
    good: Path, tmp_path: Path, change: Callable[[Told], object]
) -> None:
    with pytest.raises(Damaged):
        restore(made_anew(good, tmp_path / "less.tar", change))


@pytest.mark.usefixtures("unchanged")
def test_a_restore_that_breaks_in_its_midst_changes_nothing(good: Path, tmp_path: Path) -> None:
    """Right sums, and a dump that PostgreSQL's programs cannot read to its end."""
    with good.open("rb") as file:
        dump = Reader(file).open(making.DUMP).read()
    broken = {making.DUMP: dump[: len(dump) * 2 // 3]}
    path = made_anew(good, tmp_path / "broken.tar", nothing, **broken)
    with pytest.raises(Refused, match=r"the database is as it was\. PostgreSQL: pg_restore"):
        restore(path)


def test_rows_that_are_not_as_many_as_they_were_are_told(good: Path, tmp_path: Path) -> None:
    def one_more(told: Told) -> None:
        told["rows"]["billing_entry"] += 1

    before = facts.contents()
    with pytest.raises(Refused, match="billing_entry: 3 rows instead of 4"):
        restore(made_anew(good, tmp_path / "more.tar", one_more))
    assert facts.contents()["wallets"] == before["wallets"]


@pytest.mark.usefixtures("unchanged")
def test_a_picture_that_would_lie_elsewhere_is_refused(
    good: Path, tmp_path: Path, settings: LazySettings
) -> None:
    outside = tmp_path / "outside"
    path = tmp_path / "hostile.tar"
    with good.open("rb") as file, archive.new(path) as writer:
        reader = Reader(file)
        manifest = reader.manifest
        members = [writer.add(making.DUMP, reader.open(making.DUMP))]
        name = f"results/{'../' * 12}{str(outside).lstrip('/')}"[:99]
        bad = writer.add(name, io.BytesIO(b"bad"))
        sums = f"{bad.sha256}  {bad.size}  {bad.name}\n".encode()
        members.append(writer.add("results.sha256", io.BytesIO(sums)))
        manifest["members"] = [member._asdict() for member in members]
        writer.seal(manifest)
    with pytest.raises(Damaged, match="leads out of the folder"):
        restore(path)
    assert not outside.exists()


def test_a_long_name_is_refused_when_it_is_written(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file, pytest.raises(Refused, match="too long"):
        Writer(file).add("n" * 101, io.BytesIO(b""))


def test_the_file_is_its_owners_only_and_a_plain_tar(good: Path) -> None:
    assert os.stat(good).st_mode & 0o777 == 0o600
    with tarfile.open(good) as tar:
        names = tar.getnames()
        told = json.load(Reader(good.open("rb")).open(archive.MANIFEST))
    assert names == [making.DUMP, "results.sha256", archive.MANIFEST, archive.SEAL]
    assert told["rows"]["billing_wallet"] == 3
    assert told["wallets"]["live"] == {"number": 3, "balance": 300_000_000, "held": 0}
