"""One channel of twenty hangs while all have many tasks under way: the others do not notice.

`HANGING_CHANNEL_TASKS=10000 pytest tests/faults/test_hanging_channel.py -s` is the full size.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
import urllib3
from django.db import connection
from django.utils import timezone

from billing.models import PriceRule
from billing.pricing import Quote
from billing.tokens import authenticate
from channels import selection
from channels.adapters.base import Accepted
from common import sql
from relay import actions, lifecycle, signing
from relay.models import Task
from relay.submits import forwarding
from relay.submits.orders import Order, Price
from tests.accounts import Account, open_account
from tests.faults.place import Place, open_place, until
from tests.proofs import prove
from tests.stack import Stack

# Seconds are measured: nobody else is to be busy.
pytestmark = pytest.mark.alone

CHANNELS = 20
TASKS = int(os.environ.get("HANGING_CHANNEL_TASKS", "300"))
IS_FULL = TASKS >= 5000
# Long enough for all of them to be under way together.
DRAWING_SECONDS = 60 if IS_FULL else 5
POLL_SECONDS = 2
LIMIT_SECONDS = 2 * POLL_SECONDS
WORKERS = 3 if IS_FULL else 1


class Crowded(Stack):
    """Its sandbox draws as much as anybody likes."""

    @property
    def commands(self) -> dict[str, list[str]]:
        commands = super().commands
        commands["sandbox"][-3::2] = ["100000", "100000"]
        return commands


class Delay(NamedTuple):
    """From an upstream's finish to our store, in seconds."""

    channel: int
    number: int
    p50: float
    p99: float


@pytest.fixture
def place(own_database_url: str, tmp_path: Path) -> Iterator[Place]:
    times = {
        "POLL_TICK_SECONDS": str(POLL_SECONDS / 2),
        "POLL_MIN_SECONDS": str(POLL_SECONDS),
        "UPSTREAM_POLL_SECONDS": "15",
        "LOG_LEVEL": "WARNING",
    }
    with open_place(
        tmp_path, own_database_url, drawing_seconds=DRAWING_SECONDS, make=Crowded, **times
    ) as place:
        yield place


@pytest.fixture
def more_workers(place: Place, tmp_path: Path) -> Iterator[None]:
    """One process that polls has one core."""
    stacks = []
    for number in range(WORKERS - 1):
        folder = tmp_path / f"worker-{number}"
        folder.mkdir()
        stacks.append(Stack(folder=folder, env=place.stack.env, drawing_seconds=1))
        stacks[-1].start("worker")
    yield
    for stack in stacks:
        stack.kill("worker")


@pytest.fixture
def hanging_upstream(place: Place, tmp_path: Path) -> Iterator[Stack]:
    folder = tmp_path / "hanging"
    folder.mkdir()
    stack = Crowded(folder=folder, env=place.stack.env, drawing_seconds=DRAWING_SECONDS)
    stack.start("sandbox")
    yield stack
    stack.kill("sandbox")


def draw(account: Account, number: int) -> None:
    """Submits as the product makes them, without its web in between: all they need to be followed
    and paid. As many come as end, so that all are under way together, at every stage."""
    caller = authenticate(account.key)
    upstream = selection.load(account.channel.pk)
    rule = PriceRule.objects.filter(name="mj_imagine").latest("id")
    price = Price(Quote(rule.amount, rule.pk, "mj_imagine", "fast"), by_mode={})
    order = Order(action=actions.IMAGINE, mode="fast", prompt="a lighthouse")
    pool = urllib3.PoolManager()
    began = time.monotonic()
    for nth in range(number):
        time.sleep(max(began + nth * DRAWING_SECONDS / number - time.monotonic(), 0))
        row = lifecycle.begin(
            caller=caller,
            order=order,
            price=price,
            upstream=upstream,
            first_look=forwarding.first_look(),
        )
        state = signing.correlation(row.task_id)
        answer = pool.request(
            "POST",
            f"{upstream.base_url}/mj/submit/imagine",
            json={"prompt": order.prompt, "state": state},
        )
        accepted = Accepted(answer.json()["result"], milliseconds=1, raw="")
        forwarding.keep_accepted(task_id=row.task_id, attempt_id=row.attempt_id, accepted=accepted)
        sql.release_connection()


def delays(accounts: list[Account]) -> list[Delay]:
    statement = """
        SELECT channel_id, count(*),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
               percentile_cont(0.99) WITHIN GROUP (ORDER BY took)
        FROM (
            SELECT channel_id, extract(epoch FROM changed_at)::float8 - finish_time / 1000.0 AS took
            FROM relay_task WHERE status = 'SUCCESS' AND channel_id = ANY(%s)
        ) task GROUP BY 1 ORDER BY 4 DESC"""
    with connection.cursor() as cursor:
        cursor.execute(statement, [[account.channel.pk for account in accounts]])
        return [Delay(*row) for row in cursor]


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("more_workers")
def test_one_of_twenty_channels_hangs(place: Place, hanging_upstream: Stack) -> None:
    hanging = open_account(
        place.stack, channel_url=f"{hanging_upstream.sandbox_url}/midjourney-proxy"
    )
    healthy = [open_account(place.stack) for _ in range(CHANNELS - 1)]
    turn(hanging_upstream, hang_polls=True)
    with ThreadPoolExecutor(CHANNELS) as threads:
        made = [threads.submit(draw, account, TASKS // CHANNELS) for account in [hanging, *healthy]]
        for one in made:
            one.result()
    live = Task.objects.live()
    healthy_ids = [account.channel.pk for account in healthy]
    print(f"\n{live.count()} tasks are under way when the last one is taken")
    until(
        lambda: not live.filter(channel__in=healthy_ids).exists(),
        "the ends",
        seconds=DRAWING_SECONDS * 3 + 30,
    )
    found = delays(healthy)
    for delay in found:
        print(
            f"channel {delay.channel}: {delay.number} tasks, finish to stored "
            f"p50 {delay.p50:.2f} s, p99 {delay.p99:.2f} s"
        )
    assert len(found) == CHANNELS - 1
    assert {delay.number for delay in found} == {TASKS // CHANNELS}
    assert max(delay.p99 for delay in found) < LIMIT_SECONDS
    # It has hung all the time, and loses nothing by it.
    assert live.filter(channel=hanging.channel).count() == TASKS // CHANNELS
    turn(hanging_upstream, hang_polls=False)
    live.update(next_poll_at=timezone.now())
    until(lambda: not live.exists(), "the ends of what hung", seconds=60)
    prove(*(account.tenant.pk for account in [hanging, *healthy]))


def turn(stack: Stack, **switches: object) -> None:
    answer = requests.post(f"{stack.sandbox_url}/sandbox/control", json=switches, timeout=5)
    assert answer.status_code == 200, answer.text
