"""Which key a request brings, and who is turned away (tenant-api, section 2)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from billing.models import Tenant, Token
from tests.accounts import Account
from tests.api.shapes import assert_accepted, assert_refused

ONE_TEXT = "invalid API key"
UNKNOWN = "sk-" + "x" * 48

Headers = dict[str, str]
HeadersOf = Callable[[str], Headers]


def ask(account: Account, headers: Headers) -> requests.Response:
    """A call that needs a key and nothing else."""
    return requests.get(
        f"{account.stack.url}/v1/dashboard/billing/usage", headers=headers, timeout=9
    )


def bare(key: str) -> str:
    return key.removeprefix("sk-")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(lambda key: {"Authorization": f"Bearer {key}"}, id="bearer"),
        pytest.param(lambda key: {"Authorization": f"bearer {key}"}, id="bearer-lower-case"),
        pytest.param(lambda key: {"Authorization": f"BEARER   {key} "}, id="bearer-and-spaces"),
        pytest.param(lambda key: {"Authorization": key}, id="raw"),
        pytest.param(lambda key: {"mj-api-secret": key}, id="mj-api-secret"),
        pytest.param(lambda key: {"MJ-API-SECRET": f"Bearer {key}"}, id="mj-api-secret-bearer"),
        pytest.param(lambda key: {"X-Api-Key": key}, id="x-api-key"),
        pytest.param(lambda key: {"Authorization": f"Bearer {bare(key)}"}, id="without-sk"),
        pytest.param(lambda key: {"mj-api-secret": bare(key)}, id="mj-api-secret-without-sk"),
        pytest.param(lambda key: {"Authorization": f"Bearer hk-{bare(key)}"}, id="another-prefix"),
        pytest.param(
            lambda key: {"Authorization": f"Bearer {key}", "mj-api-secret": key}, id="both-headers"
        ),
        pytest.param(
            lambda key: {"Authorization": "midjourney-proxy", "mj-api-secret": key},
            id="placeholder",
        ),
        pytest.param(
            lambda key: {"Authorization": "Bearer midjourney-proxy", "mj-api-secret": key},
            id="placeholder-as-bearer",
        ),
        # What a client sends whose first field was left empty.
        pytest.param(
            lambda key: {"Authorization": "Bearer ", "mj-api-secret": key}, id="empty-bearer"
        ),
        pytest.param(
            lambda key: {"Authorization": "", "mj-api-secret": "", "X-Api-Key": key}, id="empty"
        ),
    ],
)
def test_a_key_is_taken_from_every_header_that_clients_use(
    account: Account, headers: HeadersOf
) -> None:
    answer = ask(account, headers(account.key))
    assert answer.status_code == 200, answer.text


def test_the_first_header_decides(account: Account) -> None:
    wrong_first = {"Authorization": f"Bearer {UNKNOWN}", "mj-api-secret": account.key}
    assert_refused(ask(account, wrong_first), 401, "invalid_api_key")
    wrong_last = {"Authorization": f"Bearer {account.key}", "mj-api-secret": UNKNOWN}
    assert ask(account, wrong_last).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(lambda key: {}, id="none"),
        pytest.param(lambda key: {"Authorization": f"Bearer {UNKNOWN}"}, id="unknown"),
        pytest.param(lambda key: {"Authorization": f"Bearer {key[:-1]}"}, id="cut"),
        pytest.param(lambda key: {"Authorization": f"Bearer {key.swapcase()}"}, id="other-case"),
        pytest.param(lambda key: {"Authorization": "Bearer sk-"}, id="prefix-only"),
        pytest.param(lambda key: {"Authorization": "midjourney-proxy"}, id="placeholder-only"),
        pytest.param(lambda key: {"Authorization": f"Basic {key}"}, id="basic"),
        pytest.param(lambda key: {"Authorization": "Bearer sk-\u00e9\u00ff"}, id="latin-1"),
        pytest.param(lambda key: {"Authorization": "Bearer " + "a" * 4000}, id="long"),
        pytest.param(lambda key: {"X-Key": key}, id="unknown-header"),
    ],
)
def test_a_wrong_key_is_refused_with_one_text_for_all(account: Account, headers: HeadersOf) -> None:
    assert assert_refused(ask(account, headers(account.key)), 401, "invalid_api_key") == ONE_TEXT


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"is_active": False}, id="disabled"),
        pytest.param({"expires_at": timezone.now() - timedelta(seconds=1)}, id="expired"),
    ],
)
def test_a_key_that_was_good_is_refused_at_once_and_alike(
    account: Account, change: dict[str, object]
) -> None:
    assert ask(account, account.headers).status_code == 200
    Token.objects.filter(pk=account.token.pk).update(**change)
    assert assert_refused(ask(account, account.headers), 401, "invalid_api_key") == ONE_TEXT
    assert_refused(account.imagine(), 401, "invalid_api_key")
    assert account.written["tasks"] == 0


def test_a_key_that_expires_later_is_good(account: Account) -> None:
    later = timezone.now() + timedelta(minutes=1)
    Token.objects.filter(pk=account.token.pk).update(expires_at=later)
    assert ask(account, account.headers).status_code == 200


def test_a_disabled_tenant_is_told_so(account: Account) -> None:
    Tenant.objects.filter(pk=account.tenant.pk).update(is_active=False)
    before = account.written
    assert_refused(account.imagine(), 403, "tenant_disabled", says="disabled")
    assert_refused(ask(account, account.headers), 403, "tenant_disabled")
    assert account.written == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/mj/submit/imagine"),
        ("GET", "/mj/task/1/fetch"),
        ("POST", "/mj/task/list-by-condition"),
        ("GET", "/v1/dashboard/billing/usage"),
        ("GET", "/dashboard/billing/subscription"),
    ],
)
def test_every_route_of_a_tenant_needs_a_key(account: Account, method: str, path: str) -> None:
    answer = requests.request(method, account.stack.url + path, json={"prompt": "a"}, timeout=9)
    assert assert_refused(answer, 401, "invalid_api_key") == ONE_TEXT


def test_the_key_is_kept_from_the_upstream(account: Account) -> None:
    """Neither the tenant's key nor its hook, its state or any header of its own leaves us."""
    prompt = f"a lighthouse of {account.tenant.name}"
    hook = account.stack.inbox_url(account.tenant.name)
    answer = account.request(
        "POST",
        "/mj/submit/imagine",
        json={"prompt": prompt, "state": "my own state", "notifyHook": hook},
        headers={"mj-api-secret": account.key, "X-Forwarded-For": "203.0.113.9", "Cookie": "a=b"},
    )
    task_id = assert_accepted(answer)
    (submit,) = account.stack.submits(prompt)
    assert set(submit["headers"]) == {
        "host", "accept", "accept-encoding", "content-length", "content-type", "user-agent",
    }  # fmt: skip
    assert submit["body"]["state"].startswith(f"{task_id}.")
    assert submit["body"]["notifyHook"].startswith(f"{account.stack.url}/hints/{task_id}.")
    for secret in (account.key, "my own state", hook, "203.0.113.9"):
        assert secret not in str(submit)


def test_the_upstream_gets_the_secret_of_its_channel(account: Account) -> None:
    account.give_secret("open sesame")
    account.draw(f"a lighthouse of {account.tenant.name}")
    (submit,) = account.stack.submits(account.tenant.name)
    assert submit["headers"]["mj-api-secret"] == "open sesame"
