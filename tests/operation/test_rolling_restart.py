"""An upgrade while everybody works: the two webs of deploy/systemd are restarted one after the
other, and the workers too. No request fails, none is done twice."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from relay.models import CallbackAttempt, Task
from tests.accounts import Account, open_account
from tests.faults.place import Place, finish_all, open_place
from tests.operation.crowd import Crowd, crowd
from tests.operation.units import Unit, command, read
from tests.proofs import prove
from tests.stack import Stack, wait_until

# The upstream takes so long for each of the slow ones' submits.
UPSTREAM_SECONDS = 1.0
SLOW = "zzhang"
CLIENTS = 4
IDLE_CONNECTIONS = 20
RESTARTS = 2
# So many answers between two restarts show that both webs serve.
BETWEEN = 12


class SlowUpstream(Stack):
    """Its sandbox answers a `zzhang` late, as an upstream under load does."""

    @property
    def commands(self) -> dict[str, list[str]]:
        found = super().commands
        found["sandbox"] += ["--hang-seconds", str(UPSTREAM_SECONDS)]
        return found


@pytest.fixture(scope="module")
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("rolling")
    env = {"UPSTREAM_SUBMIT_SECONDS": "10", "RELAY_VAR": str(folder / "var")}
    with open_place(folder, own_database_url, make=SlowUpstream, **env) as place:
        # The units have the address instead.
        place.stack.stop("web")
        yield place


@pytest.fixture(scope="module")
def listener(place: Place) -> Iterator[socket.socket]:
    """relay-web.socket."""
    with closing(socket.socket()) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", place.stack.port))
        made.listen(int(read("relay-web.socket")["Socket"]["Backlog"]))
        yield made


@pytest.fixture(scope="module")
def webs(place: Place, listener: socket.socket) -> Iterator[list[Unit]]:
    """relay-web@1 and relay-web@2."""
    env = {**place.stack.env, "WEB_CONCURRENCY": "1"}
    words = command("relay-web@.service")
    made = [
        Unit(words, env, place.stack.folder / f"web{number}.log", listener) for number in (1, 2)
    ]
    try:
        for unit in made:
            unit.start()
        yield made
    finally:
        for unit in made:
            unit.kill()


class SlowCrowd(Crowd):
    """Each of its submits is a second under way."""

    def _submit(self, session: requests.Session, prompt: str) -> None:
        super()._submit(session, f"{SLOW} {prompt}")


def test_both_webs_restarted_under_load_fail_no_request(place: Place, webs: list[Unit]) -> None:
    fast, slow = place.account(funds="1000"), place.account(funds="1000")
    stay = idle_connections(place.stack.port)
    with crowd(fast, size=CLIENTS) as quick, crowd(slow, size=CLIENTS, make=SlowCrowd) as patient:
        for _ in range(RESTARTS):
            for unit in webs:
                await_more(quick, patient)
                began = time.monotonic()
                unit.restart()
                # It waits for requests, not for connections that say nothing.
                assert time.monotonic() - began < 20
        await_more(quick, patient)
    for connection in stay:
        connection.close()
    assert quick.refused == patient.refused == []
    for account, clients in ((fast, quick), (slow, patient)):
        tasks = [task for _, task in clients.answered]
        made = Task.objects.filter(tenant=account.tenant).values_list("pk", flat=True)
        assert Counter(map(str, made)) == Counter(tasks)
        assert set(finish_all(account, tasks, seconds=90).values()) == {"SUCCESS"}
        prove(account.tenant.pk)
    drawn = [one["body"]["prompt"] for one in place.stack.submits("prompt")]
    assert len(drawn) == len(set(drawn)) == len(quick.answered) + len(patient.answered)


def test_workers_stopped_in_the_midst_of_it_look_and_deliver_no_less_and_no_more(
    place: Place, webs: list[Unit]
) -> None:
    """A receiver takes a second for each message, so some are always on their way."""
    account = open_account(place.stack, funds="1000")
    hook = place.stack.inbox_url(account.tenant.name, "?sleep=1")
    tasks = []
    for number in range(4 * RESTARTS):
        tasks += [account.draw(f"told {number} {each}", notifyHook=hook) for each in range(4)]
        if number % 4 == 3:
            wait_until(lambda: under_way(account), what="a callback on its way")
            place.stack.stop("worker")
            assert not under_way(account), "it was dropped in its midst"
            place.stack.start("worker")
    finish_all(account, tasks, seconds=60)

    def told() -> bool:
        return all(account.callback(task).state == "delivered" for task in tasks)

    wait_until(told, seconds=60, what="all callbacks")
    numbers = CallbackAttempt.objects.filter(
        callback__tenant=account.tenant, callback__is_final=True
    ).values_list("callback_id", flat=True)
    assert max(Counter(numbers).values()) == 1
    assert len(numbers) == len(tasks)
    prove(account.tenant.pk)


def idle_connections(port: int) -> list[socket.socket]:
    """As a proxy keeps them open, and browsers that mean to ask something soon."""
    return [socket.create_connection(("127.0.0.1", port)) for _ in range(IDLE_CONNECTIONS)]


def await_more(*crowds: Crowd) -> None:
    wanted = [len(each.answered) + BETWEEN for each in crowds]

    def have() -> bool:
        return all(
            len(each.answered) >= number for each, number in zip(crowds, wanted, strict=True)
        )

    wait_until(have, seconds=60, what="answers for everybody")


def under_way(account: Account) -> int:
    """Messages that a receiver has been sent and has not answered: the sandbox counts them."""
    posts = account.stack.inbox(account.tenant.name)
    done = CallbackAttempt.objects.filter(callback__tenant=account.tenant).count()
    return len(posts) - done
