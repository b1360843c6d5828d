"""What browsers are told with every kind of answer."""

import pytest
import requests

from tests.accounts import Account
from tests.stack import Stack

NOSNIFF = {"X-Content-Type-Options": "nosniff"}
UNFRAMED = NOSNIFF | {"X-Frame-Options": "DENY"}
DISCREET = UNFRAMED | {
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PAGE = DISCREET | {"Content-Security-Policy": "frame-ancestors 'none'"}
CONSOLE = PAGE | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "Cache-Control": "no-store",
}
# Status, and the headers with what their values contain.
KINDS: dict[str, tuple[int, dict[str, str]]] = {
    "/healthz": (200, DISCREET),
    "/openapi.json": (200, DISCREET),
    "/api/v1/openapi.json": (200, DISCREET),
    "/docs": (200, PAGE),
    "/api/v1/docs": (200, PAGE),
    "/mj/task/1/fetch": (401, DISCREET),
    "/api/v1/keys": (401, DISCREET),
    "/mj/image/1": (403, DISCREET),
    "/nothing": (404, DISCREET),
    "/": (302, DISCREET),
    "/console/": (302, CONSOLE),
    "/console/account/login/": (302, CONSOLE),
    "/console/nothing": (404, CONSOLE),
    "/static/vendor/htmx/htmx.min.js": (200, NOSNIFF),
    "/static/nothing.js": (404, DISCREET),
}
# The console is no API: no page of another origin may ask it.
CLOSED = ("/console/", "/static/nothing")


def assert_has(answer: requests.Response, headers: dict[str, str]) -> None:
    for name, part in headers.items():
        assert part in answer.headers.get(name, ""), name
    # Which versions run is nobody's business.
    assert answer.headers["Server"] == "gunicorn"
    assert "X-Powered-By" not in answer.headers


@pytest.mark.parametrize("path", KINDS)
def test_every_kind_of_answer(stack: Stack, path: str) -> None:
    status, headers = KINDS[path]
    answer = requests.get(stack.url + path, timeout=9, allow_redirects=False)
    # Before there is an operator, signing in is making one.
    assert answer.status_code in ({200, 302} if path.endswith("/login/") else {status})
    assert_has(answer, headers)
    if path.startswith(CLOSED):
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_answers_to_a_key_and_pictures(stack: Stack, account: Account) -> None:
    task = account.finish(account.draw("a lighthouse"))
    picture = requests.get(task["imageUrl"], timeout=9)
    assert picture.headers["Content-Type"] == "image/png"
    assert_has(picture, DISCREET)
    answer = account.request("GET", f"/mj/task/{task['id']}/fetch")
    assert answer.status_code == 200
    assert_has(answer, DISCREET)


@pytest.mark.parametrize(("method", "status"), [("PUT", 405), ("POST", 400)])
def test_refusals(stack: Stack, account: Account, method: str, status: int) -> None:
    answer = account.request(method, "/mj/submit/imagine", data=b"not json")
    assert answer.status_code == status
    assert_has(answer, DISCREET)


SIZES: dict[str, tuple[str, dict[str, str]]] = {
    "a long line": ("/" + "x" * 5000, {}),
    "a long header": ("/healthz", {"X-Long": "x" * 9000}),
    "many headers": ("/healthz", {f"X-{number}": "x" for number in range(150)}),
}


@pytest.mark.parametrize("what", SIZES)
def test_a_head_that_is_too_large_is_refused(stack: Stack, what: str) -> None:
    path, headers = SIZES[what]
    answer = requests.get(stack.url + path, headers=headers, timeout=9)
    assert answer.status_code in (400, 414, 431)
