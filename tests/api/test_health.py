"""Is the process alive, and can it work? Asked by load balancers, without a key."""

import pytest
import requests

from tests.api.shapes import assert_every_answer
from tests.stack import Stack


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "//healthz"])
def test_a_process_says_that_it_is_alive(stack: Stack, path: str) -> None:
    answer = requests.get(stack.url + path, timeout=9, allow_redirects=False)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert_every_answer(answer)


def test_a_process_that_can_work_says_so(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}/readyz", timeout=9)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "database": "ok",
        "redis": "ok",
        "parts": "ok",
    }
    assert_every_answer(answer)


def test_a_wrong_key_changes_nothing(stack: Stack) -> None:
    headers = {"Authorization": "Bearer sk-wrong"}
    assert requests.get(f"{stack.url}/readyz", headers=headers, timeout=9).status_code == 200
