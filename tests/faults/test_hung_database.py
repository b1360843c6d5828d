"""A PostgreSQL that hangs: it holds its connections and says nothing any more. Everybody is
answered, soon enough; nothing is lost or doubled, and nobody needs a restart when it goes on."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.accounts import Account
from tests.faults.place import Place, open_place, until
from tests.faults.servers import OwnPostgres, own_postgres_server
from tests.faults.test_database import Clients, assert_all_was_kept, assert_unavailable
from tests.proofs import prove

STATEMENT_SECONDS = 2
HUNG_SECONDS = 12
# The statement, what we give the server beyond it, the wait for a connection of the pool or for the
# upstream before, and the noise of a busy machine.
ANSWER_SECONDS = STATEMENT_SECONDS + 2 + 5 + 2
READY_SECONDS = 4
# How late a client may be served after the database goes on, and that without asking twice.
BACK_SECONDS = 15


@pytest.fixture(scope="module")
def postgres(database: str) -> Iterator[OwnPostgres]:
    with own_postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def place(postgres: OwnPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("hung")
    times = {"DATABASE_STATEMENT_SECONDS": str(STATEMENT_SECONDS)}
    with open_place(folder, postgres.url, drawing_seconds=1, **times) as place:
        yield place


@pytest.fixture
def account(place: Place) -> Account:
    return place.account()


def readiness(place: Place) -> int:
    """In time for a load balancer."""
    return requests.get(f"{place.stack.url}/readyz", timeout=READY_SECONDS).status_code


def test_a_database_that_hangs(place: Place, postgres: OwnPostgres, account: Account) -> None:
    first = account.draw("before it hangs", notifyHook=place.hook(account))
    with Clients(account, first) as clients, ThreadPoolExecutor() as threads:
        until(clients.are_served, "good answers before")
        # Accepted while it hangs: their outcome has nowhere to be stored.
        prompt = "zzhang zzmute it hangs in the middle"
        sent = [threads.submit(account.imagine, prompt) for _ in range(5)]
        until(lambda: len(account.stack.submits(prompt)) == 5, "the submits in the middle")
        postgres.suspend()
        try:
            hung = time.monotonic()
            assert requests.get(f"{place.stack.url}/healthz", timeout=5).status_code == 200
            until(lambda: readiness(place) == 503, "the word that it is not ready", seconds=10)
            until(clients.are_refused, "a refusal of each kind", seconds=ANSWER_SECONDS)
            time.sleep(max(hung + HUNG_SECONDS - time.monotonic(), 0))
            assert not clients.are_served()
        finally:
            postgres.resume()
        until(clients.are_served, "good answers after", seconds=BACK_SECONDS)
    middle = [task.result() for task in sent]
    for kind in (clients.submits(), clients.fetches()):
        refused = [answer for answer in kind if answer.status_code != 200]
        assert refused
        for answer in refused:
            assert_unavailable(answer)
    slowest = max(answer.elapsed.total_seconds() for answer in [*clients.answers, *middle])
    assert slowest < ANSWER_SECONDS
    prove(account.tenant.pk)

    # What was refused may have been begun all the same: the server did what it had been asked when
    # it went on.
    assert_all_was_kept(account, clients, middle, first, prompt)
