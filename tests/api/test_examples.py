"""Every example of /openapi.json is sent, and what comes is what the examples show.

The refusals are in test_example_refusals.py.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from billing import books
from channels.models import Channel
from relay import actions, signing
from relay.api.schema import examples
from tests.accounts import Account
from tests.api import schema
from tests.api.schema import Example
from tests.api.upstreams import BASES, Upstream
from tests.prices import PRICES
from tests.stack import Stack, wait_until

# What midjourney-proxy 2.x cannot do: refused with 400 before any money moves.
MIDJOURNEY_PROXY_CANNOT = {
    "describe-AnAddress",
    "shorten-APrompt",
    "edits-WholePicture",
    "edits-Masked",
    "edit-WholePicture",
    "video-FromAPicture",
    "video-Extend",
    "upload-TwoPictures",
    "swap-Faces",
    "swap-Addresses",
    "action-UpscaleHdButton",
    "action-LowVariationButton",
    "action-HighVariationButton",
    "action-PanButton",
    "action-ZoomButton",
    "action-CustomZoomButton",
    "action-InpaintButton",
    "action-AnimateButton",
    "action-PicreaderButton",
    "action-PicreaderAllButton",
    "action-PicreadRetryButton",
    "action-PromptAnalyzerButton",
    "modal-AsProposed",
    "modal-NewPrompt",
    "modal-Inpaint",
    "fetch-Waiting",
    "fetch-Cancelled",
}
# What trueai 11 itself refuses, when it is asked.
TRUEAI_REFUSES = {"action-PromptAnalyzerButton"}
# What new-api refuses, when it is asked; and a swap by address, which it is not asked for.
NEWAPI_REFUSES = {
    "action-AnimateButton",
    "action-PicreaderButton",
    "action-PicreaderAllButton",
    "action-PicreadRetryButton",
    "action-PromptAnalyzerButton",
    "swap-Addresses",
}
CANNOT = {
    Channel.Kind.MIDJOURNEY_PROXY: MIDJOURNEY_PROXY_CANNOT,
    Channel.Kind.TRUEAI: TRUEAI_REFUSES,
    Channel.Kind.NEWAPI: NEWAPI_REFUSES,
}


@pytest.fixture(scope="module", autouse=True)
def every_price(database: str) -> Iterator[None]:
    """All that can be done has a price, as long as this module runs."""
    prices = ", ".join(f'"{name}": 0.01' for name in actions.all_price_names())
    books.publish_json(f"{{{prices}}}", memo="examples")
    yield
    books.publish_json(PRICES, memo="tests")


@pytest.fixture(scope="module")
def upstreams(stack: Stack) -> Callable[[str], Upstream]:
    opened: dict[str, Upstream] = {}

    def at(kind: str) -> Upstream:
        if kind not in opened:
            opened[kind] = Upstream(stack, kind)
        return opened[kind]

    return at


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("example", schema.requests(), ids=str)
def test_a_request_as_in_the_example_is_answered_as_in_the_examples(
    upstreams: Callable[[str], Upstream], example: Example, kind: str
) -> None:
    upstream = upstreams(kind)
    path, body = _filled(example, upstream)
    tasks_before = upstream.account.written["tasks"]
    answer = upstream.account.request(example.method, path, json=body)
    if _cannot(example, kind):
        assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request"), answer.text
        schema.check(answer.json(), schema.SCHEMAS["Error"])
        is_free = kind == Channel.Kind.MIDJOURNEY_PROXY
        assert not is_free or upstream.account.written["tasks"] == tasks_before
    elif example.operation == "hint":
        assert (answer.status_code, answer.content) == (200, b"")
    else:
        assert answer.status_code == 200, answer.text
        schema.check(answer.json(), schema.schema_of(example.method, example.path, 200))
        shown = schema.answers_to(example.method, example.path, 200)
        assert schema.fits(answer.json(), shown), answer.text


@pytest.mark.parametrize("example", schema.requests(), ids=str)
def test_a_request_as_in_the_example_fits_its_own_schema(example: Example) -> None:
    operation = schema.DOCUMENT["paths"][example.path][example.method.lower()]
    schema.check(example.value, operation["requestBody"]["content"][schema.JSON]["schema"])


def _cannot(example: Example, kind: str) -> bool:
    return str(example) in CANNOT[Channel.Kind(kind)]


def _filled(example: Example, upstream: Upstream) -> tuple[str, dict[str, Any]]:
    """The example with tasks that exist in place of its own."""
    body, path = dict(example.value), example.path
    is_narrow = upstream.kind == Channel.Kind.MIDJOURNEY_PROXY
    if example.operation == "modal":
        body["taskId"] = upstream.grid["id"] if is_narrow else _modal_for(example, upstream)
    elif example.operation == "video" and "taskId" in body:
        body["taskId"] = (upstream.grid if is_narrow else upstream.video)["id"]
    elif example.operation == "hint":
        path = "/" + signing.hint_url(int(upstream.grid["id"])).split("/", 3)[3]
    elif "customId" in body:
        body |= _button_like(body["customId"], upstream)
    elif "taskId" in body:
        body["taskId"] = upstream.grid["id"]
    if "content" in body:
        body["content"] = body["content"].replace(examples.TASK, upstream.grid["id"])
    if "ids" in body:
        body["ids"] = [upstream.grid["id"], int(upstream.grid["id"])]
    if "notifyHook" in body:
        body["notifyHook"] = upstream.account.stack.inbox_url(upstream.account.tenant.name)
    return path, body


def _modal_for(example: Example, upstream: Upstream) -> str:
    return upstream.modal("MJ::Inpaint::" if "maskBase64" in example.value else "MJ::CustomZoom::")


def _button_like(custom_id: str, upstream: Upstream) -> dict[str, str]:
    """A task that has such a button, and that button; else the grid, and the example's own."""
    beginning, _, _ = custom_id.partition(examples.HASH)
    for task in upstream.parents():
        if custom_id == actions.PICREADER_ALL and task["action"] == "DESCRIBE":
            return {"taskId": task["id"]}
        for button in task["buttons"] or ():
            if button["customId"].startswith(beginning):
                return {"taskId": task["id"], "customId": button["customId"]}
    return {"taskId": upstream.grid["id"]}


def _drawing(upstream: Upstream) -> dict[str, Any]:
    task_id = upstream.account.draw("zzslow")

    def begun() -> dict[str, Any] | None:
        task = upstream.account.fetch(task_id)
        return task if task["status"] == "IN_PROGRESS" else None

    task: dict[str, Any] = wait_until(begun, what="a drawing")
    return task


def _cancelled(upstream: Upstream) -> str:
    task_id = upstream.modal()
    answer = upstream.account.request("POST", f"/mj/task/{task_id}/cancel")
    assert answer.status_code == 200, answer.text
    return task_id


TASKS: dict[str, Callable[[Upstream], dict[str, Any]]] = {
    "Drawing": _drawing,
    "Finished": lambda upstream: upstream.grid,
    "Failed": lambda upstream: upstream.account.finish(upstream.account.draw("zzfail")),
    "Described": lambda upstream: upstream.description,
    "Waiting": lambda upstream: upstream.account.fetch(upstream.modal()),
    "Cancelled": lambda upstream: upstream.account.fetch(_cancelled(upstream)),
}
STATUSES = {
    "Drawing": "IN_PROGRESS",
    "Failed": "FAILURE",
    "Waiting": "MODAL",
    "Cancelled": "CANCEL",
}


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize(
    "example",
    [example for example in schema.answers() if example.operation == "fetch"],
    ids=str,
)
def test_a_task_looks_as_in_the_example(
    upstreams: Callable[[str], Upstream], example: Example, kind: str
) -> None:
    if _cannot(example, kind):
        pytest.skip("midjourney-proxy 2.x has no such tasks")
    task = TASKS[example.name](upstreams(kind))
    schema.check(task, schema.SCHEMAS["Task"])
    assert schema.fits(task, [example.value])
    assert task["status"] == STATUSES.get(example.name, "SUCCESS")
    assert list(task) == list(example.value)


@pytest.mark.parametrize(
    "example",
    [
        example
        for example in schema.answers()
        if example.method == "GET" and "{" not in example.path and example.status == 200
    ],
    ids=str,
)
def test_a_question_is_answered_as_in_the_example(
    upstreams: Callable[[str], Upstream], example: Example
) -> None:
    upstream = upstreams(Channel.Kind.MIDJOURNEY_PROXY)
    _drawing(upstream)
    answer = upstream.account.request("GET", example.path)
    assert answer.status_code == 200, answer.text
    schema.check(answer.json(), schema.schema_of("GET", example.path, 200))
    assert schema.fits(answer.json(), [example.value]), answer.text


@pytest.mark.parametrize("kind", BASES)
def test_a_seed_is_told_as_in_the_example(upstreams: Callable[[str], Upstream], kind: str) -> None:
    upstream = upstreams(kind)
    task = upstream.grid if kind == Channel.Kind.MIDJOURNEY_PROXY else upstream.single
    answer = upstream.account.request("GET", f"/mj/task/{task['id']}/image-seed")
    if kind == Channel.Kind.MIDJOURNEY_PROXY:
        assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request")
        return
    assert answer.status_code == 200, answer.text
    schema.check(answer.json(), schema.SCHEMAS["Seed"])
    assert schema.fits(
        answer.json(), schema.answers_to("GET", "/mj/task/{task_id}/image-seed", 200)
    )


def test_a_task_that_is_drawn_is_not_cancelled(upstreams: Callable[[str], Upstream]) -> None:
    upstream = upstreams(Channel.Kind.MIDJOURNEY_PROXY)
    answer = upstream.account.request("POST", f"/mj/task/{upstream.grid['id']}/cancel")
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request")


def test_a_modal_is_cancelled_as_in_the_example(upstreams: Callable[[str], Upstream]) -> None:
    upstream = upstreams(Channel.Kind.TRUEAI)
    task_id = upstream.modal()
    answer = upstream.account.request("POST", f"/mj/task/{task_id}/cancel")
    assert answer.json() == examples.accepted(task_id)


def test_a_picture_has_a_type_that_is_described(upstreams: Callable[[str], Upstream]) -> None:
    answer = requests.get(upstreams(Channel.Kind.MIDJOURNEY_PROXY).grid["imageUrl"], timeout=10)
    described = schema.DOCUMENT["paths"]["/mj/image/{task_id}"]["get"]["responses"]["200"]
    assert answer.headers["Content-Type"] in described["content"]


@pytest.mark.parametrize("example", schema.answers(), ids=str)
def test_an_answer_as_in_the_example_fits_its_own_schema(example: Example) -> None:
    schema.check(example.value, schema.schema_of(example.method, example.path, example.status))


def test_a_callback_is_as_in_the_examples(account: Account) -> None:
    account.finish(account.draw(notifyHook=account.stack.inbox_url(account.tenant.name)))
    operation = schema.DOCUMENT["paths"]["/mj/submit/imagine"]["post"]
    (posted,) = operation["callbacks"]["taskChanged"].values()
    content = posted["post"]["requestBody"]["content"][schema.JSON]
    shown = [example["value"] for example in content["examples"].values()]
    messages = wait_until(lambda: account.stack.inbox(account.tenant.name), what="a callback")
    for message in messages:
        headers = {name.lower() for name in message["headers"]}
        assert headers >= {header["name"].lower() for header in posted["post"]["parameters"]}
        body = json.loads(message["body"])
        schema.check(body, schema.SCHEMAS["Task"])
        assert schema.fits(body, shown)
