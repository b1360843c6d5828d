"""Limits of a test's customer, and what has been counted for it in the stack's Redis."""

from typing import Any

import redis
import requests

from billing.models import Tenant, Token
from tests.accounts import Account
from tests.api.shapes import assert_refused

RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def limit_key(account: Account, **fields: Any) -> Account:
    Token.objects.filter(pk=account.token.pk).update(**fields)
    return account


def limit_tenant(account: Account, **fields: Any) -> Account:
    Tenant.objects.filter(pk=account.tenant.pk).update(**fields)
    return account


def rate(answer: requests.Response) -> tuple[int, int, int] | None:
    """(limit, remaining, seconds until all is free) as an answer tells them, None if not."""
    told = [answer.headers.get(name) for name in RATE_HEADERS]
    if told == [None, None, None]:
        return None
    limit, remaining, reset = (int(value or "") for value in told)
    assert 0 <= remaining <= limit
    assert 0 <= reset <= 61
    return limit, remaining, reset


def told(answer: requests.Response) -> tuple[int, int]:
    """(limit, remaining) as the answer to a limited key tells them."""
    found = rate(answer)
    assert found is not None, answer.headers
    return found[:2]


def assert_limited(answer: requests.Response, kind: str, *, says: str = "") -> None:
    assert_refused(answer, 429, kind, code=23, says=says)
    assert int(answer.headers["Retry-After"]) > 0
    assert told(answer)[1] == 0


class Counts:
    """The counts of one tenant. Databases of test runs are new, Redis may remember the last."""

    def __init__(self, url: str, account: Account) -> None:
        self._client = redis.Redis.from_url(url, decode_responses=True)
        self._root = f"limits:{{{account.tenant.pk}}}"
        self._token = account.token.pk
        for name in self._client.scan_iter(f"{self._root}:*"):
            self._client.delete(name)

    def came(self, kind: str, *, age: float, number: int) -> None:
        """As if so many requests had come so many seconds ago: submits by the "key", or a
        "fetch"."""
        seconds, micro = self._client.time()
        at = seconds + micro / 1e6 - age
        name = f"{self._root}:{kind}:{self._token}"
        self._client.hset(name, str(int(at)), f"{number}:{int(at % 1 * 1000)}")

    def number_waiting(self) -> int:
        return int(self._client.zcard(f"{self._root}:line:{self._token}"))

    def fill_line(self, number: int) -> None:
        """So many who wait, and are alive for a minute."""
        seconds, _ = self._client.time()
        name = f"{self._root}:line:{self._token}"
        members = [f"somebody {member}" for member in range(number)]
        self._client.zadd(name, dict.fromkeys(members, (seconds - 1) * 1000000))
        self._client.zadd(f"{name}:alive", dict.fromkeys(members, (seconds + 60) * 1000))
