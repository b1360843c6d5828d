"""Every refusal that /openapi.json shows is provoked, and is as it is shown."""

from collections.abc import Callable

import pytest
import requests

from billing import books
from billing.models import Tenant
from channels.models import Channel
from relay.api.schema import refusals
from relay.models import IdempotentRequest, Task
from tests.accounts import Account, open_account
from tests.api import schema
from tests.limits import limit_key
from tests.prices import PRICES

# Refusals that this running product cannot be brought to, and why.
NOT_PROVOKED = {
    "conflict": "of the management API",
    "internal_error": "needs a fault of ours",
    "method_not_allowed": "on no route that is described",
    "nothing_captured": "of the management API",
    "not_found": "on no route that is described",
    "code_refused": "of the management API",
    "overdrawn": "of the management API",
    "payment_refused": "of the payment services, see tests/payments",
    "price_book_refused": "of the management API",
    "provider_failed": "of the management API",
    "provider_off": "of the management API",
    "refund_refused": "of the management API",
    "role_not_allowed": "of the management API",
    "top_up_refused": "of the management API",
    "body_too_slow": "needs a client that is, see tests/security",
    "unavailable": "needs a database that is gone, see tests/faults",
}


def _disabled(account: Account) -> requests.Response:
    Tenant.objects.filter(pk=account.tenant.pk).update(is_active=False)
    return account.imagine()


def _unpriced(account: Account) -> requests.Response:
    task = account.finish(account.draw())
    books.publish_json('{"mj_imagine": 0.01}', memo="one price")
    try:
        body = {"taskId": task["id"], "action": "UPSCALE", "index": 1}
        return account.request("POST", "/mj/submit/change", json=body)
    finally:
        books.publish_json(PRICES, memo="tests")


def _too_early(account: Account) -> requests.Response:
    body = {"taskId": account.draw("zzslow"), "action": "REROLL"}
    return account.request("POST", "/mj/submit/change", json=body)


def _without_channel(account: Account) -> requests.Response:
    account.channel.state = Channel.State.DISABLED
    account.channel.save()
    return account.imagine()


def _picture_gone(account: Account) -> requests.Response:
    task = account.finish(account.draw())
    gone = f"{account.stack.sandbox_url}/sandbox/pictures/gone.png"
    Task.objects.filter(pk=task["id"]).update(image_url=gone)
    return requests.get(task["imageUrl"], timeout=10)


def _keyed(account: Account, prompt: str) -> requests.Response:
    key = {"Idempotency-Key": "once"}
    body = {"prompt": prompt}
    return account.request("POST", "/mj/submit/imagine", json=body, headers=key)


def _mismatch(account: Account) -> requests.Response:
    _keyed(account, "a lighthouse")
    return _keyed(account, "a harbour")


def _twin(account: Account) -> requests.Response:
    _keyed(account, "a lighthouse")
    IdempotentRequest.objects.filter(tenant=account.tenant).update(answer="")
    return _keyed(account, "a lighthouse")


def _too_often(account: Account) -> requests.Response:
    return limit_key(account, rpm=0).imagine()


def _too_many(account: Account) -> requests.Response:
    limit_key(account, concurrency=1).draw("zzslow")
    return account.imagine()


PROVOKED: dict[str, Callable[[Account], requests.Response]] = {
    "concurrency_limited": _too_many,
    "ip_not_allowed": lambda account: limit_key(account, addresses=["203.0.113.9"]).imagine(),
    "rate_limited": _too_often,
    "idempotency_in_progress": _twin,
    "idempotency_mismatch": _mismatch,
    "invalid_request": lambda account: account.request("POST", "/mj/submit/imagine", json={}),
    "task_not_success": _too_early,
    "banned_prompt": lambda account: account.imagine("zzban"),
    "invalid_api_key": lambda account: requests.get(
        f"{account.stack.url}/mj/task/list", headers={"X-Api-Key": "sk-none"}, timeout=10
    ),
    "quota_not_enough": lambda account: open_account(account.stack, funds="0").imagine(),
    "tenant_disabled": _disabled,
    "action_not_allowed": _unpriced,
    "wrong_signature": lambda account: account.request("GET", "/mj/image/1?sig=x"),
    "task_not_found": lambda account: account.request("GET", "/mj/task/1/fetch"),
    "body_too_large": lambda account: account.imagine("x" * (30 * 2**20)),
    "queue_full": lambda account: account.imagine("zzfull"),
    "upstream_rejected": lambda account: account.imagine("zz500"),
    "picture_unavailable": _picture_gone,
    "no_channel": _without_channel,
}


@pytest.mark.parametrize("kind", refusals.BODIES)
def test_a_refusal_is_as_in_the_example(account: Account, kind: str) -> None:
    shown = refusals.BODIES[kind]
    schema.check(shown, schema.SCHEMAS["Error"])
    if kind in NOT_PROVOKED:
        assert kind not in PROVOKED
        return
    answer = PROVOKED[kind](account)
    assert answer.json()["type"] == kind, answer.text
    schema.check(answer.json(), schema.SCHEMAS["Error"])
    assert schema.fits(answer.json(), [shown]), answer.text
    assert answer.json()["code"] == shown["code"]
    statuses = {row.status for row in refusals.DOCUMENTED.values() if kind in row.types}
    assert answer.status_code in statuses
