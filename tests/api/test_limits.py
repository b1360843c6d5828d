"""Rates and concurrency as a tenant sees them: what is told, what is refused."""

import pytest
import requests

from billing import tokens
from tests.accounts import Account
from tests.api.shapes import assert_accepted
from tests.limits import Counts, assert_limited, limit_key, limit_tenant, rate, told

HANGS = "zzslow"
FETCH_RPM = 6000


@pytest.fixture
def counts(account: Account, stack_env: dict[str, str]) -> Counts:
    return Counts(stack_env["REDIS_URL"], account)


@pytest.fixture(autouse=True)
def forgotten(counts: Counts) -> None:
    """Nothing is counted yet."""


def usage(account: Account) -> requests.Response:
    return account.request("GET", "/v1/dashboard/billing/usage")


# -- Rates -----------------------------------------------------------------------------------------


def test_a_key_without_limits_is_told_nothing_with_its_submits(account: Account) -> None:
    assert rate(account.imagine()) is None
    assert rate(account.imagine("")) is None


def test_a_rate_is_told_and_kept(account: Account) -> None:
    limit_key(account, rpm=3)
    answers = [account.imagine() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [told(answer) for answer in answers] == [(3, 2), (3, 1), (3, 0)]
    refused = account.imagine()
    assert_limited(refused, "rate_limited", says="this key may make 3 submits in 60 seconds")
    assert 50 <= int(refused.headers["Retry-After"]) <= 60
    assert account.written["tasks"] == 3


def test_what_is_refused_otherwise_tells_the_rate_too(account: Account) -> None:
    """A mistake counts like any other submit; what is answered before costs nothing."""
    limit_key(account, rpm=5)
    assert told(account.imagine("")) == (5, 4)
    assert told(account.imagine("zzban")) == (5, 3)
    broken = account.request("POST", "/mj/submit/imagine", data=b"{")
    assert (broken.status_code, told(broken)) == (400, (5, 3))
    key = {"Idempotency-Key": "once"}
    first, replay = (
        account.request("POST", "/mj/submit/imagine", json={"prompt": "a"}, headers=key)
        for _ in range(2)
    )
    assert (told(first), told(replay)) == ((5, 2), (5, 2))
    assert replay.headers["Idempotent-Replayed"] == "true"


def test_all_keys_of_a_tenant_share_its_rate(account: Account) -> None:
    limit_tenant(account, rpm=2)
    other = limit_key(account.new_key(), rpm=1)
    assert told(other.imagine()) == (1, 0)
    assert told(account.imagine()) == (2, 0)
    assert_limited(account.imagine(), "rate_limited", says="this tenant may make 2 submits")
    assert_limited(other.imagine(), "rate_limited")


def test_what_the_tenants_rate_refuses_does_not_count_for_the_key(account: Account) -> None:
    limit_tenant(limit_key(account, rpm=9), rpm=1)
    account.imagine()
    assert_limited(account.imagine(), "rate_limited", says="this tenant")
    limit_tenant(account, rpm=None)
    assert told(account.imagine()) == (9, 7)


def test_test_keys_take_no_room_from_live_ones(account: Account) -> None:
    limit_tenant(account, rpm=1)
    assert account.imagine().status_code == 200
    token, key = tokens.make(tenant=account.tenant, name="test", is_test=True)
    test = Account(account.stack, account.tenant, token, key, account.channel)
    # No channel draws for test keys here, but the limit has let it through.
    assert told(test.imagine()) == (1, 0)
    assert_limited(test.imagine(), "rate_limited")
    assert_limited(account.imagine(), "rate_limited")


def test_every_query_tells_its_own_rate(account: Account) -> None:
    task_id = account.draw()
    answers = [
        account.request("GET", f"/mj/task/{task_id}/fetch"),
        account.request("POST", "/mj/task/list-by-condition", json={"ids": [task_id]}),
        account.request("GET", "/mj/task/list"),
        account.request("GET", "/mj/task/queue"),
        account.request("GET", "/mj/task/1/image-seed"),
        account.request("GET", "/v1/models"),
        account.request("GET", "/api/usage/token"),
        usage(account),
    ]
    left = [told(answer)[1] for answer in answers]
    assert left == [FETCH_RPM - number for number in range(1, len(answers) + 1)]


def test_queries_have_a_limit_of_their_own(account: Account, counts: Counts) -> None:
    limit_key(account, rpm=2)
    counts.came("fetch", age=30, number=FETCH_RPM - 1)
    assert told(usage(account)) == (FETCH_RPM, 0)
    refused = usage(account)
    assert_limited(refused, "rate_limited", says="this key may make 6000 queries in 60 seconds")
    assert 25 <= int(refused.headers["Retry-After"]) <= 30
    assert told(account.imagine()) == (2, 1)
    assert usage(account.new_key()).status_code == 200


# -- Concurrency -----------------------------------------------------------------------------------


def test_so_many_tasks_at_once_and_not_one_more(account: Account) -> None:
    limit_key(account, concurrency=2)
    first, _ = account.draw("a lighthouse"), account.draw(HANGS)
    refused = account.imagine()
    assert_limited(refused, "concurrency_limited", says="this key may have 2 tasks under way")
    assert told(refused) == (2, 0)
    account.finish(first)
    assert_accepted(account.imagine())


def test_all_keys_of_a_tenant_share_its_concurrency(account: Account) -> None:
    limit_tenant(account, concurrency=1)
    account.draw(HANGS)
    assert_limited(account.new_key().imagine(), "concurrency_limited", says="this tenant")
