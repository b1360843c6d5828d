"""Bringing a backup back: all of the database in one transaction, or nothing of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management import call_command
from django.db import connection

from common import sql
from relay.backups import facts, fingerprints, loading, pictures, programs, server
from relay.backups.archive import Member, Reader
from relay.backups.errors import Damaged, Refused
from relay.backups.making import DUMP
from relay.backups.programs import Programs

Say = Callable[[str], None]
_OTHERS = """
SELECT count(*)::int AS number FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Choices(NamedTuple):
    """What restoring() would else refuse, or do."""

    replace: bool = False
    other_secrets: bool = False
    with_pictures: bool = True


def restore(path: Path, choices: Choices, say: Say) -> None:
    """Raises Refused before anything is changed, or with the database as it was."""
    server.begin()
    with _opened(path) as reader:
        manifest = reader.manifest
        _check_age(manifest)
        if not choices.other_secrets:
            fingerprints.check(manifest.get("fingerprints") or {})
        dump, sums = _members(manifest)
        say(f"Reading {path}, made at {manifest['made_at']} ...")
        _check_sums(reader, [dump, *sums])
        _check_place(choices)
        tools = _tools(manifest)
        say(f"Restoring {sum(manifest['rows'].values()):,} rows ...")
        with reader.open(dump.name) as source:
            loading.load(source, tools, clear=choices.replace)
        _check_contents(manifest)
        if sums and choices.with_pictures:
            _restore_pictures(reader, say)
    _bring_up_to_date(manifest, say)


def _check_age(manifest: dict[str, Any]) -> None:
    """Raises Refused for what a newer version has written."""
    try:
        number, known = int(manifest["format"]), set(map(str, manifest["migrations"]))
        is_whole = bool(manifest["made_at"]) and bool(manifest["rows"]) and manifest["members"]
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("its manifest is none of ours") from error
    if not is_whole:
        raise Damaged("its manifest is none of ours")
    newer = sorted(known - facts.known())
    if number > facts.FORMAT or newer:
        raise Refused(
            f"The backup was made by a newer version ({', '.join(newer[:3]) or f'form {number}'}): "
            "restore it with that version"
        )


def _members(manifest: dict[str, Any]) -> tuple[Member, list[Member]]:
    """The database, and the list of pictures if there is one."""
    try:
        found = {each["name"]: Member(**each) for each in manifest["members"]}
    except (KeyError, TypeError) as error:
        raise Damaged("its manifest is none of ours") from error
    if DUMP not in found:
        raise Damaged(f"{DUMP} is missing in it")
    return found[DUMP], [found[name] for name in (pictures.SUMS,) if name in found]


def _check_sums(reader: Reader, members: list[Member]) -> None:
    """Everything is read once before anything is changed."""
    for member in members:
        reader.check(member)
        if member.name == pictures.SUMS:
            for each in pictures.listed(reader):
                reader.check(each)


def _check_place(choices: Choices) -> None:
    """Raises Refused for a database that is in use, or in which something is."""
    others = sql.fetch_one(_OTHERS).number
    if others:
        raise Refused(
            f"{others} others are connected to this database: stop web, workers and clock first"
        )
    tables = facts.tables()
    if tables and not choices.replace:
        raise Refused(
            f"The database is not empty ({len(tables)} tables{_counted(tables)}). "
            "Name an empty one, or say --replace: all that is in it is lost then"
        )


def _counted(tables: list[str]) -> str:
    if not {"relay_task", "billing_entry"} <= set(tables):
        return ""
    found = sql.fetch_one(
        "SELECT (SELECT count(*) FROM relay_task) AS tasks,"
        " (SELECT count(*) FROM billing_entry) AS entries"
    )
    return f", {found.tasks:,} tasks, {found.entries:,} entries"


def _tools(manifest: dict[str, Any]) -> Programs:
    major = server.major()
    if major < int(manifest["postgresql"]):
        raise Refused(
            f"The backup is of PostgreSQL {manifest['postgresql']}, and this server is {major}: "
            "restore it on that version or a newer one"
        )
    return programs.fitting(max(major, int(manifest["pg_dump"])))


def _check_contents(manifest: dict[str, Any]) -> None:
    if wrong := facts.differences(manifest, facts.contents()):
        raise Refused(f"What was restored is not what was backed up: {'; '.join(wrong)}")


def _restore_pictures(reader: Reader, say: Say) -> None:
    place = pictures.folder()
    if place is None:
        say("The pictures in it were not restored: RESULTS_STORAGE is no folder here.")
        return
    written = pictures.put_back(reader, pictures.listed(reader), place)
    say(f"{written:,} pictures and videos were put into {place}.")


def _bring_up_to_date(manifest: dict[str, Any], say: Say) -> None:
    missing = facts.known() - set(manifest["migrations"])
    if missing:
        say(f"It is older than this code: {len(missing)} migrations follow ...")
        call_command("migrate", verbosity=0, interactive=False)
    # Without it the first queries would be planned for empty tables.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@contextmanager
def _opened(path: Path) -> Iterator[Reader]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error
    with file:
        try:
            yield Reader(file)
        except Damaged as error:
            raise Damaged(f"{path}: {error}") from error
