"""Our secrets in what upstreams say: cut out before anything else sees it."""

import base64
import json
from urllib.parse import quote

import pytest

from channels import http, redaction
from channels.errors import OutcomeUnknown, Rejected, Unreachable
from tests.channels.proxy import ADAPTER, SUBMISSION, answering, upstream

SECRET = "sk-Abcd1234+/&'\"<x>=="


@pytest.mark.parametrize(
    "echo",
    [
        f"no such key {SECRET}!",
        f"no such key {SECRET.removeprefix('sk-')}!",
        json.dumps({"description": SECRET}),
        json.dumps({"description": SECRET}).replace("/", "\\/"),
        '{"description": "sk-Abcd1234\\u002B/\\u0026\\u0027\\"\\u003Cx\\u003E=="}',
        '{"description": "sk-Abcd1234\\u002b/\\u0026\\u0027\\"\\u003cx\\u003e=="}',
        f"https://upstream.example/?key={quote(SECRET, safe='')}",
    ],
)
def test_a_long_secret_is_cut_however_it_is_written(echo: str) -> None:
    cut = redaction.without(echo.encode(), SECRET)
    assert b"***" in cut
    assert b"Abcd1234" not in cut


def test_a_short_secret_is_cut_only_where_it_stands_alone() -> None:
    answer = b'{"code": 1, "result": "code-7", "description": "not code", "codes": ["code"]}'
    cut = b'{"code": 1, "result": "code-7", "description": "not ***", "codes": ["***"]}'
    assert redaction.without(answer, "code") == cut


def test_what_holds_no_secret_stays_byte_by_byte() -> None:
    answer = json.dumps({"id": "1712204995849323", "prompt": "a lighthouse"}).encode()
    assert redaction.clean(answer, {"mj-api-secret": "open sesame"}) == answer
    assert redaction.clean(answer, {}) == answer


@pytest.mark.parametrize("status", [200, 401, 500])
def test_an_upstream_that_echoes_our_secret_in_its_refusal(status: int) -> None:
    said = {"code": 24, "description": SECRET, "properties": {"promptEn": f"a cat {SECRET}"}}
    with answering(said, status) as server, pytest.raises(Rejected) as no:
        ADAPTER.submit(upstream(server.url, secret=SECRET), SUBMISSION)
    assert "Abcd1234" not in f"{no.value} {no.value.raw} {no.value.properties}"


def test_an_upstream_that_echoes_our_secret_in_a_task() -> None:
    row = {"id": "7", "status": "FAILURE", "failReason": f"key {SECRET} has no credit"}
    with answering([row]) as server:
        (update,) = ADAPTER.poll(upstream(server.url, secret=SECRET), ["7"]).rows
    assert update.fail_reason == "key *** has no credit"
    assert "Abcd1234" not in json.dumps(update.raw)


def test_an_upstream_that_echoes_our_secret_in_nonsense() -> None:
    with answering(f"<p>{SECRET}".encode()) as server, pytest.raises(OutcomeUnknown) as raised:
        ADAPTER.submit(upstream(server.url, secret=SECRET), SUBMISSION)
    assert "Abcd1234" not in raised.value.raw


@pytest.mark.parametrize("secret", ["two\nlines", "schlüssel", "a\x00b"])
def test_a_secret_that_cannot_be_sent_is_no_crash_and_does_not_show(secret: str) -> None:
    with answering({}) as server, pytest.raises(Unreachable) as raised:
        ADAPTER.submit(upstream(server.url, secret=secret), SUBMISSION)
    assert secret not in raised.value.raw
    assert not server.asked


def test_the_bearer_form_is_cut_too() -> None:
    secret = base64.b64encode(b"open sesame").decode()
    with answering({"error": secret}) as server:
        headers = {"Authorization": f"Bearer {secret}"}
        answer = http.request("GET", server.url, headers=headers, seconds=2)
    assert answer.json() == {"error": "***"}
