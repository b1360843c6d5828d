"""Redis or RabbitMQ between beat and workers: it dies, hangs, comes back empty, and so do those who
use it. Nobody is started again but who has died; all that was due gets done."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import pytest
import redis
import requests
from kombu.connection import Connection

from relay.models import Callback, Task
from relay.serving import broker
from tests.accounts import Account
from tests.faults.place import Place, end_leases, open_place, until
from tests.faults.rabbit import OwnRabbit
from tests.faults.servers import OwnRedis
from tests.faults.test_kills import assert_all_drawn_and_told, control, draw, final_messages
from tests.proofs import prove

DRAWING_SECONDS = 1
HUNG_SECONDS = 4
QUICK_SECONDS = 10
# Of a message whose receiver takes its time.
TRY_SECONDS = 5
# Celery tries again after 2, 4, 6... seconds; RabbitMQ takes a while to start.
BACK_SECONDS = 60


class Broker(Protocol):
    url: str

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def suspend(self) -> None: ...
    def resume(self) -> None: ...
    def remove(self) -> None: ...


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def server(request: pytest.FixtureRequest) -> Iterator[Broker]:
    made = OwnRedis() if request.param == "redis" else OwnRabbit()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def url(server: Broker) -> str:
    return server.url.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")


@pytest.fixture(scope="module")
def place(
    server: Broker, url: str, own_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("broker")
    with open_place(
        folder,
        own_database_url,
        drawing_seconds=DRAWING_SECONDS,
        CELERY_BROKER_URL=url,
        CALLBACK_TIMEOUT_SECONDS=str(2 * TRY_SECONDS),
    ) as place:
        yield place


@pytest.fixture
def account(place: Place) -> Account:
    return place.account()


@contextmanager
def nobody_is_started_again(place: Place) -> Iterator[None]:
    before = {name: process.pid for name, process in place.stack.processes.items()}
    yield
    for name, process in place.stack.processes.items():
        assert process.poll() is None, f"{name} has ended\n{place.stack.log(name)[-3000:]}"
        assert process.pid == before[name]


def lengths(url: str) -> dict[str, int]:
    with Connection(url) as connection:
        found = {}
        for queue in broker.QUEUES:
            with connection.channel() as channel:
                found[queue] = broker.length(channel, queue)
        return found


def ended(account: Account, ids: list[str]) -> bool:
    live = Task.objects.filter(tenant=account.tenant, pk__in=ids).exclude(status="SUCCESS")
    return not live.exists()


def test_tasks_are_drawn_and_told(place: Place, account: Account) -> None:
    with nobody_is_started_again(place):
        ids = draw(account, place, "a broker")
        assert_all_drawn_and_told(account, ids, "a broker")


def test_it_dies_and_comes_back_empty(place: Place, account: Account, server: Broker) -> None:
    with nobody_is_started_again(place):
        ids = draw(account, place, "the broker dies", tasks=5)
        server.kill()
        began = time.monotonic()
        ids += draw(account, place, "the broker dies", tasks=5)
        # Not one time-out after the other.
        assert time.monotonic() - began < QUICK_SECONDS
        assert requests.get(f"{place.stack.url}/readyz", timeout=5).status_code == 200
        metrics = requests.get(f"{place.stack.url}/metrics", timeout=10).text
        assert "relay_broker_up 0.0" in metrics
        time.sleep(HUNG_SECONDS)
        server.start()
        until(lambda: ended(account, ids), "the end of all", seconds=BACK_SECONDS)
        assert_all_drawn_and_told(account, ids, "the broker dies")


def test_what_is_under_way_goes_on_without_it(
    place: Place, account: Account, server: Broker
) -> None:
    """Else the worker would stand still in the middle of transactions, and others wait for them."""
    with nobody_is_started_again(place):
        task_id = account.draw("zzfail", notifyHook=place.hook(account, f"?sleep={TRY_SECONDS}"))
        until(lambda: final_messages(account), "the message at its receiver")
        assert not account.tries(task_id)
        server.kill()
        try:
            until(lambda: account.tries(task_id), "the end of the try")
        finally:
            server.start()
        assert account.callback(task_id).state == "delivered"
        more = draw(account, place, "the broker is back", tasks=1)
        until(lambda: ended(account, more), "the end of one more", seconds=BACK_SECONDS)


def test_it_hangs_and_goes_on(place: Place, account: Account, server: Broker) -> None:
    with nobody_is_started_again(place):
        ids = draw(account, place, "the broker hangs", tasks=3)
        server.suspend()
        try:
            ids += draw(account, place, "the broker hangs", tasks=3)
            began = time.monotonic()
            metrics = requests.get(f"{place.stack.url}/metrics", timeout=60).text
            assert "relay_broker_up 0.0" in metrics
            assert time.monotonic() - began < QUICK_SECONDS
            time.sleep(HUNG_SECONDS)
        finally:
            server.resume()
        until(lambda: ended(account, ids), "the end of all", seconds=BACK_SECONDS)
        assert_all_drawn_and_told(account, ids, "the broker hangs")


def test_a_worker_dies_with_a_job_in_its_hands(place: Place, account: Account, url: str) -> None:
    """The message of the job is still there for somebody else."""
    prompt = "a worker dies"
    ids = draw(account, place, prompt, tasks=3)
    control(place, hang_polls=True)
    try:
        leased = Task.objects.filter(pk__in=ids, leased_until__isnull=False)
        until(leased.exists, "a look that hangs")
        place.kill("worker")
        until(lambda: kept(url) > 0, "the message that was not acknowledged")
    finally:
        control(place, hang_polls=False)
    place.stack.start("worker")
    end_leases(account, ids)
    until(lambda: ended(account, ids), "the end of all", seconds=BACK_SECONDS)
    assert_all_drawn_and_told(account, ids, prompt)


def kept(url: str) -> int:
    """Messages that a worker had taken and not done: RabbitMQ puts them back at once, in Redis
    they wait beside the queues until they are missed."""
    if not broker.is_redis(url):
        return lengths(url)["poll"]
    path = url.removeprefix("redis+socket://").partition("?")[0]
    with redis.Redis(unix_socket_path=path) as client:
        return int(client.hlen("unacked"))


def test_without_workers_its_queues_are_seen_and_do_not_grow_for_ever(
    place: Place, account: Account, url: str
) -> None:
    place.kill("worker")
    try:
        until(lambda: all(lengths(url).values()), "messages in all queues", seconds=30)
        metrics = requests.get(f"{place.stack.url}/metrics", timeout=10).text
        waiting = [line for line in metrics.splitlines() if line.startswith("relay_queue_messages")]
        assert len(waiting) == len(broker.QUEUES)
        assert all(float(line.split()[-1]) > 0 for line in waiting)
        message = oldest(url, "default")
        assert message.headers["expires"]
        if not broker.is_redis(url):
            # After that RabbitMQ throws it away; for Redis see tests/relay/test_beat.py.
            assert message.properties["expiration"] == str(broker.MESSAGE_SECONDS * 1000)
            assert message.properties["delivery_mode"] == 1
    finally:
        place.stack.start("worker")
    ids = draw(account, place, "workers again", tasks=3)
    until(lambda: ended(account, ids), "the end of all", seconds=BACK_SECONDS)
    assert_all_drawn_and_told(account, ids, "workers again")


def oldest(url: str, queue: str):
    with Connection(url) as connection, connection.channel() as channel:
        message = channel.basic_get(queue)
        assert message is not None
        return message


def test_nothing_of_all_this_has_left_a_wrong_cent_anywhere(place: Place) -> None:
    until(
        lambda: not Callback.objects.filter(state=Callback.State.PENDING).exists(), "all messages"
    )
    prove()
