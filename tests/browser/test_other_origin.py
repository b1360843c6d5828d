"""A page on another site in a real browser: nothing of the API is hidden from it (section 7)."""

import base64
import json
from typing import Any

import pytest

from relay.api.schema import examples
from tests.accounts import Account
from tests.api.shapes import assert_task
from tests.browser.conftest import Page
from tests.listener import listening

MB = 2**20
PNG = base64.b64decode(examples.NAVY.partition(",")[2])
IMAGINE = "/mj/submit/imagine"


def headers(account: Account, name: str = "Authorization") -> dict[str, str]:
    key = account.key if name != "Authorization" else f"Bearer {account.key}"
    return {name: key, "Content-Type": "application/json"}


def ask(page: Page, account: Account, path: str, body: Any = None, **others: str) -> dict[str, Any]:
    """What a page gets to read; POST when there is a body."""
    sent = headers(account) | others
    url = account.stack.url + path
    if body is None:
        found = page.call("ask", "GET", url, sent)
    else:
        found = page.call("ask", "POST", url, sent, json.dumps(body))
    assert "error" not in found, found
    answer: dict[str, Any] = found
    return answer


def assert_readable_refusal(answer: dict[str, Any], status: int, kind: str) -> None:
    assert answer["status"] == status, answer
    assert answer["body"]["type"] == answer["body"]["error"]["type"] == kind
    assert answer["body"]["message"] == answer["body"]["description"] != ""
    assert len(answer["requestId"]) == 32


def test_this_browser_does_hide_answers_that_are_not_for_all(page: Page) -> None:
    """Otherwise the other tests would prove nothing."""
    with listening(body=b"{}") as closed:
        answer = page.call("ask", "GET", f"{closed.url}/", {})
    assert answer == {"error": "TypeError: Failed to fetch"}


@pytest.mark.parametrize("name", ["Authorization", "mj-api-secret", "X-Api-Key"])
def test_a_picture_is_asked_for_followed_and_drawn(page: Page, account: Account, name: str) -> None:
    site, sent = account.stack.url, headers(account, name)
    body = json.dumps({"prompt": "a lighthouse", "state": "灯塔"})
    submitted = page.call("ask", "POST", site + IMAGINE, sent, body)
    assert (submitted["status"], submitted["body"]["code"]) == (200, 1), submitted
    task_id = submitted["body"]["result"]
    fetched = page.call("untilTheEnd", f"{site}/mj/task/{task_id}/fetch", sent)
    task = fetched["body"]
    assert_task(task)
    assert (task["id"], task["status"], task["state"]) == (task_id, "SUCCESS", "灯塔")
    drawn = page.call("draw", task["imageUrl"])
    assert drawn["width"] > 0
    assert drawn["data"].startswith("data:image/png;base64,")


@pytest.mark.parametrize("name", ["Authorization", "mj-api-secret", "X-Api-Key"])
def test_a_real_preflight_is_answered_without_a_key(
    page: Page, account: Account, name: str
) -> None:
    """An address that the browser has not asked before: it keeps the answer for two hours."""
    path = f"/mj/task/{account.tenant.pk}{len(name)}/fetch"
    answer = page.call("ask", "GET", account.stack.url + path, headers(account, name))
    assert_readable_refusal(answer, 404, "task_not_found")
    ((asked, status),) = page.preflights(path)
    sent = {header.lower(): value for header, value in asked.items()}
    assert name.lower() in sent["access-control-request-headers"].split(",")
    assert "content-type" in sent["access-control-request-headers"].split(",")
    assert sent["origin"] == page.origin
    assert name.lower() not in sent
    assert status == 204


def test_a_preflight_is_not_repeated_for_the_same_address(page: Page, account: Account) -> None:
    path = f"/mj/task/{account.tenant.pk}000/fetch"
    for _ in range(3):
        assert_readable_refusal(ask(page, account, path), 404, "task_not_found")
    assert len(page.preflights(path)) == 1


def test_a_page_reads_why_it_was_refused(page: Page, account: Account) -> None:
    wrong = ask(page, account, IMAGINE, {"prompt": "a"}, Authorization="Bearer sk-wrong")
    assert_readable_refusal(wrong, 401, "invalid_api_key")
    assert_readable_refusal(ask(page, account, IMAGINE, {}), 400, "invalid_request")
    assert_readable_refusal(ask(page, account, "/suno/submit", {}), 404, "not_found")
    poor = account.new_key(budget="0")
    assert_readable_refusal(ask(page, poor, IMAGINE, {"prompt": "a"}), 402, "quota_not_enough")
    rejected = ask(page, account, IMAGINE, {"prompt": "zz500"})
    assert_readable_refusal(rejected, 502, "upstream_rejected")
    full = ask(page, account, IMAGINE, {"prompt": "zzfull"})
    assert_readable_refusal(full, 429, "queue_full")
    assert int(full["retryAfter"]) > 0


def test_a_page_reads_that_its_body_is_too_large(page: Page, account: Account) -> None:
    url = account.stack.url + IMAGINE
    answer = page.call("askWithBytes", url, headers(account), 31 * MB)
    assert_readable_refusal(answer, 413, "body_too_large")


def test_a_page_lists_its_tasks(page: Page, account: Account) -> None:
    first, second = account.draw("zzslow"), account.draw("zzslow")
    # As JavaScript has them: an id must survive being a number.
    body = {"ids": [int(first), second, "1"]}
    answer = ask(page, account, "/mj/task/list-by-condition", body)
    assert sorted(row["id"] for row in answer["body"]) == [first, second]
    answer = ask(page, account, "/mj/task/list")
    assert [row["id"] for row in answer["body"]] == [second, first]


def test_a_page_reads_its_balance(page: Page, account: Account) -> None:
    for path in ("/v1/dashboard/billing/subscription", "/v1/dashboard/billing/usage", "/v1/models"):
        assert ask(page, account, path)["status"] == 200


def test_a_picture_with_a_wrong_signature_is_no_picture(page: Page, account: Account) -> None:
    task = account.finish(account.draw())
    wrong = task["imageUrl"].partition("?")[0] + "?sig=wrong"
    assert page.call("draw", wrong) == {"error": "it was not loaded"}
    answer = page.call("ask", "GET", wrong, {})
    assert_readable_refusal(answer, 403, "wrong_signature")


def test_a_picture_is_drawn_because_the_server_allows_it(page: Page) -> None:
    """What the relay's own header is for: the same picture without it stays away."""
    picture = {"Content-Type": "image/png"}
    with listening(body=PNG, headers=picture) as closed:
        assert page.call("draw", f"{closed.url}/a.png") == {"error": "it was not loaded"}
    with listening(body=PNG, headers=picture | {"Access-Control-Allow-Origin": "*"}) as allowing:
        assert page.call("draw", f"{allowing.url}/a.png")["width"] == 8
