"""How the well-known client programs speak: a base address, headers of their own, and no more."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from billing import books
from channels.models import Channel
from relay import actions
from relay.api.schema import examples
from tests.accounts import TERMINAL, Account
from tests.api.upstreams import Upstream
from tests.prices import PRICES
from tests.stack import Stack, wait_until


@dataclass
class Client:
    """`base` ends where the client's own paths begin. `{key}` in a header is the key."""

    account: Account
    base: str = "/mj"
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **sent: Any) -> requests.Response:
        key = self.account.key
        headers = {name: value.format(key=key) for name, value in self.headers.items()}
        url = f"{self.account.stack.url}{self.base}/{path}"
        sent["headers"] = headers | sent.get("headers", {})
        return requests.request(method, url, timeout=30, allow_redirects=False, **sent)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.ask("POST", path, json=body)

    def submit(self, path: str, body: dict[str, Any]) -> str:
        """An accepted submit, as the strictest of them reads it: 200, code 1, a string."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["code"], type(found["result"])) == (1, str), found
        return str(found["result"])

    def fetch(self, task_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"task/{task_id}/fetch")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def finish(self, task_id: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            task = self.fetch(task_id)
            return task if task["status"] in TERMINAL else None

        task: dict[str, Any] = wait_until(ended, what=f"the end of {task_id}")
        return task


NAVY, RED, MASK = examples.NAVY, examples.RED, examples.MASK
# A picture as base64 alone.
BARE = NAVY.partition(",")[2]
BEARER = {"Authorization": "Bearer {key}", "Content-Type": "application/json"}
SECRET = {"mj-api-secret": "{key}", "Content-Type": "application/json"}
RAW = {"Authorization": "{key}", "Content-Type": "application/json"}


def button(task: dict[str, Any], beginning: str) -> str:
    ids = [button["customId"] for button in task["buttons"]]
    return next(custom_id for custom_id in ids if custom_id.startswith(beginning))


def message_hash(task: dict[str, Any]) -> str:
    """As clients take it out of the first button."""
    return str(task["buttons"][0]["customId"].split("::")[4])


def inbox(account: Account) -> str:
    return account.stack.inbox_url(account.tenant.name)


def messages(account: Account, task_id: str) -> list[dict[str, Any]]:
    bodies = [json.loads(m["body"]) for m in account.stack.inbox(account.tenant.name)]
    return [body for body in bodies if body["id"] == task_id]


def ended(account: Account, task_id: str) -> dict[str, Any]:
    """The final callback about a task."""

    def final() -> list[dict[str, Any]]:
        ends = ("SUCCESS", "FAILURE")
        return [body for body in messages(account, task_id) if body["status"] in ends]

    (message,) = wait_until(final, what=f"the final callback about {task_id}")
    found: dict[str, Any] = message
    return found


def sent_upstream(account: Account, contains: str) -> dict[str, Any]:
    """The one submit that reached the upstream with this in its prompt."""
    (found,) = account.stack.submits(contains)
    body: dict[str, Any] = found["body"]
    return body


@pytest.fixture(scope="module")
def every_price(database: str) -> Iterator[None]:
    """All that can be done has a price, as long as this module runs."""
    prices = ", ".join(f'"{name}": 0.01' for name in actions.all_price_names())
    books.publish_json(f"{{{prices}}}", memo="clients")
    yield
    books.publish_json(PRICES, memo="tests")


@pytest.fixture(scope="module")
def wide(stack: Stack, every_price: None) -> Upstream:
    """A customer whose upstream can do everything, with finished tasks."""
    return Upstream(stack, Channel.Kind.TRUEAI)
