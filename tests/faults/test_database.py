"""The database is gone for a while: refused as "unavailable", never as a wrong key or as no money,
and all goes on when it is back, without a restart of anything else."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
import requests

from relay.models import Callback, Task
from tests.accounts import Account
from tests.faults.place import Place, finish_all, hurry_tasks, open_place, until
from tests.faults.servers import OwnPostgres, own_postgres_server
from tests.proofs import prove

# Long enough for whoever tries again ever more rarely to be late.
GONE_SECONDS = 8
# How late a client may be served after the database is back, and that without asking twice.
BACK_SECONDS = 10


@pytest.fixture(scope="module")
def postgres(database: str) -> Iterator[OwnPostgres]:
    with own_postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def place(postgres: OwnPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("database")
    with open_place(folder, postgres.url, drawing_seconds=1) as place:
        yield place


@pytest.fixture
def account(place: Place) -> Account:
    return place.account()


class Clients:
    """Some who go on submitting and fetching all the time, and keep what they are told."""

    def __init__(self, account: Account, task_id: str) -> None:
        self.answers: list[requests.Response] = []
        self._over = Event()
        work: list[Callable[[], requests.Response]] = [
            lambda: account.imagine("while the database comes and goes"),
            lambda: account.request("GET", f"/mj/task/{task_id}/fetch"),
        ]
        self._threads = [Thread(target=self._repeat, args=(call,)) for call in work * 2]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def submits(self) -> list[requests.Response]:
        return [answer for answer in list(self.answers) if answer.request.method == "POST"]

    def fetches(self) -> list[requests.Response]:
        return [answer for answer in list(self.answers) if answer.request.method == "GET"]

    def are_served(self) -> bool:
        return all(
            len(of_kind) > 3 and all(answer.status_code == 200 for answer in of_kind[-3:])
            for of_kind in (self.submits(), self.fetches())
        )

    def are_refused(self) -> bool:
        """Whether some of each kind have been."""
        return all(
            any(answer.status_code != 200 for answer in of_kind)
            for of_kind in (self.submits(), self.fetches())
        )

    def _repeat(self, call: Callable[[], requests.Response]) -> None:
        while not self._over.wait(0.05):
            self.answers.append(call())


def readiness(place: Place) -> int:
    return requests.get(f"{place.stack.url}/readyz", timeout=10).status_code


def assert_unavailable(answer: requests.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"] == "unavailable"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_crash_of_the_database(place: Place, postgres: OwnPostgres, account: Account) -> None:
    first = account.draw("before the crash", notifyHook=place.hook(account))
    with Clients(account, first) as clients, ThreadPoolExecutor() as threads:
        until(clients.are_served, "good answers before")
        # Begun before it and accepted during it: their outcome has nowhere to be stored.
        prompt = "zzhang zzmute crash in the middle"
        hung = [threads.submit(account.imagine, prompt) for _ in range(5)]
        until(lambda: len(account.stack.submits(prompt)) == 5, "the hung submits")
        postgres.kill()
        killed = time.monotonic()
        assert requests.get(f"{place.stack.url}/healthz", timeout=5).status_code == 200
        # A connection may outlive the server by a moment.
        until(lambda: readiness(place) == 503, "the word that it is not ready")
        time.sleep(max(killed + GONE_SECONDS - time.monotonic(), 0))
        assert not clients.are_served()
        postgres.start()
        until(clients.are_served, "good answers after", seconds=BACK_SECONDS)
    for kind in (clients.submits(), clients.fetches()):
        refused = [answer for answer in kind if answer.status_code != 200]
        assert refused
        for answer in refused:
            assert_unavailable(answer)
    prove(account.tenant.pk)

    assert_all_was_kept(account, clients, [task.result() for task in hung], first, prompt)


def assert_all_was_kept(
    account: Account, clients: Clients, sent: list[requests.Response], first: str, prompt: str
) -> None:
    """What was accepted exists and is drawn, though for some it must be searched for. What was
    begun and refused in the middle ends too, and its money is free. `sent`: the submits that were
    under way; with the `first` one they are all that upstreams got with this `prompt`."""
    assert {answer.status_code for answer in sent} == {200}
    answers = [*clients.submits(), *sent]
    accepted = {answer.json()["result"] for answer in answers if answer.status_code == 200}
    ids = {
        str(pk) for pk in Task.objects.filter(tenant=account.tenant).values_list("pk", flat=True)
    }
    assert accepted | {first} <= ids
    hurry_tasks(*ids)
    ended = finish_all(account, ids, seconds=30)
    assert {ended[task_id] for task_id in accepted | {first}} == {"SUCCESS"}
    assert len(account.stack.submits(prompt)) == 5
    until(lambda: account.callback(first).state == Callback.State.DELIVERED, "the final message")
    assert account.wallet.held == 0
    prove(account.tenant.pk)
