"""The web is stopped by SIGTERM and started again on its port, twice, while clients submit: as an
upgrade on one machine has it. Whoever is answered has his task, once; whoever is not has none."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import psycopg
import pytest
import requests

from relay.models import Task
from tests.accounts import Account
from tests.faults.place import Place, finish_all, open_place
from tests.proofs import prove
from tests.stack import wait_until

CLIENTS = 16
RESTARTS = 2
# Answers of a client between two restarts that show that it works again.
BETWEEN = 5


@pytest.fixture(scope="module")
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("drain")
    with open_place(folder, own_database_url, web_workers=2) as place:
        yield place


@dataclass
class Submits:
    """What one client was told, by prompt: a task's id, or how it was turned away."""

    account: Account
    name: str
    over: Event
    answered: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        number = 0
        with requests.Session() as session:
            while not self.over.is_set():
                number += 1
                self._one(session, f"{self.name} prompt {number}")

    def _one(self, session: requests.Session, prompt: str) -> None:
        headers = {"Authorization": f"Bearer {self.account.key}"}
        url = f"{self.account.stack.url}/mj/submit/imagine"
        try:
            answer = session.post(url, json={"prompt": prompt}, headers=headers, timeout=30)
        except requests.ConnectionError as error:
            self.refused[prompt] = type(error).__name__
            # Who finds nobody tries again a little later.
            self.over.wait(0.05)
            return
        if answer.status_code == 200:
            self.answered[prompt] = answer.json()["result"]
        else:
            self.refused[prompt] = str(answer.status_code)


def test_a_restart_under_load_loses_no_submit(place: Place) -> None:
    account = place.account()
    over = Event()
    clients = [Submits(account, f"client-{number}", over) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        runs = [pool.submit(client.run) for client in clients]
        try:
            for _ in range(RESTARTS):
                await_answers(clients)
                place.stack.stop("web")
                place.stack.start("web")
            await_answers(clients)
        finally:
            over.set()
    for run in runs:
        run.result()
    answered = {prompt: task for client in clients for prompt, task in client.answered.items()}
    refused = {prompt: how for client in clients for prompt, how in client.refused.items()}
    assert refused, "nobody noticed the restarts"
    made = Counter(Task.objects.filter(tenant=account.tenant).values_list("prompt", flat=True))
    assert made == Counter(dict.fromkeys(answered, 1))
    # The flag is the relay's own, in this upstream's way to say the mode.
    drawn = (one["body"]["prompt"].removesuffix(" --fast") for one in place.stack.submits("prompt"))
    assert Counter(drawn) == made
    finish_all(account, answered.values(), seconds=60)
    prove(account.tenant.pk)


def await_answers(clients: list[Submits]) -> None:
    """Each has had some more."""
    wanted = [len(client.answered) + BETWEEN for client in clients]

    def have() -> bool:
        return all(
            len(client.answered) >= number for client, number in zip(clients, wanted, strict=True)
        )

    wait_until(have, seconds=60, what="answers for every client")


def test_code_without_its_schema_is_alive_but_not_ready(place: Place) -> None:
    """A load balancer leaves the old code's processes in place until the schema is the new one's;
    nobody restarts the new ones meanwhile. A schema that is newer than the code is no fault."""

    def told() -> tuple[int, str]:
        answer = requests.get(f"{place.stack.url}/readyz", timeout=9)
        return answer.status_code, answer.json()["database"]

    def all_say(*wanted: object) -> None:
        """Each process keeps its answer for a second."""
        wait_until(lambda: {told() for _ in range(12)} == {wanted}, seconds=15, what=str(wanted))

    with psycopg.connect(place.stack.env["DATABASE_URL"], autocommit=True) as database:
        all_say(200, "ok")
        number = database.execute(
            "UPDATE django_migrations SET name = 'x' || name WHERE app = 'channels'"
        ).rowcount
        try:
            all_say(503, f"{number} migrations are missing")
            assert requests.get(f"{place.stack.url}/healthz", timeout=9).status_code == 200
        finally:
            database.execute(
                "UPDATE django_migrations SET name = substr(name, 2) WHERE app = 'channels'"
            )
            # From the next release.
            newer = "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())"
            database.execute(newer, ("channels", "9999_newer"))
        all_say(200, "ok")
