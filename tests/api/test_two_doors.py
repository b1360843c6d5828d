"""A fetch at its usual address is answered without Django's requests; one at any other address goes
through all of Django. A client cannot tell which it was."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import pytest
import requests
from django.conf import LazySettings

from billing.models import Token
from relay.api.fetches import Fetches
from relay.api.urls import MJ_PREFIXES
from tests.accounts import Account
from tests.limits import Counts, limit_key, limit_tenant, rate, told

# What differs from answer to answer, and what only Django's views tell.
OWN = {"Date", "X-Request-Id", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "Allow"}
FETCH_RPM = 6000
OpenAnAccount = Callable[..., Account]


def ask(account: Account, path: str, headers: dict[str, str] | None = None) -> requests.Response:
    url = account.stack.url + path
    known = account.headers if headers is None else headers
    return requests.get(url, headers=known, timeout=10)


def both(
    account: Account, task_id: str, *, prefix: str = "mj", headers: dict[str, str] | None = None
) -> requests.Response:
    """The answer at the usual address, if it is the same at both."""
    path = f"/{prefix}/task/{task_id}/fetch"
    usual, other = (ask(account, each, headers) for each in (path, f"{path}/"))
    assert ("Allow" in usual.headers, "Allow" in other.headers) == (False, True)
    assert usual.status_code == other.status_code
    assert usual.content == other.content
    seen, also = (
        {name: value for name, value in each.headers.items() if name not in OWN}
        for each in (usual, other)
    )
    assert seen == also
    assert ("Retry-After" in usual.headers) == ("Retry-After" in other.headers)
    assert (rate(usual) is None) == (rate(other) is None)
    assert len(usual.headers["X-Request-Id"]) == 32
    return usual


@pytest.mark.parametrize("prefix", MJ_PREFIXES)
def test_a_task_is_shown_under_every_prefix(account: Account, prefix: str) -> None:
    task = account.finish(account.draw())
    answer = both(account, task["id"], prefix=prefix)
    assert (answer.status_code, answer.json()) == (200, task)


@pytest.mark.parametrize("name", ["Authorization", "mj-api-secret", "X-Api-Key"])
@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer  "])
def test_the_key_may_be_in_each_of_its_places(account: Account, name: str, scheme: str) -> None:
    task_id = account.draw()
    account.finish(task_id)
    assert both(account, task_id, headers={name: f"{scheme}{account.key}"}).status_code == 200


@pytest.mark.parametrize("task_id", ["1", "0", "9" * 18, "9" * 19, "9" * 400, "007"])
def test_what_is_no_task(account: Account, task_id: str) -> None:
    answer = both(account, task_id)
    assert (answer.status_code, answer.json()["type"]) == (404, "task_not_found")


def test_a_task_of_somebody_else(account: Account, open_an_account: OpenAnAccount) -> None:
    task_id = account.draw()
    account.finish(task_id)
    assert both(open_an_account(), task_id).json()["type"] == "task_not_found"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk-nobody"}, {"X-Api-Key": ""}])
def test_nobody(account: Account, headers: dict[str, str]) -> None:
    answer = both(account, account.draw(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "invalid_api_key")


def test_those_who_may_not(account: Account) -> None:
    task_id = account.draw()
    account.finish(task_id)
    limit_key(account, addresses=["10.0.0.0/8"])
    assert both(account, task_id).json()["type"] == "ip_not_allowed"
    limit_key(account, addresses=[])
    limit_tenant(account, is_active=False)
    assert both(account, task_id).json()["type"] == "tenant_disabled"
    limit_tenant(account, is_active=True)
    Token.objects.filter(pk=account.token.pk).update(is_active=False)
    assert both(account, task_id).json()["type"] == "invalid_api_key"


def test_who_asks_too_often(account: Account, stack_env: dict[str, str]) -> None:
    task_id = account.draw()
    account.finish(task_id)
    Counts(stack_env["REDIS_URL"], account).came("fetch", age=10, number=FETCH_RPM)
    answer = both(account, task_id)
    assert (answer.status_code, answer.json()["type"]) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) > 0


def test_each_counts_once(account: Account) -> None:
    task_id = account.draw()
    account.finish(task_id)
    # Two each time; the second time for a task that is none.
    before, after = (told(both(account, each))[1] for each in (task_id, "1"))
    assert before - after == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_left_to_django(account: Account, method: str) -> None:
    answer = requests.request(
        method, f"{account.stack.url}/mj/task/1/fetch", headers=account.headers, timeout=10
    )
    assert answer.status_code == {"OPTIONS": 204, "HEAD": 404}.get(method, 405)


# -- Where only https is served --------------------------------------------------------------------


def headers_of(fetches: Fetches, scheme: str) -> dict[str, str] | None:
    """Of an answer; None when it was left to Django."""
    heads: list[dict[str, str]] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/mj/task/1/fetch",
        "wsgi.url_scheme": scheme,
        "wsgi.input": BytesIO(),
    }
    list(fetches(environ, lambda status, headers: heads.append(dict(headers))))
    return heads[0] if heads else None


def left(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    return []


def test_https_only(settings: LazySettings, database: str) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 3600
    fetches = Fetches(left)
    assert headers_of(fetches, "http") is None
    answer = headers_of(fetches, "https")
    assert answer is not None
    assert answer["Strict-Transport-Security"] == "max-age=3600"
