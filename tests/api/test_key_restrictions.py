"""What a key is for: addresses, actions and modes."""

from typing import Any

import pytest
import requests

from channels.models import Channel
from tests.accounts import Account
from tests.api.shapes import assert_accepted, assert_refused
from tests.api.upstreams import Upstream
from tests.limits import limit_key
from tests.stack import Stack

ALLOWED, ELSEWHERE = "203.0.113.9", "198.51.100.1"
PICTURE = "https://pictures.example/one.png"


def models(account: Account) -> list[str]:
    answer = account.request("GET", "/v1/models")
    return [model["id"] for model in answer.json()["data"]]


def usage(account: Account) -> dict[str, Any]:
    data: dict[str, Any] = account.request("GET", "/api/usage/token").json()["data"]
    return data


# -- Addresses -------------------------------------------------------------------------------------


def come_from(account: Account, address: str, path: str = "/mj/task/list") -> requests.Response:
    return account.request("GET", path, headers={"X-Forwarded-For": address})


def test_a_key_is_refused_from_elsewhere(account: Account) -> None:
    limit_key(account, addresses=["203.0.113.0/24", "2001:db8::/32"])
    for address in (ALLOWED, "2001:db8::7", f"{ELSEWHERE}, {ALLOWED}", f"::ffff:{ALLOWED}"):
        assert come_from(account, address).status_code == 200
    for address in (ELSEWHERE, f"{ALLOWED}, {ELSEWHERE}", f"{ALLOWED}, garbage", "garbage", ""):
        assert_refused(come_from(account, address), 403, "ip_not_allowed")
    before = account.written
    assert_refused(account.imagine(), 403, "ip_not_allowed", says="your address")
    assert account.written == before


def test_it_is_refused_everywhere(account: Account) -> None:
    limit_key(account, addresses=[ALLOWED])
    for path in ("/mj/task/1/fetch", "/v1/models", "/api/usage/token", "/dashboard/billing/usage"):
        assert_refused(come_from(account, ELSEWHERE, path), 403, "ip_not_allowed")


def test_a_wrong_key_is_wrong_from_everywhere(account: Account) -> None:
    limit_key(account, addresses=[ALLOWED])
    wrong = {"Authorization": "Bearer sk-wrong", "X-Forwarded-For": ELSEWHERE}
    answer = account.request("GET", "/mj/task/list", headers=wrong)
    assert_refused(answer, 401, "invalid_api_key")


def test_the_clients_own_address_counts_without_a_proxy(account: Account) -> None:
    limit_key(account, addresses=["127.0.0.0/8"])
    assert_accepted(account.imagine())


# -- Actions and modes -----------------------------------------------------------------------------


def test_a_key_draws_what_it_is_for(account: Account) -> None:
    task = account.finish(account.draw())
    reroll = {"taskId": task["id"], "action": "REROLL"}
    limit_key(account, actions=["UPSCALE", "UPLOAD"])
    before = account.written
    refused = [
        account.imagine(),
        account.request("POST", "/mj/submit/shorten", json={"prompt": "a"}),
        account.request("POST", "/mj/submit/describe", json={"link": PICTURE}),
        account.request("POST", "/mj/submit/change", json=reroll),
        account.request("POST", "/mj/submit/simple-change", json={"content": f"{task['id']} V1"}),
    ]
    for answer in refused:
        assert_refused(answer, 403, "action_not_allowed", says="this API key may not be used for")
    assert account.written == before
    upscale = {"taskId": task["id"], "action": "UPSCALE", "index": 1}
    assert_accepted(account.request("POST", "/mj/submit/change", json=upscale))


def test_a_key_that_may_not_draw_still_reads_its_tasks(account: Account) -> None:
    task_id = account.draw()
    limit_key(account, actions=["UPLOAD"], modes=["turbo"])
    assert account.fetch(task_id)["id"] == task_id
    for path in ("/mj/task/list", "/v1/dashboard/billing/usage"):
        assert account.request("GET", path).status_code == 200


def test_an_upload_needs_to_be_allowed_too(account: Account) -> None:
    limit_key(account, actions=["IMAGINE"])
    answer = account.request(
        "POST", "/mj/submit/upload-discord-images", json={"base64Array": [PICTURE]}
    )
    assert_refused(answer, 403, "action_not_allowed", says="UPLOAD")
    assert account.written["tasks"] == 0


def test_a_key_draws_in_its_modes(account: Account) -> None:
    limit_key(account, modes=["relax"])
    assert_refused(account.imagine(), 403, "action_not_allowed", says="fast mode")
    assert_refused(account.imagine("a --turbo"), 403, "action_not_allowed", says="turbo mode")
    assert account.written["tasks"] == 0
    assert_accepted(account.imagine(mode="RELAX"))
    limit_key(account, default_mode="relax")
    assert_accepted(account.imagine())


def test_only_what_a_key_may_use_is_listed(account: Account) -> None:
    everything = models(account)
    assert {"mj_imagine", "mj_modal", "mj_upscale"} <= set(everything)
    assert usage(account)["model_limits_enabled"] is False
    assert usage(account)["model_limits"] == {}
    limit_key(account, actions=["IMAGINE", "INPAINT"])
    assert models(account) == ["mj_imagine", "mj_modal"]
    assert usage(account)["model_limits_enabled"] is True
    assert usage(account)["model_limits"] == {"mj_imagine": True, "mj_modal": True}
    limit_key(account, actions=[], modes=["relax"])
    assert models(account) == everything


def test_what_is_not_sold_in_its_modes_is_not_listed(account: Account, publish_prices: Any) -> None:
    publish_prices('{"mj_imagine": 0.1}')
    assert models(account) == ["mj_imagine"]
    limit_key(account, actions=["UPSCALE"])
    assert models(account) == []
    assert usage(account)["model_limits_enabled"] is True


# -- Modals ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def upstream(stack: Stack) -> Upstream:
    return Upstream(stack, Channel.Kind.TRUEAI)


def test_a_confirmation_is_the_action_that_it_confirms(upstream: Upstream) -> None:
    account, single = upstream.account, upstream.single
    custom_id = next(
        button["customId"]
        for button in single["buttons"]
        if button["customId"].startswith("MJ::Inpaint::")
    )
    body = {"taskId": single["id"], "customId": custom_id}
    task_id = account.request("POST", "/mj/submit/action", json=body).json()["result"]
    held = account.wallet.held
    limit_key(account, actions=["IMAGINE"])
    answer = account.request("POST", "/mj/submit/modal", json={"taskId": task_id, "prompt": "a"})
    assert_refused(answer, 403, "action_not_allowed", says="INPAINT")
    assert (account.fetch(task_id)["status"], account.wallet.held) == ("MODAL", held)
    limit_key(account, actions=["INPAINT"])
    answer = account.request("POST", "/mj/submit/modal", json={"taskId": task_id, "prompt": "a"})
    assert assert_accepted(answer) == task_id
    assert account.finish(task_id)["status"] == "SUCCESS"
