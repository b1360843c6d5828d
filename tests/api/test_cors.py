"""Browsers on other origins see every answer, and are never asked for a key first (section 7)."""

import pytest
import requests

from tests.accounts import Account
from tests.api.shapes import assert_every_answer
from tests.stack import Stack

ORIGIN = "https://gallery.example"
ASKED = "authorization,content-type,mj-api-secret,x-ptoken"


def preflight(stack: Stack, path: str, **headers: str) -> requests.Response:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"} | headers
    return requests.options(stack.url + path, headers=asked, timeout=9, allow_redirects=False)


@pytest.mark.parametrize(
    "path",
    [
        "/mj/submit/imagine",
        "//mj/submit/imagine/",
        "/mj/task/1/fetch",
        "/mj/task/list-by-condition",
        "/mj/image/1",
        "/v1/dashboard/billing/usage",
        "/suno/anything",
        "/healthz",
        "/",
    ],
)
def test_a_preflight_is_answered_for_every_path(stack: Stack, path: str) -> None:
    answer = preflight(stack, path, **{"Access-Control-Request-Headers": ASKED})
    assert answer.status_code in (200, 204)
    assert answer.content == b""
    assert answer.headers["Access-Control-Allow-Headers"] == ASKED
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert_every_answer(answer)


def test_a_preflight_looks_at_no_key(stack: Stack) -> None:
    answer = preflight(stack, "/mj/submit/imagine", Authorization="Bearer sk-wrong")
    assert answer.status_code in (200, 204)


def test_a_preflight_that_asks_for_nothing_gets_the_usual(stack: Stack) -> None:
    allowed = preflight(stack, "/mj/submit/imagine").headers["Access-Control-Allow-Headers"].lower()
    assert {"authorization", "content-type", "mj-api-secret"} <= set(allowed.split(", "))


def test_every_answer_may_be_read_by_every_page(account: Account) -> None:
    wrong = {"Authorization": "Bearer sk-wrong"}
    task = account.finish(account.draw())
    poor = account.new_key(budget="0")
    answers = {
        200: account.request("GET", f"/mj/task/{task['id']}/fetch"),
        400: account.imagine(""),
        401: account.request("GET", "/mj/task/1/fetch", headers=wrong),
        402: poor.imagine(),
        403: requests.get(f"{account.stack.url}/mj/image/1", timeout=9),
        404: account.request("GET", "/nowhere"),
        405: account.request("GET", "/mj/submit/imagine"),
        413: account.request("POST", "/mj/submit/imagine", data=b" " * (31 * 2**20)),
        502: account.imagine("zz500"),
        503: account.imagine("zzcode3"),
        429: account.imagine("zzfull"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        assert_every_answer(answer)
    assert_every_answer(requests.get(task["imageUrl"], timeout=9))


def test_pages_may_read_when_to_come_again(account: Account) -> None:
    """A browser hides every header from a page that is not named."""
    answer = account.imagine("zzfull")
    exposed = answer.headers["Access-Control-Expose-Headers"].lower()
    assert {"retry-after", "x-request-id"} <= {name.strip() for name in exposed.split(",")}


def test_every_answer_has_an_id_of_its_own(account: Account) -> None:
    ids = {account.request("GET", "/healthz").headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


def test_the_console_is_not_for_pages_of_other_origins(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}/console/", headers={"Origin": ORIGIN}, timeout=9)
    assert "Access-Control-Allow-Origin" not in answer.headers
