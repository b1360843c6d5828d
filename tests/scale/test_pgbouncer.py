"""The product behind PgBouncer, which gives a connection to somebody else after each transaction,
and has fewer of them than the product's pools want."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Thread

import psycopg
import pytest
import requests
from django.db import connection, transaction
from django.utils import timezone

from billing.models import Wallet
from relay.models import Callback, Task
from tests.accounts import Account
from tests.faults.place import Place, begin, finish_all, open_place, until
from tests.faults.test_kills import assert_all_drawn_and_told, draw, final_messages
from tests.proofs import prove
from tests.races.together import raised, together
from tests.scale.pooler import POOL_SIZE, STATEMENT_SECONDS, OwnPooler
from tests.stack import ROOT

HANGS = "zzslow"
# It tries to reach PostgreSQL again every second.
BACK_SECONDS = 30


@pytest.fixture(scope="module")
def pooler(own_database_url: str) -> Iterator[OwnPooler]:
    made = OwnPooler(own_database_url)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def place(pooler: OwnPooler, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Everything of the product goes through it; what the test itself asks does not."""
    folder = tmp_path_factory.mktemp("pgbouncer")
    with open_place(folder, pooler.url, web_workers=2, **pooler.settings) as place:
        yield place


@pytest.fixture
def account(place: Place) -> Account:
    return place.account()


def test_tasks_are_drawn_and_told(place: Place, account: Account) -> None:
    ids = draw(account, place, "a pooler", tasks=30)
    assert_all_drawn_and_told(account, ids, "a pooler")


def test_a_wallet_for_twenty_drawings_pays_for_twenty(place: Place) -> None:
    """More submits at once than there are connections."""
    account = place.account(funds="2")
    answers = together([account.imagine] * 80)
    assert not raised(answers)
    kinds = Counter(answer.status_code for answer in answers)
    assert kinds[200] == 20, [answer.text for answer in answers if answer.status_code != 200][:5]
    assert {answer.json().get("type") for answer in answers} == {None, "quota_not_enough"}
    until(lambda: account.funds == ("0.00", "0.00"), "the last cent")
    prove(account.tenant.pk)


def test_a_channels_cap_holds(account: Account) -> None:
    """It is kept by a lock that ends with its transaction."""
    account.channel.concurrency = 4
    account.channel.save()
    answers = together([lambda: account.imagine(HANGS)] * 30)
    assert Counter(answer.status_code for answer in answers) == {200: 4, 429: 26}


def test_it_has_as_few_connections_as_it_was_told(account: Account) -> None:
    together([lambda: account.imagine(HANGS)] * 60)
    others = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND backend_type = 'client backend'"""
    with connection.cursor() as cursor:
        cursor.execute(others)
        assert 1 < cursor.fetchone()[0] <= POOL_SIZE


def test_a_statement_that_takes_too_long_is_ended(account: Account) -> None:
    """The limits that a connection of ours asks for are PgBouncer's to ask for here."""
    account.draw(HANGS)
    locked, done = Event(), Event()

    def hold_the_wallet() -> None:
        with transaction.atomic():
            Wallet.objects.select_for_update().get(pk=account.wallet.pk)
            locked.set()
            done.wait(30)
        connection.close()

    thread = Thread(target=hold_the_wallet)
    thread.start()
    try:
        assert locked.wait(10)
        answer = account.imagine("a wallet that is locked")
        assert answer.status_code == 503, answer.text
        assert answer.elapsed < timedelta(seconds=STATEMENT_SECONDS + 10)
    finally:
        done.set()
        thread.join()
    account.draw(HANGS)
    prove(account.tenant.pk)


def test_what_has_expired_is_ended_in_batches(place: Place, account: Account) -> None:
    """A cursor of the server would not be there any more when the next batch is asked for."""
    ids = [begin(account) for _ in range(25)]
    Task.objects.filter(pk__in=ids).update(expires_at=timezone.now())
    place.kill("worker")
    try:
        ended = run_there(place, "tasks.EXPIRY_BATCH = 4", "print(tasks.expire_overdue())")
    finally:
        place.stack.start("worker")
    # The worker may have begun with it.
    assert 0 < int(ended) <= len(ids)
    assert set(finish_all(account, map(str, ids)).values()) == {"FAILURE"}
    assert account.wallet.held == 0
    prove(account.tenant.pk)


def test_it_dies_and_comes_back(place: Place, account: Account, pooler: OwnPooler) -> None:
    before = {name: process.pid for name, process in place.stack.processes.items()}
    ids = draw(account, place, "the pooler dies", tasks=5)
    pooler.kill()
    ready = f"{place.stack.url}/readyz"
    until(lambda: requests.get(ready, timeout=9).status_code == 503, "not ready")
    assert account.imagine("nobody hears").status_code == 503
    pooler.start()
    until(lambda: requests.get(ready, timeout=9).status_code == 200, "ready", seconds=BACK_SECONDS)
    until(lambda: all_answered(account), "both web processes", seconds=BACK_SECONDS)
    ids += draw(account, place, "the pooler dies", tasks=5)
    Task.objects.live().filter(pk__in=ids).update(next_poll_at=timezone.now())
    assert set(finish_all(account, ids).values()) == {"SUCCESS"}
    assert len(place.stack.submits("the pooler dies")) == len(ids)
    until(lambda: set(ids) <= set(final_messages(account)), "the final messages")
    prove(account.tenant.pk)
    assert {name: process.pid for name, process in place.stack.processes.items()} == before


def all_answered(account: Account) -> bool:
    """Each connection that a process has kept may be found dead once."""
    return all(account.imagine("again").status_code == 200 for _ in range(10))


def test_commands_work_through_it(place: Place) -> None:
    """Those that take long are better asked of PostgreSQL itself: here a limit counts for them."""
    lines = ["from django.core.management import call_command"]
    lines += [f"call_command({name!r})" for name in ("doctor", "check")]
    run_there(place, *lines, "call_command('migrate', '--check', verbosity=0)")


def test_statements_are_prepared_where_it_keeps_them(place: Place, pooler: OwnPooler) -> None:
    """Since PgBouncer 1.21 they are; before that the product must not try."""
    said = run_there(
        place,
        "[sql.fetch_one('SELECT %s::int', (number,)) for number in range(3)]",
        "held = connection.connection",
        "print(len(held._prepared._names), held.prepare_threshold)",
    )
    assert said.split() == (["1", "0"] if pooler.can_prepare else ["0", "None"])


def run_there(place: Place, *lines: str) -> str:
    """What a process with the product's settings prints."""
    begins = (
        "import django; django.setup()",
        "from common import sql",
        "from django.db import connection",
        "from relay.lifecycle import tasks",
    )
    own = {"DATABASE_POOL_SIZE": "0", "DJANGO_SETTINGS_MODULE": "relay.settings"}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((*begins, *lines))],
        cwd=ROOT,
        env=place.stack.env | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_of_all_this_has_left_a_wrong_cent_anywhere(place: Place) -> None:
    pending = Callback.objects.filter(state=Callback.State.PENDING)
    until(lambda: not pending.exists(), "all messages", seconds=BACK_SECONDS)
    assert "prepared statement" not in "".join(map(place.stack.log, ("web", "worker")))
    prove()


def test_only_the_pooler_asks_for_limits(pooler: OwnPooler) -> None:
    with psycopg.connect(pooler.url, autocommit=True) as asked:
        names = ("jit", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        found = [row[0] for name in names for row in asked.execute(f"SHOW {name}")]
        mode = asked.execute("SHOW plan_cache_mode").fetchone()
    assert found == ["off", f"{STATEMENT_SECONDS}s", f"{STATEMENT_SECONDS}s", "1min"]
    assert mode == ("force_generic_plan" if pooler.can_prepare else "auto",)
