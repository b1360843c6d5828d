"""Requests made from /openapi.json, good ones and bad ones: what comes back is what it promises.

They are the same in every run. FUZZ_EXAMPLES says how many for each route and kind.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NotSet
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from channels.models import Channel
from relay import signing
from relay.api.schema import examples
from tests.accounts import Account
from tests.api import schema
from tests.api.upstreams import Upstream
from tests.fuzz.examples import bounded
from tests.stack import Stack

EXAMPLES = 12
KINDS = {"good": GenerationMode.POSITIVE, "bad": GenerationMode.NEGATIVE}
# Without parameters and keys there is nothing that could be wrong.
CANNOT_BE_BAD = ("/healthz", "/readyz")
ROUTES = [
    (method, path, kind)
    for method, path, _ in schema.operations()
    for kind in KINDS
    if kind == "good" or path not in CANNOT_BE_BAD
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PICTURES = ("base64", "image", "maskBase64", "sourceBase64", "targetBase64")
KEY_HEADERS = {"authorization", "mj-api-secret", "x-api-key"}


class Place(NamedTuple):
    """Whom the requests come from, what this tenant really has, and the description."""

    account: Account
    ids: list[str]
    buttons: list[tuple[str, str]]
    schema: Any


@pytest.fixture(scope="module")
def place(stack: Stack) -> Place:
    upstream = Upstream(stack, Channel.Kind.TRUEAI, funds="1000000")
    account = upstream.account
    tasks = [upstream.grid, upstream.single, upstream.description, upstream.video]
    ids = [task["id"] for task in tasks]
    ids += [upstream.modal(), account.draw("zzslow"), account.finish(account.draw("zzfail"))["id"]]
    buttons = [
        (task["id"], button["customId"]) for task in tasks for button in task["buttons"] or ()
    ]
    described = schemathesis.openapi.from_url(f"{stack.url}/openapi.json", timeout=30)
    return Place(account, ids, buttons, described)


@pytest.mark.parametrize(("method", "path", "kind"), ROUTES)
def test_what_comes_back_is_what_the_schema_promises(
    place: Place,
    method: str,
    path: str,
    kind: str,
    record_property: Callable[[str, object], None],
) -> None:
    tried = 0
    requested = place.schema[path][method].as_strategy(KINDS[kind])

    @bounded(EXAMPLES)
    @given(case=requested, is_known=st.booleans(), number=st.integers(0, 2**16))
    def run(case: Case, is_known: bool, number: int) -> None:
        nonlocal tried
        tried += 1
        if is_known:
            _fill(case, place, number)
        if number % 8:
            _bring_key(case, place.account)
        case.call_and_validate(timeout=30, checks=CHECKS)

    run()
    record_property("fuzz_cases", tried)


def _bring_key(case: Case, account: Account) -> None:
    """The tenant's own key in place of the made-up ones."""
    for name in [name for name in case.headers if name.lower() in KEY_HEADERS]:
        del case.headers[name]
    case.headers["Authorization"] = account.headers["Authorization"]


def _fill(case: Case, place: Place, number: int) -> None:
    """Tasks, links, buttons and pictures that there are, where the request names any."""
    task_id = place.ids[number % len(place.ids)]
    purpose = case.path.split("/")[2] if case.path.startswith("/mj/") else ""
    if "task_id" in case.path_parameters:
        case.path_parameters["task_id"] = task_id
    if "word" in case.path_parameters:
        case.path_parameters["word"] = signing.hint_url(int(task_id)).rsplit("/", 1)[1]
    if "sig" in case.query:
        case.query["sig"] = signing.sign(purpose, int(task_id))
    if isinstance(case.body, dict) and not isinstance(case.body, NotSet):
        _fill_body(case.body, place, number, task_id)


def _fill_body(body: dict[str, Any], place: Place, number: int, task_id: str) -> None:
    for name in PICTURES:
        if isinstance(body.get(name), str):
            body[name] = examples.RED if name.startswith("target") else examples.NAVY
    if isinstance(body.get("base64Array"), list):
        body["base64Array"] = [examples.NAVY for _ in body["base64Array"]]
    if isinstance(body.get("content"), str):
        body["content"] = task_id + " " + body["content"].rpartition(" ")[2]
    if isinstance(body.get("ids"), list):
        body["ids"] = [*body["ids"], *place.ids]
    if "customId" in body:
        body["taskId"], body["customId"] = place.buttons[number % len(place.buttons)]
    elif "taskId" in body:
        body["taskId"] = task_id
