"""Tasks with the results that a test wants them to have, and how their links answer."""

from typing import Any

import requests

from channels.adapters.base import Update
from relay import lifecycle
from relay.models import Task
from tests.accounts import Account
from tests.stack import wait_until

# The sandbox never finishes it, so that we can.
PROMPT = "zzslow"


def succeeded(account: Account, **results: Any) -> dict[str, Any]:
    """A task, drawn as if its upstream had brought these results (fields of Update)."""
    return ended(account, status="SUCCESS", **results)


def ended(account: Account, **news: Any) -> dict[str, Any]:
    """The same with any other news."""
    task_id = account.draw(PROMPT)

    def stored() -> bool:
        task = Task.objects.select_related("token", "parent").get(pk=int(task_id))
        # False when a poll was quicker: once more.
        return lifecycle.apply(task, Update(upstream_id=task.upstream_id, **news))

    wait_until(stored, what=f"news of {task_id}")
    return account.fetch(task_id)


def get(url: str, **kwargs: object) -> requests.Response:
    return requests.get(url, timeout=20, **kwargs)  # type: ignore[arg-type]


def assert_refused(answer: requests.Response, status: int, word: str) -> None:
    """The contract's shape; nobody may remember it, every origin may read it."""
    assert (answer.status_code, answer.json()["type"]) == (status, word), answer.text
    assert answer.json()["error"]["code"] == word
    assert answer.json()["result"] == ""
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
