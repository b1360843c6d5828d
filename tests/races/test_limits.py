"""Limits with two web processes and many clients at once, and with a Redis that comes and goes."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from billing.models import Entry, Token
from tests.accounts import Account, open_account
from tests.faults.servers import OwnRedis
from tests.limits import limit_key, limit_tenant
from tests.proofs import prove
from tests.races.together import raised, together
from tests.stack import Stack, wait_until

HANGS = "zzslow"
CLIENTS = 200


@dataclass
class Place:
    """Two web processes with a Redis of their own; worker and sandbox are everybody's."""

    web: Stack
    redis: OwnRedis

    def account(self) -> Account:
        return open_account(self.web)

    def metrics(self) -> dict[str, float]:
        """Value by name and labels."""
        text = requests.get(f"{self.web.url}/metrics", timeout=10).text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def decided(self, outcome: str, *, source: str, kind: str = "submit") -> float:
        labels = f'kind="{kind}",outcome="{outcome}",source="{source}"'
        return self.metrics().get(f"relay_limit_decisions_total{{{labels}}}", 0)


@pytest.fixture(scope="module")
def place(
    stack: Stack, stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("limits")
    own_redis = OwnRedis()
    env = stack_env | {"REDIS_URL": own_redis.url, "RELAY_VAR": str(folder)}
    web = Stack(folder=folder, env=env, drawing_seconds=0.4, web_workers=2)
    web.sandbox_url = stack.sandbox_url
    own_redis.start()
    web.start("web")
    assert web.log("web").count("Booting worker") == 2
    yield Place(web, own_redis)
    web.kill("web")
    own_redis.remove()


def submit_all(account: Account, number: int, prompt: str = "a lighthouse") -> Counter[str]:
    """So many at the same moment: how many got which answer."""
    answers = together([lambda: account.imagine(prompt)] * number)
    assert not raised(answers), raised(answers)[:3]
    kinds = Counter(kind(answer) for answer in answers)
    assert "unavailable" not in kinds, account.stack.log("web")[-3000:]
    return kinds


def kind(answer: requests.Response) -> str:
    return "accepted" if answer.status_code == 200 else str(answer.json()["type"])


def test_exactly_as_many_as_the_rate_allows(place: Place) -> None:
    account = limit_key(place.account(), rpm=20)
    assert submit_all(account, CLIENTS) == {"accepted": 20, "rate_limited": CLIENTS - 20}
    assert account.written["tasks"] == 20
    # Both processes have counted, and whichever is asked knows it of both.
    assert place.decided("allowed", source="redis") == 20
    assert place.decided("refused", source="redis") == CLIENTS - 20
    assert place.metrics()["relay_limits_degraded"] == 0


def test_a_redis_that_has_forgotten_the_script_is_told_it_again(place: Place) -> None:
    """Also when many ask together, each of whom it would refuse."""
    account = limit_key(place.account(), rpm=20)
    assert submit_all(account, 5) == {"accepted": 5}
    place.redis.client().script_flush()
    assert submit_all(account, CLIENTS) == {"accepted": 15, "rate_limited": CLIENTS - 15}
    assert place.decided("allowed", source="postgres") == 0


def test_two_keys_at_once_under_the_tenants_rate(place: Place) -> None:
    one = limit_tenant(limit_key(place.account(), rpm=15), rpm=20)
    other = limit_key(one.new_key(), rpm=15)
    answers = together([one.imagine, other.imagine] * 50)
    assert Counter(map(kind, answers)) == {"accepted": 20, "rate_limited": 80}
    # What the tenant's rate refused has taken no room from either key.
    limit_tenant(one, rpm=None)
    more = [submit_all(account, 20)["accepted"] for account in (one, other)]
    assert sum(more) == 15 + 15 - 20


def test_never_more_tasks_at_once_than_allowed(place: Place) -> None:
    account = limit_key(place.account(), concurrency=5)
    assert submit_all(account, 60, HANGS) == {"accepted": 5, "concurrency_limited": 55}
    account.token.refresh_from_db()
    assert account.token.open_holds == 5
    prove(account.tenant.pk)


def test_all_who_wait_are_served_and_never_more_at_once(place: Place) -> None:
    account = limit_key(place.account(), concurrency=4, queue_seconds=60)
    assert submit_all(account, 24) == {"accepted": 24}
    ids = [str(pk) for pk in account.token.task_set.values_list("pk", flat=True)]
    assert [account.finish(task_id)["status"] for task_id in ids] == ["SUCCESS"] * 24
    assert most_at_once(account) <= 4
    prove(account.tenant.pk)


def most_at_once(account: Account) -> int:
    """As the ledger has it: in the order of its ids, which is that of the wallet's lock."""
    under_way = most = 0
    entries = Entry.objects.filter(wallet=account.wallet, kind__in=("hold", "capture"))
    for entry in entries.order_by("id"):
        under_way += 1 if entry.kind == "hold" else -1
        most = max(most, under_way)
    return most


def test_a_key_is_disabled_for_both_processes_at_once(place: Place) -> None:
    account = place.account()
    assert submit_all(account, 10) == {"accepted": 10}
    Token.objects.filter(pk=account.token.pk).update(is_active=False)
    assert submit_all(account, 40) == {"invalid_api_key": 40}
    Token.objects.filter(pk=account.token.pk).update(is_active=True)
    assert submit_all(account, 10) == {"accepted": 10}


def test_without_redis_the_limit_is_kept_all_the_same(place: Place) -> None:
    """PostgreSQL does not know what Redis has counted, and Redis comes back empty: at most the
    limit once more each time."""
    account = limit_key(place.account(), rpm=10)
    assert submit_all(account, 50)["accepted"] == 10
    place.redis.kill()
    assert submit_all(account, 100) == {"accepted": 10, "rate_limited": 90}
    assert submit_all(account, 20) == {"rate_limited": 20}
    metrics = place.metrics()
    assert metrics["relay_limits_degraded"] == 1
    assert place.decided("allowed", source="postgres") == 10
    assert place.decided("refused", source="postgres") == 110
    place.redis.start()
    # By itself, and known without anybody asking for anything else.
    wait_until(lambda: place.metrics()["relay_limits_degraded"] == 0)
    wait_until(lambda: both_are_back(place))
    assert submit_all(account, 50)["accepted"] == 10
    assert submit_all(account, 50) == {"rate_limited": 50}
    log = place.web.log("web")
    assert 1 <= log.count("limits are counted in PostgreSQL, Redis fails") <= 2
    assert 1 <= log.count("limits are counted in Redis again") <= 2


def both_are_back(place: Place) -> bool:
    """Nobody counts in PostgreSQL any more."""
    account = place.account()
    before = place.decided("allowed", source="postgres", kind="fetch")
    together([lambda: account.request("GET", "/mj/task/list")] * 40)
    return place.decided("allowed", source="postgres", kind="fetch") == before


def test_nobody_queues_without_redis(place: Place) -> None:
    account = limit_key(place.account(), concurrency=1, queue_seconds=30)
    account.draw(HANGS)
    place.redis.kill()
    began = time.monotonic()
    assert submit_all(account, 5) == {"concurrency_limited": 5}
    assert time.monotonic() - began < 20
    place.redis.start()
    wait_until(lambda: both_are_back(place))


def test_a_redis_that_dies_leaves_nobody_waiting(place: Place) -> None:
    account = limit_key(place.account(), concurrency=1, queue_seconds=30)
    account.draw(HANGS)
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(account.imagine) for _ in range(3)]
        line = f"limits:{{{account.tenant.pk}}}:line:{account.token.pk}"
        wait_until(lambda: place.redis.client().zcard(line) == 3)
        place.redis.kill()
        began = time.monotonic()
        assert {kind(answer.result()) for answer in waiting} == {"concurrency_limited"}
        assert time.monotonic() - began < 20
    place.redis.start()
    wait_until(lambda: both_are_back(place))


def test_who_waits_is_answered_when_the_server_stops(place: Place) -> None:
    """The last one: it takes the web server down, and up again."""
    account = limit_key(place.account(), concurrency=1, queue_seconds=60)
    account.draw(HANGS)
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(account.imagine) for _ in range(8)]
        line = f"limits:{{{account.tenant.pk}}}:line:{account.token.pk}"
        wait_until(lambda: place.redis.client().zcard(line) == 8)
        before = account.written
        began = time.monotonic()
        place.web.stop("web")
        assert {kind(answer.result()) for answer in waiting} == {"concurrency_limited"}
        assert time.monotonic() - began < 20
    assert account.written == before
    place.web.start("web")
