"""Submits of a key that queues: they wait for room, in their order, and nothing is lost by it."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from billing.limits.turns import LINE_MAX
from billing.models import Token
from channels.models import Channel
from relay.models import Task
from tests.accounts import Account
from tests.api.shapes import assert_accepted, assert_refused
from tests.api.upstreams import Upstream
from tests.limits import Counts, assert_limited, limit_key, limit_tenant, told
from tests.proofs import prove
from tests.stack import Stack, wait_until

HANGS = "zzslow"


@pytest.fixture
def counts(account: Account, stack_env: dict[str, str]) -> Counts:
    """Nothing is counted yet."""
    return Counts(stack_env["REDIS_URL"], account)


@pytest.fixture
def upstream(stack: Stack) -> Upstream:
    return Upstream(stack, Channel.Kind.TRUEAI)


@pytest.fixture(autouse=True)
def forgotten(counts: Counts) -> None:
    """Also for tests that look at no counts."""


def later(threads: ThreadPoolExecutor, counts: Counts, account: Account, **sent: Any) -> Future:
    """A submit that waits in the line when this returns."""
    before = counts.number_waiting()
    answer = threads.submit(
        account.request, "POST", "/mj/submit/imagine", json={"prompt": "a lighthouse"}, **sent
    )
    wait_until(lambda: counts.number_waiting() > before, what="a waiter")
    return answer


@pytest.mark.parametrize("limit", [limit_key, limit_tenant])
def test_a_submit_waits_for_room(account: Account, counts: Counts, limit: Any) -> None:
    limit(account, concurrency=1, queue_seconds=20)
    first = account.draw()
    began = time.monotonic()
    second = assert_accepted(account.imagine())
    assert 0 < time.monotonic() - began < 15
    assert account.fetch(first)["status"] == "SUCCESS"
    assert account.finish(second)["status"] == "SUCCESS"
    assert counts.number_waiting() == 0


def test_who_waits_holds_and_writes_nothing(account: Account, counts: Counts) -> None:
    limit_key(account, concurrency=1, queue_seconds=20)
    blocking = account.draw(HANGS)
    before = account.written
    key = {"Idempotency-Key": "once"}
    with ThreadPoolExecutor() as threads:
        waiting = later(threads, counts, account, headers=key)
        twin = account.request(
            "POST", "/mj/submit/imagine", json={"prompt": "a lighthouse"}, headers=key
        )
        assert_refused(twin, 409, "idempotency_in_progress")
        assert account.written == before
        end(blocking)
        task_id = assert_accepted(waiting.result())
    again = account.request(
        "POST", "/mj/submit/imagine", json={"prompt": "a lighthouse"}, headers=key
    )
    assert again.json()["result"] == task_id


def end(task_id: str) -> None:
    """Its time is over, whatever the upstream draws."""
    Task.objects.filter(pk=task_id).update(expires_at="2020-01-01T00:00:00Z")


def test_who_comes_first_goes_first(account: Account, counts: Counts) -> None:
    limit_key(account, concurrency=1, queue_seconds=30)
    blocking = account.draw(HANGS)
    with ThreadPoolExecutor() as threads:
        waiting = [later(threads, counts, account) for _ in range(3)]
        end(blocking)
        ids = [int(answer.result().json()["result"]) for answer in waiting]
    # Ids rise with time.
    assert ids == sorted(ids)


def test_a_wait_ends(account: Account) -> None:
    limit_key(account, concurrency=1, queue_seconds=1)
    account.draw(HANGS)
    began = time.monotonic()
    assert_limited(account.imagine(), "concurrency_limited")
    assert 0.9 <= time.monotonic() - began < 10
    assert account.written["tasks"] == 1


def test_a_submit_waits_for_its_rate(account: Account, counts: Counts) -> None:
    limit_key(account, rpm=2, queue_seconds=10)
    began = time.monotonic()
    counts.came("key", age=58.5, number=2)
    answer = account.imagine()
    assert_accepted(answer)
    assert told(answer) == (2, 1)
    assert 1.4 < time.monotonic() - began < 9


def test_nobody_waits_for_a_rate_that_does_not_come_in_time(
    account: Account, counts: Counts
) -> None:
    limit_key(account, rpm=1, queue_seconds=10)
    counts.came("key", age=20, number=1)
    began = time.monotonic()
    assert_limited(account.imagine(), "rate_limited")
    assert time.monotonic() - began < 8


def test_the_line_of_a_key_is_bounded(account: Account, counts: Counts) -> None:
    limit_key(account, concurrency=1, queue_seconds=30)
    account.draw(HANGS)
    counts.fill_line(LINE_MAX)
    began = time.monotonic()
    assert_limited(account.imagine(), "concurrency_limited")
    assert time.monotonic() - began < 8
    # Another key's line is another one.
    assert_accepted(account.new_key().imagine())


def test_a_key_that_is_disabled_while_it_waits_draws_nothing(
    account: Account, counts: Counts
) -> None:
    limit_key(account, concurrency=1, queue_seconds=20)
    blocking = account.draw(HANGS)
    with ThreadPoolExecutor() as threads:
        waiting = later(threads, counts, account)
        Token.objects.filter(pk=account.token.pk).update(is_active=False)
        end(blocking)
        assert_refused(waiting.result(), 401, "invalid_api_key")
    assert account.written["tasks"] == 1


def test_a_confirmation_waits_for_room_too(upstream: Upstream) -> None:
    account, single = upstream.account, upstream.single
    button = next(
        button["customId"]
        for button in single["buttons"]
        if button["customId"].startswith("MJ::Inpaint::")
    )
    pressed = {"taskId": single["id"], "customId": button}
    modal = account.request("POST", "/mj/submit/action", json=pressed).json()["result"]
    limit_key(account, concurrency=1, queue_seconds=20)
    drawing = account.draw()
    answer = account.request("POST", "/mj/submit/modal", json={"taskId": modal, "prompt": "a"})
    assert assert_accepted(answer) == modal
    assert account.fetch(drawing)["status"] == "SUCCESS"
    assert account.finish(modal)["status"] == "SUCCESS"
    prove(account.tenant.pk)
