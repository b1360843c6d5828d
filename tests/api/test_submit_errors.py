"""Submits that are refused before anything happens: the contract's error, nothing written."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.accounts import Account
from tests.api.shapes import assert_accepted, assert_refused

MB = 1024 * 1024
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(60)).decode()
GIF = base64.b64encode(b"GIF89a" + bytes(60)).decode()
WEBP = base64.b64encode(b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(60)).decode()
TEXT = base64.b64encode(b"not a picture at all").decode()
SVG = base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg"/>').decode()
HUGE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(11 * MB)).decode()


def post(account: Account, body: Any, **headers: str) -> requests.Response:
    """A submit of exactly these bytes."""
    headers.setdefault("Content-Type", "application/json")
    return account.request("POST", "/mj/submit/imagine", data=body, headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b'{"prompt": "a",}', id="comma"),
        pytest.param(b"prompt=a", id="form"),
        pytest.param(b"\xff\xfe{}", id="not-utf-8"),
        pytest.param(b'{"prompt": "\xed\xa0\x80"}', id="surrogate-in-utf-8"),
        pytest.param(b'{"prompt": NaN}', id="nan"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"prompt":"a"}{"prompt":"b"}', id="two"),
        pytest.param(rb'{"prompt": "\ud800"}', id="lone-surrogate-in-prompt"),
        pytest.param(rb'{"prompt": "a", "state": "\udfff"}', id="lone-surrogate-in-state"),
        pytest.param(rb'{"prompt": "a", "unused": ["\ud83d"]}', id="lone-surrogate-elsewhere"),
    ],
)
def test_a_body_that_is_no_json_is_refused(account: Account, body: bytes) -> None:
    before = account.written
    assert_refused(post(account, body), 400, "invalid_request", says="JSON")
    assert account.written == before


@pytest.mark.parametrize("body", [b"[]", b'[{"prompt": "a"}]', b'"prompt"', b"1", b"null", b"true"])
def test_a_body_that_is_no_object_is_refused(account: Account, body: bytes) -> None:
    before = account.written
    assert_refused(post(account, body), 400, "invalid_request", says="object")
    assert account.written == before


# (what is sent beside a good prompt, the field that the answer must name)
WRONG_FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("no prompt", {"prompt": None}, "prompt"),
    ("empty prompt", {"prompt": ""}, "prompt"),
    ("blank prompt", {"prompt": " \t\r\n\u3000"}, "prompt"),
    ("prompt is a number", {"prompt": 7}, "prompt"),
    ("prompt is a list", {"prompt": ["a lighthouse"]}, "prompt"),
    ("prompt is an object", {"prompt": {"text": "a"}}, "prompt"),
    ("prompt is true", {"prompt": True}, "prompt"),
    ("prompt of 100 kB", {"prompt": "a" * 100_000}, "prompt"),
    ("prompt of 100 kB of Chinese", {"prompt": "灯" * 33_000}, "prompt"),
    ("NUL in prompt", {"prompt": "a light\x00house"}, "prompt"),
    ("state is a number", {"state": 7}, "state"),
    ("state is an object", {"state": {}}, "state"),
    ("NUL in state", {"state": "\x00"}, "state"),
    ("state is too long", {"state": "s" * 100_000}, "state"),
    ("unknown botType", {"botType": "DALL_E"}, "botType"),
    ("botType is a number", {"botType": 1}, "botType"),
    ("botType is a list", {"botType": ["mj"]}, "botType"),
    ("hook: ftp", {"notifyHook": "ftp://example.com/hook"}, "notifyHook"),
    ("hook: file", {"notifyHook": "file:///etc/passwd"}, "notifyHook"),
    ("hook: no scheme", {"notifyHook": "example.com/hook"}, "notifyHook"),
    ("hook: no host", {"notifyHook": "http:///hook"}, "notifyHook"),
    ("hook: scheme only", {"notifyHook": "https://"}, "notifyHook"),
    ("hook: password", {"notifyHook": "http://me:secret@example.com/"}, "notifyHook"),
    ("hook: user", {"notifyHook": "http://me@example.com/"}, "notifyHook"),
    ("hook: empty user", {"notifyHook": "http://@example.com/"}, "notifyHook"),
    ("hook: host not ASCII", {"notifyHook": "http://bücher.example/"}, "notifyHook"),
    ("hook: path not ASCII", {"notifyHook": "http://example.com/钩子"}, "notifyHook"),
    ("hook: port 0", {"notifyHook": "http://example.com:0/"}, "notifyHook"),
    ("hook: port 65536", {"notifyHook": "http://example.com:65536/"}, "notifyHook"),
    ("hook: port is a word", {"notifyHook": "http://example.com:http/"}, "notifyHook"),
    ("hook: open bracket", {"notifyHook": "http://[::1/"}, "notifyHook"),
    ("hook: a blank in the host", {"notifyHook": "http://exam ple.com/"}, "notifyHook"),
    ("hook: a line end in the host", {"notifyHook": "http://exam\nple.com/"}, "notifyHook"),
    ("hook: a line end in the path", {"notifyHook": "http://example.com/\r\nX: y"}, "notifyHook"),
    ("hook: garbage", {"notifyHook": "%%%"}, "notifyHook"),
    ("hook: too long", {"notifyHook": "http://example.com/" + "h" * 5000}, "notifyHook"),
    ("hook: a number", {"notifyHook": 80}, "notifyHook"),
    ("hook: false", {"notifyHook": False}, "notifyHook"),
    ("hook: an empty list", {"notifyHook": []}, "notifyHook"),
    ("hook: a list", {"notifyHook": ["http://example.com/"]}, "notifyHook"),
    ("hook: NUL", {"notifyHook": "http://example.com/\x00"}, "notifyHook"),
    ("hook in lower case", {"notifyhook": "ftp://example.com/"}, "notifyHook"),
    ("pictures are no list", {"base64Array": PNG}, "base64Array"),
    ("pictures are an object", {"base64Array": {"0": PNG}}, "base64Array"),
    ("a picture is a number", {"base64Array": [7]}, "base64Array"),
    ("a picture is a list", {"base64Array": [[PNG]]}, "base64Array"),
    ("a picture is no base64", {"base64Array": ["*** not base64 ***"]}, "base64Array"),
    ("a picture is cut base64", {"base64Array": [PNG[:-3]]}, "base64Array"),
    ("a picture is not ASCII", {"base64Array": ["data:image/png;base64,图"]}, "base64Array"),
    ("a picture is text", {"base64Array": [TEXT]}, "image"),
    ("a picture says that it is one", {"base64Array": ["data:image/png;base64," + TEXT]}, "image"),
    ("a picture is SVG", {"base64Array": ["data:image/svg+xml;base64," + SVG]}, "image"),
    ("a picture is nothing", {"base64Array": ["data:image/png;base64,"]}, "image"),
    ("the second picture is text", {"base64Array": [PNG, TEXT]}, "image"),
    ("six pictures", {"base64Array": [PNG] * 6}, "base64Array"),
    ("five pictures and one more", {"base64Array": [PNG] * 5, "base64": PNG}, "base64Array"),
    ("a picture of 11 MB", {"base64Array": [HUGE]}, "10 MB"),
    ("base64 is text", {"base64": TEXT}, "image"),
    ("base64 is a number", {"base64": 7}, "base64"),
]


@pytest.mark.parametrize(
    ("fields", "named"), [row[1:] for row in WRONG_FIELDS], ids=[row[0] for row in WRONG_FIELDS]
)
def test_a_wrong_field_is_named_and_nothing_is_written(
    account: Account, fields: dict[str, Any], named: str
) -> None:
    before = account.written
    body = json.dumps({"prompt": f"a lighthouse of {account.tenant.name}"} | fields)
    assert_refused(post(account, body), 400, "invalid_request", says=named)
    assert account.written == before
    assert account.stack.submits(account.tenant.name) == []


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b'{"Prompt": "keys are case-sensitive"}'])
def test_a_missing_prompt_is_refused(account: Account, body: bytes) -> None:
    before = account.written
    assert_refused(post(account, body), 400, "invalid_request", says="prompt")
    assert account.written == before


@pytest.mark.parametrize(
    "fields",
    [
        {"state": None, "notifyHook": None, "base64Array": None, "base64": None, "botType": None},
        {"state": "", "notifyHook": "", "base64Array": [], "base64": "", "botType": ""},
        {"base64Array": ["", None]},
        {"botType": "NIJI_JOURNEY"},
        {"botType": "mj"},
        {"unknown": {"deep": [1, 2.5, None]}, "accountFilter": {"remark": "x"}, "modes": ["FAST"]},
        {"base64Array": [PNG, "data:image/jpeg;base64," + JPEG, GIF, WEBP], "base64": PNG},
        {"base64": "data:image/png;charset=utf-8;base64," + PNG},
        # A host is taken as it is typed; whether it may be called is judged when it is dialled.
        {"notifyHook": "http://10.0.0.1:8080/hook?a=b#c"},
        {"notifyHook": "  HTTPS://example.com  "},
        {"notifyHook": "http://[::1]/"},
    ],
    ids=lambda fields: ",".join(f"{name}={str(value)[:12]}" for name, value in fields.items()),
)
def test_what_clients_really_send_is_accepted(account: Account, fields: dict[str, Any]) -> None:
    assert_accepted(account.imagine("a lighthouse zzmute", **fields))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
        "",
    ],
)
def test_json_is_read_whatever_it_is_called(account: Account, content_type: str) -> None:
    answer = post(account, b'{"prompt": "a lighthouse"}', **{"Content-Type": content_type})
    assert_accepted(answer)


def test_a_body_of_40_mb_is_refused(account: Account) -> None:
    before = account.written
    body = b'{"prompt": "a lighthouse", "base64": "' + b"A" * (40 * MB) + b'"}'
    assert_refused(post(account, body), 413, "body_too_large", says="30 MB")
    assert account.written == before


def test_a_body_of_40_mb_in_chunks_is_refused(account: Account) -> None:
    """Its length is not announced, so it can only be counted while it comes."""
    before = account.written

    def chunks() -> Iterator[bytes]:
        yield b'{"prompt": "a lighthouse", "base64": "'
        for _ in range(40):
            yield b"A" * MB
        yield b'"}'

    assert_refused(post(account, chunks()), 413, "body_too_large", says="30 MB")
    assert account.written == before


def test_a_body_of_40_mb_is_answered_on_a_connection_that_closes(account: Account) -> None:
    body = b" " * (40 * MB)
    assert_refused(post(account, body, Connection="close"), 413, "body_too_large")

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * MB

    assert_refused(post(account, chunks(), Connection="close"), 413, "body_too_large")


def test_a_small_body_in_chunks_is_read(account: Account) -> None:
    task_id = assert_accepted(post(account, iter([b'{"prompt": "a light', b'house"}'])))
    assert account.fetch(task_id)["prompt"] == "a lighthouse"


def test_a_broken_body_is_refused_before_the_money_is_looked_at(account: Account) -> None:
    poor = account.new_key(budget="0")
    assert_refused(post(poor, b"{"), 400, "invalid_request")
    assert_refused(poor.imagine(), 402, "quota_not_enough")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/mj/nowhere"),
        ("POST", "/mj/submit/nothing"),
        ("POST", "/mj/submit"),
        ("GET", "/mj"),
        ("GET", "/mj/task//fetch"),
        ("GET", "/suno/submit/music"),
        ("POST", "/v1/chat/completions"),
        ("DELETE", "/nowhere"),
        ("GET", "/favicon.ico"),
        ("GET", "/mj/task/%00/nothing"),
        ("GET", "/%ff%fe"),
        ("GET", "/.env"),
    ],
)
def test_an_unknown_route_answers_404_in_our_shape(
    account: Account, method: str, path: str
) -> None:
    answer = account.request(method, path, data=b"{}" if method == "POST" else None)
    assert_refused(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/mj/submit/imagine"),
        ("PUT", "/mj/submit/imagine"),
        ("DELETE", "/mj/task/1/fetch"),
        ("POST", "/mj/task/1/fetch"),
        ("GET", "/mj/task/list-by-condition"),
        ("POST", "/mj/image/1"),
        ("POST", "/v1/dashboard/billing/usage"),
        ("PATCH", "/dashboard/billing/subscription"),
    ],
)
def test_a_wrong_method_answers_405_in_our_shape(account: Account, method: str, path: str) -> None:
    answer = account.request(method, path, json={"prompt": "a lighthouse"})
    assert_refused(answer, 405, "method_not_allowed")
    assert account.written["tasks"] == 0


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "//", "/mj/submit/imagine/"])
def test_no_post_is_ever_answered_with_a_redirect_or_a_page(account: Account, path: str) -> None:
    answer = account.request("POST", path, json={"prompt": "a lighthouse"}, allow_redirects=False)
    assert answer.headers["Content-Type"] == "application/json", answer.text
    assert answer.status_code not in range(300, 400)
