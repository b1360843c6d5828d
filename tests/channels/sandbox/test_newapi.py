"""new-api: its task object, how tasks are looked up, and who is let in."""

from typing import Any

import pytest
import requests

from .running import SECRET, NewApi, eventually, start, stop

# The task object


def test_an_ended_task_has_every_key_in_its_type(newapi: NewApi, drawing: dict[str, Any]) -> None:
    newapi.check(drawing)
    assert (drawing["status"], drawing["progress"]) == ("SUCCESS", "100%")
    assert (drawing["description"], drawing["state"]) == ("提交成功", "s")
    assert drawing["properties"] == {"finalPrompt": "a grid", "finalZhPrompt": ""}
    assert set(drawing["buttons"][0]) == {"customId", "emoji", "label", "type", "style"}
    assert drawing["imageUrl"] == f"{newapi.address}/newapi/mj/image/{drawing['id']}"
    assert newapi.mj(f"task/{drawing['id']}/fetch").json() == drawing


def test_a_task_nobody_has_drawn_on_is_empty() -> None:
    newapi = NewApi(*vars(start(drawing_seconds=600, workers=1)).values())
    try:
        newapi.imagine("the first")
        waiting = newapi.imagine("the second")
        assert waiting["code"] == 1
        (task,) = newapi.find(waiting["result"])
        newapi.check(task)
        assert (task["status"], task["progress"], task["promptEn"]) == ("", "0%", "")
        assert (task["startTime"], task["finishTime"], task["imageUrl"]) == (0, 0, "")
        assert (task["buttons"], task["properties"]) == (None, None)
    finally:
        stop(newapi)


def test_a_running_task_has_another_picture_at_each_step(newapi: NewApi) -> None:
    task_id = newapi.imagine("zzslow")["result"]
    task = eventually(lambda: [t for t in newapi.find(task_id) if t["progress"] == "31%"])[0]
    newapi.check(task)
    assert (task["failReason"], task["finishTime"]) == ("", 0)
    assert "?rand=" in task["imageUrl"]
    assert newapi.find(task_id)[0]["imageUrl"] != task["imageUrl"]
    assert requests.get(task["imageUrl"]).content.startswith(b"\x89PNG")


def test_a_failed_task_has_100_percent(newapi: NewApi) -> None:
    task = newapi.drawn("zzfail")
    newapi.check(task)
    assert (task["status"], task["progress"]) == ("FAILURE", "100%")
    assert task["failReason"]
    swept = newapi.imagine("zzsweep")["result"]
    task = eventually(lambda: [t for t in newapi.find(swept) if t["status"] == "FAILURE"])[0]
    assert (task["progress"], task["finishTime"]) == ("100%", 0)


def test_the_progress_may_be_words(newapi: NewApi) -> None:
    newapi.helper("control", {"drawing_seconds": 2})
    task_id = newapi.imagine("zzwords")["result"]
    eventually(lambda: newapi.find(task_id)[0]["progress"] == "Waiting to start")


def test_the_address_of_a_picture_may_be_the_upstreams(newapi: NewApi) -> None:
    task = newapi.drawn("elsewhere")
    newapi.helper("control", {"newapi_forward_urls": False})
    assert "/sandbox/pictures/" in newapi.find(task["id"])[0]["imageUrl"]


def test_a_picture_needs_no_key(newapi: NewApi, drawing: dict[str, Any]) -> None:
    answer = requests.get(drawing["imageUrl"])
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    unknown = newapi.mj("image/1", headers={})
    assert (unknown.status_code, unknown.json()) == (400, {"error": "midjourney_task_not_found"})


# Looking tasks up


def test_tasks_come_in_the_order_of_the_database(newapi: NewApi) -> None:
    ids = [newapi.imagine("one of three")["result"] for _ in range(3)]
    assert [task["id"] for task in newapi.find(ids[2], "1", ids[0], ids[1])] == ids
    assert newapi.find() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"ids": [1]}', b'{"ids": "1"}'])
def test_ids_are_a_list_of_texts(newapi: NewApi, body: bytes) -> None:
    headers = {**SECRET, "Content-Type": "application/json"}
    answer = newapi.mj("task/list-by-condition", {}, json=None, data=body, headers=headers)
    assert (answer.status_code, answer.json()["description"]) == (400, "do_request_failed ")


def test_an_unknown_task_is_400_with_a_blank_behind_its_text(newapi: NewApi) -> None:
    error = {"description": "task_no_found ", "type": "upstream_error", "code": 4}
    for path in ("task/1/fetch", "task/1/image-seed"):
        answer = newapi.mj(path)
        assert (answer.status_code, answer.json()) == (400, error)
    hidden = newapi.drawn("zznull204")
    assert newapi.mj(f"task/{hidden['id']}/fetch").json() == error


def test_a_seed_is_four_keys_in_http_200(newapi: NewApi, drawing: dict[str, Any]) -> None:
    found = newapi.mj(f"task/{drawing['id']}/image-seed").json()
    assert list(found) == ["code", "description", "properties", "result"]
    assert found["result"].isdecimal()
    running = newapi.imagine("zzslow")["result"]
    answer = newapi.mj(f"task/{running}/image-seed")
    assert (answer.status_code, answer.json()["code"], answer.json()["result"]) == (200, 4, "")


@pytest.mark.parametrize(
    "path", ["task/list", "task/queue", "task/1/cancel", "nowhere", "../login"]
)
@pytest.mark.parametrize("body", [None, {}])
def test_what_it_does_not_know_is_its_web_page(newapi: NewApi, path: str, body: object) -> None:
    answer = newapi.mj(path, body)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def test_only_unknown_programmes_interfaces_are_404(newapi: NewApi) -> None:
    assert newapi.call("v1/nothing").json()["error"]["type"] == "invalid_request_error"
    assert newapi.call("api/nothing").status_code == 404


# The door


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer open sesame"},
        {"Authorization": "bearer sk-open sesame"},
        {"Authorization": "open sesame", "mj-api-secret": "wrong"},
        {"mj-api-secret": "Bearer sk-open sesame"},
        {"Authorization": "midjourney-proxy", "mj-api-secret": "open sesame"},
        {"Authorization": "", "mj-api-secret": "sk-open sesame"},
    ],
)
def test_a_key_may_stand_in_either_header(newapi: NewApi, headers: dict[str, str]) -> None:
    answer = newapi.mj("task/list-by-condition", {"ids": []}, headers=headers)
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({**SECRET, "Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer open sesame-7"}, 403),
    ],
)
def test_a_wrong_key_is_told_as_openai_would(
    newapi: NewApi, headers: dict[str, str], status: int
) -> None:
    answer = newapi.mj("submit/imagine", {"prompt": "unpaid"}, headers=headers)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("new_api_error", "")
    request_id = answer.headers["X-Oneapi-Request-Id"]
    assert error["message"].endswith(f" (request id: {request_id})")
    assert newapi.submits("unpaid") == []


def test_other_origins_are_let_in(newapi: NewApi) -> None:
    origin = {"Origin": "https://shop.example"}
    asked = requests.options(f"{newapi.address}/newapi/mj/submit/imagine", headers=origin)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "https://shop.example"
