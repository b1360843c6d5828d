"""What a request leaves behind is gone by itself: the collector need not look for it."""

import gc
import io
import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.core.handlers.wsgi import WSGIRequest

from relay.api.handler import ApiHandler
from tests.accounts import Account

REQUESTS = 5


@pytest.fixture
def uncollected() -> Iterator[None]:
    """The collector keeps what it finds, and looks only when it is told to."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def ask(handler: ApiHandler, account: Account, method: str, path: str, body: Any = None) -> Any:
    sent = b"" if body is None else json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SERVER_NAME": "relay",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {account.key}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.input": io.BytesIO(sent),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }
    response = handler(environ, lambda status, headers: None)
    try:
        return orjson.loads(b"".join(response))
    finally:
        response.close()


def test_submits_and_fetches_leave_nothing_to_be_looked_for(
    account: Account, uncollected: None
) -> None:
    handler = ApiHandler()
    for number in range(REQUESTS):
        drawn = ask(handler, account, "POST", "/mj/submit/imagine", {"prompt": f"litter {number}"})
        assert drawn["code"] == 1
        path = f"/mj/task/{drawn['result']}/fetch"
        assert ask(handler, account, "GET", path)["id"] == drawn["result"]
    gc.collect()
    assert [found for found in gc.garbage if isinstance(found, WSGIRequest)] == []
