"""The picture on our own domain: the signature in the link is the permission."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from relay.models import Task
from tests.accounts import Account, open_account
from tests.api.shapes import assert_every_answer, assert_refused
from tests.listener import listening
from tests.stack import Stack

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Account:
    """The account whose one picture all these tests look at."""
    return open_account(stack)


@pytest.fixture(scope="module")
def task(owner: Account) -> dict[str, Any]:
    return owner.finish(owner.draw())


@pytest.fixture(autouse=True)
def as_it_was(task: dict[str, Any]) -> Iterator[None]:
    """The picture's address at the upstream is put back after each test."""
    own = Task.objects.get(pk=task["id"]).image_url
    yield
    serve_instead(task, own)


def get(url: str) -> requests.Response:
    """Without any key, as a browser's <img> does it."""
    return requests.get(url, timeout=9)


def serve_instead(task: dict[str, Any], url: str) -> None:
    """The upstream has named another address for the picture."""
    Task.objects.filter(pk=task["id"]).update(image_url=url)


def test_a_picture_needs_no_key_and_may_be_kept(task: dict[str, Any]) -> None:
    answer = get(task["imageUrl"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert "max-age=" in answer.headers["Cache-Control"]
    assert "public" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content.startswith(b"\x89PNG")
    assert_every_answer(answer)


def test_a_preview_is_a_picture_that_may_not_be_kept(account: Account) -> None:
    task_id = account.draw("zzslow")
    url = ""
    while not url:
        url = account.fetch(task_id)["imageUrl"]
    answer = get(url)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "signature", ["", "?sig=", "?sig=wrong", "?sig=%00", "?sig=%ff", "?sig=签", "?SIG={sig}"]
)
def test_a_wrong_signature_is_refused(task: dict[str, Any], signature: str) -> None:
    address, _, right = task["imageUrl"].partition("?sig=")
    url = address + signature.format(sig=right)
    assert_refused(get(url), 403, "wrong_signature")


def test_a_signature_is_good_for_its_own_picture_only(owner: Account, task: dict[str, Any]) -> None:
    another = owner.draw("zzslow")
    answer = get(task["imageUrl"].replace(task["id"], another))
    assert_refused(answer, 403, "wrong_signature")


@pytest.mark.parametrize("task_id", ["abc", "9" * 20, "-1", "%00"])
def test_what_is_no_id_has_no_picture(stack: Stack, task_id: str) -> None:
    answer = get(f"{stack.url}/mj/image/{task_id}?sig=wrong")
    assert_refused(answer, 403, "wrong_signature")


def test_a_picture_that_is_gone_at_the_upstream_is_said_to_be(
    stack: Stack, task: dict[str, Any]
) -> None:
    serve_instead(task, f"{stack.sandbox_url}/sandbox/pictures/gone.png")
    text = assert_refused(get(task["imageUrl"]), 502, "picture_unavailable", code=9)
    assert "127.0.0.1" not in text


def test_what_is_no_picture_by_its_bytes_is_not_passed_on(task: dict[str, Any]) -> None:
    page = b"<html><script>alert(1)</script></html>"
    with listening(body=page, headers={"Content-Type": "image/png"}) as upstream:
        serve_instead(task, upstream.url)
        assert_refused(get(task["imageUrl"]), 502, "picture_unavailable", code=9)


def test_a_picture_is_called_what_its_bytes_are(task: dict[str, Any]) -> None:
    with listening(body=PNG, headers={"Content-Type": "text/html"}) as upstream:
        serve_instead(task, upstream.url)
        answer = get(task["imageUrl"])
    assert (answer.headers["Content-Type"], answer.content) == ("image/png", PNG)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher:", "http://[", "x"]
)
def test_what_is_no_web_address_is_not_opened(task: dict[str, Any], url: str) -> None:
    serve_instead(task, url)
    assert_refused(get(task["imageUrl"]), 502, "picture_unavailable", code=9)


def test_the_upstream_is_asked_without_our_secrets(owner: Account, task: dict[str, Any]) -> None:
    owner.give_secret("open sesame")
    with listening(body=PNG) as upstream:
        serve_instead(task, upstream.url)
        requests.get(task["imageUrl"], headers=owner.headers, timeout=9)
    ((_, _, headers, _),) = upstream.asked
    assert set(headers) <= {"host", "user-agent", "accept", "accept-encoding", "connection"}


def test_a_task_without_a_picture_has_none(owner: Account, task: dict[str, Any]) -> None:
    serve_instead(task, "")
    assert owner.fetch(task["id"])["imageUrl"] == ""
    assert_refused(get(task["imageUrl"]), 404, "task_not_found")
