"""The drill: a product at work is backed up, loses its database, and gets it back.

All that had been acknowledged before the backup is there again, and what was under way goes on.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from billing.models import Entry, UsageDay
from common import sql
from relay.backups import programs, server
from relay.models import Callback, ResultFile, Task
from relay.operators import refunds
from tests import kept
from tests.accounts import TERMINAL, Account
from tests.faults.place import Place, open_place
from tests.operation.commands import manage
from tests.operation.crowd import Crowd, crowd
from tests.proofs import prove
from tests.stack import wait_until

DRAWING_SECONDS = 2.0
# Submits that are acknowledged before the backup begins, while it is made, and after it.
SUBMITS = 40


@pytest.fixture(scope="module")
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("drill")
    env = {
        "RELAY_VAR": str(folder / "var"),
        "KEEP_RESULTS": "true",
        "DATABASE_STATEMENT_SECONDS": "10",
        "KEY_HASH_SECRET": "k" * 40,
        "ENCRYPTION_SECRETS": "e" * 40,
    }
    ours = (settings.KEY_HASH_SECRET, settings.ENCRYPTION_SECRETS)
    # This process writes keys and credentials of the product.
    settings.KEY_HASH_SECRET, settings.ENCRYPTION_SECRETS = "k" * 40, ["e" * 40]
    with open_place(
        folder, own_database_url, drawing_seconds=DRAWING_SECONDS, web_workers=2, **env
    ) as place:
        yield place
    settings.KEY_HASH_SECRET, settings.ENCRYPTION_SECRETS = ours


class Before:
    """What a customer had seen before the backup: read again afterwards, it is the same."""

    def __init__(self, account: Account) -> None:
        account.give_secret("open sesame")
        hook = account.stack.inbox_url(account.tenant.name)
        drawn = [account.draw(f"a lighthouse {number}", notifyHook=hook) for number in range(5)]
        failed = account.draw("zzfail", notifyHook=hook)
        for task in (*drawn, failed):
            account.finish(task)
        first = Task.objects.get(pk=int(drawn[0]))
        refunds.refund(first, amount=None, actor="test", memo="a drill")
        self.account = account
        self.tasks = [*drawn, failed]
        wait_until(self._told, what="callbacks and copies")
        self.slow = account.draw("a slow one", notifyHook=hook)
        self.seen = self.look()

    def look(self) -> dict[str, object]:
        """All that the customer can see of what has ended."""
        account = self.account
        return {
            "tasks": [account.fetch(task) for task in self.tasks],
            "entries": [account.entries(task) for task in self.tasks],
            "callbacks": [account.callback(task).state for task in self.tasks],
            "pictures": [self._picture(task) for task in self.tasks[:5]],
        }

    def _picture(self, task: str) -> tuple[int, int]:
        answer = self.account.request("GET", urlsplit(self._link(task))._replace(
            scheme="", netloc="").geturl())  # fmt: skip
        return answer.status_code, len(answer.content)

    def _link(self, task: str) -> str:
        return str(self.account.fetch(task)["imageUrl"])

    def _told(self) -> bool:
        rows = Callback.objects.filter(task__in=map(int, self.tasks), is_final=True)
        delivered = rows.filter(state=Callback.State.DELIVERED).count()
        copied = ResultFile.objects.filter(state=ResultFile.State.KEPT).count()
        return delivered == len(self.tasks) and copied >= 5


def test_the_drill(
    place: Place, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    env, transcript = place.stack.env, []

    def say(text: str) -> None:
        transcript.append(text)

    before = Before(place.account())
    account = place.account(funds="1000")
    with crowd(account, size=4) as clients:
        wait_until(lambda: len(clients.answered) > SUBMITS, seconds=60, what="submits")
        began, taken = time.monotonic(), clients.before(time.monotonic())
        made = manage(env, "backup", str(tmp_path))
        ended = time.monotonic()
        assert made.returncode == 0, made.stdout
        assert not clients.refused
        answered = len(clients.before(ended)) - len(taken)
        wait_until(lambda: len(clients.answered) > len(taken) + answered + SUBMITS, seconds=60)
    say(f"acknowledged before the backup: {len(taken)} submits, while it was made: {answered}")
    say("$ manage.py backup DIR\n" + made.stdout)
    assert answered, "the backup was made without load"
    (file,) = tmp_path.glob("relay-*.tar")
    lost = len(clients.answered) - len(taken)

    place.kill("web", "worker", "beat")
    schema = schema_of()
    destroy(env["DATABASE_URL"])
    shutil.rmtree(Path(env["RELAY_VAR"]) / "results")
    place.redis.empty()
    say("$ kill -9 web, worker, beat; DROP DATABASE; CREATE DATABASE; rm -r results; FLUSHALL")
    restored = manage(env, "restore", str(file))
    say("$ manage.py restore FILE\n" + restored.stdout)
    assert restored.returncode == 0, restored.stdout
    books = manage(env, "doctor")
    say("$ manage.py doctor\n" + books.stdout.splitlines()[-1] + "\n")
    assert books.returncode == 0, books.stdout
    assert "WRONG" not in books.stdout
    assert schema_of() == schema

    kept.forget()
    check_rows(taken, account)
    place.stack.start("web", "worker", "beat")
    check_product(before, account, clients, taken)
    say(f"{len(taken)} tasks acknowledged before are there and have ended; of {lost} that were")
    say(f"acknowledged while it was made or after it, {count(account) - len(taken)} are there")
    say(f"the whole drill took {time.monotonic() - began:.0f} s from the backup on")
    record_property("report", re.sub(r"/\S*/(relay-)", r"DIR/\1", "\n".join(transcript)))


def destroy(url: str) -> None:
    """The database is gone, and an empty one of its name is there."""
    connection.close()
    parts = urlsplit(url)
    name = parts.path.removeprefix("/")
    server_url = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')


def schema_of() -> list[str]:
    """Tables, parts, indexes, constraints, triggers, functions, sequences, as pg_dump tells them:
    without the casts and brackets of conditions, which PostgreSQL writes anew."""
    tools = programs.fitting(server.major())
    command = [tools.path("pg_dump"), f"--dbname={server.address()}", "--schema-only", "--no-owner"]
    done = subprocess.run(
        command, env=server.environment(), capture_output=True, text=True, check=True
    )
    # (And without a word of chance that pg_dump puts around all.)
    lines = [line for line in done.stdout.splitlines() if "restrict" not in line]
    return [re.sub(r"::[a-z]+( varying)?(\[\])?|[()]", "", line) for line in lines]


def check_rows(taken: set[str], account: Account) -> None:
    """Before anybody works with it again."""
    known = set(Task.objects.filter(tenant=account.tenant).values_list("pk", flat=True))
    assert {int(task) for task in taken} <= known
    assert Task.objects.live().exists(), "nothing was under way"
    # The database itself still refuses to rewrite the ledger, in every part.
    for table in ("billing_entry", part_of("billing_entry")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            sql.execute(f"UPDATE {table} SET memo = 'x'")
    # Rows lie in the part of their week again.
    assert sql.fetch_one(f"SELECT count(*) AS number FROM {part_of('relay_task')}").number
    assert UsageDay.objects.exists()


def part_of(table: str) -> str:
    """The week that its newest row lies in."""
    newest = f"SELECT tableoid::regclass::text AS name FROM {table} ORDER BY id DESC LIMIT 1"
    return str(sql.fetch_one(newest).name)


def check_product(before: Before, account: Account, clients: Crowd, taken: set[str]) -> None:
    """Keys work, all looks as it did, what was under way has ended, and new work is done."""
    assert before.look() == before.seen
    assert before.account.finish(before.slow, seconds=30)["status"] == "SUCCESS"
    wait_until(lambda: before.account.callback(before.slow).state == "delivered")
    new = before.account.draw("after the drill")
    assert before.account.finish(new)["status"] == "SUCCESS"
    assert int(new) > max(int(task) for _, task in clients.answered)

    def all_ended() -> bool:
        rows = Task.objects.filter(tenant=account.tenant).exclude(status__in=TERMINAL)
        return not rows.exists()

    wait_until(all_ended, seconds=60, what="the end of what was under way")
    done = dict(Task.objects.filter(tenant=account.tenant).values_list("pk", "status"))
    assert {done[int(task)] for task in taken} == {"SUCCESS"}
    assert account.wallet.held == 0
    captures = Entry.objects.filter(wallet=account.wallet, kind="capture")
    assert captures.count() == len(done)
    for each in (before.account, account):
        prove(each.tenant.pk)


def count(account: Account) -> int:
    return Task.objects.filter(tenant=account.tenant).count()
