"""A web that is told to stop does so as soon as its requests have ended: it waits neither for those
who say nothing, nor for a worker that has not heard it."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.faults.place import Place, open_place
from tests.stack import Stack, wait_until

GRACE_SECONDS = 30
# Far below that, and enough for a machine that is busy.
SOON_SECONDS = 12


class Patient(Stack):
    """As deploy/systemd and the image have it; its sandbox answers a `zzhang` late."""

    @property
    def commands(self) -> dict[str, list[str]]:
        found = super().commands
        place = found["web"].index("--graceful-timeout")
        found["web"][place + 1] = str(GRACE_SECONDS)
        found["sandbox"] += ["--hang-seconds", "3"]
        return found


@pytest.fixture(scope="module")
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("stopping")
    env = {"UPSTREAM_SUBMIT_SECONDS": "10"}
    with open_place(folder, own_database_url, make=Patient, **env) as place:
        yield place


def stop(place: Place) -> float:
    """How long its master took."""
    process = place.stack.processes.pop("web")
    began = time.monotonic()
    process.terminate()
    assert process.wait(2 * GRACE_SECONDS) == 0
    return time.monotonic() - began


def test_connections_that_say_nothing_are_not_waited_for(place: Place) -> None:
    stack = place.stack
    with (
        requests.Session() as session,
        closing(connect(stack)) as new,
        closing(connect(stack)) as half,
    ):
        # Kept open after an answer; new; and one whose head has begun.
        assert session.get(f"{stack.url}/healthz", timeout=5).status_code == 200
        half.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert stop(place) < SOON_SECONDS
        assert new.recv(100) == b""
    stack.start("web")


def test_a_request_is_waited_for_and_its_connection_only_so_long(place: Place) -> None:
    account = place.account()
    with ThreadPoolExecutor(1) as pool, requests.Session() as session:
        url, body = f"{place.stack.url}/mj/submit/imagine", {"prompt": "zzhang"}
        answer = pool.submit(
            lambda: session.post(url, json=body, headers=account.headers, timeout=30)
        )
        wait_until(lambda: place.stack.submits("zzhang"), what="the submit at the upstream")
        seconds = stop(place)
    assert answer.result().status_code == 200
    assert 1 < seconds < SOON_SECONDS
    place.stack.start("web")


def test_a_worker_that_has_just_been_born_hears_it_too(place: Place) -> None:
    """Its own handlers come only after it has been patched by gevent."""
    for _ in range(3):
        if "web" in place.stack.processes:
            place.stack.stop("web")
        begun = place.stack.log("web").count("Booting worker")
        place.stack.spawn("web")
        wait_until(lambda n=begun: place.stack.log("web").count("Booting worker") > n)
        assert stop(place) < SOON_SECONDS
    place.stack.start("web")


def connect(stack: Stack) -> socket.socket:
    return socket.create_connection(("127.0.0.1", stack.port), timeout=GRACE_SECONDS)
