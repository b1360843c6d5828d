"""midjourney-proxy 2.6: its routes, texts and task objects."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from .running import DRAWING_SECONDS, PNG, SECRET, Sandbox, eventually, start, stop

TASK_KEYS = {
    "id",
    "properties",
    "action",
    "status",
    "prompt",
    "promptEn",
    "description",
    "state",
    "submitTime",
    "startTime",
    "finishTime",
    "imageUrl",
    "progress",
    "failReason",
}


def test_an_ended_task_has_every_key_and_its_times_in_order(sandbox: Sandbox) -> None:
    task = sandbox.drawn("猫", state="s")
    assert set(task) == TASK_KEYS
    assert task["status"] == "SUCCESS"
    assert (task["prompt"], task["promptEn"], task["description"]) == ("猫", "猫", "/imagine 猫")
    assert (task["state"], task["failReason"]) == ("s", None)
    assert task["submitTime"] <= task["startTime"] < task["finishTime"]
    assert 190 <= task["finishTime"] - task["startTime"] <= 900
    properties = task["properties"]
    assert properties["notifyHook"] is None
    assert properties["finalPrompt"] == "猫"
    assert properties["flags"] == 0
    assert re.fullmatch(r"[0-9a-f-]{36}", properties["messageHash"])
    assert {"nonce", "discordInstanceId", "progressMessageId", "messageId"} <= set(properties)


def test_a_new_drawing_seconds_counts_for_the_next_drawing(sandbox: Sandbox) -> None:
    sandbox.helper("control", {"drawing_seconds": 1})
    task_id = sandbox.imagine("slower")["result"]
    sandbox.helper("control", {"drawing_seconds": DRAWING_SECONDS})
    task = sandbox.ended(task_id)
    assert task["finishTime"] - task["startTime"] >= 950


def test_ids_have_sixteen_digits_and_are_never_equal(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(sandbox.imagine, ["zzlost many"] * 300))
    ids = {answer["result"] for answer in answers}
    assert len(ids) == 300
    assert all(re.fullmatch(r"\d{16}", task_id) for task_id in ids)


def test_a_full_queue_answers_23_and_stores_nothing(narrow: Sandbox) -> None:
    answers = [narrow.imagine(f"number {number}") for number in range(4)]
    # The second waits, but nobody waited before it: midjourney-proxy answers 1.
    assert [answer["code"] for answer in answers] == [1, 1, 22, 23]
    assert answers[2]["description"] == "排队中，前面还有1个任务"
    assert answers[2]["properties"]["numberOfQueues"] == 1
    assert answers[3]["description"] == "队列已满，请稍后尝试"
    assert answers[3]["result"] is None
    listed = narrow.mj("task/list").json()
    assert [task["id"] for task in listed] == [a["result"] for a in reversed(answers[:3])]
    queued = narrow.mj("task/queue").json()
    assert [task["id"] for task in queued] == [answer["result"] for answer in answers[:3]]
    assert [task["status"] for task in queued[1:]] == ["NOT_START", "NOT_START"]
    assert queued[1]["progress"] is None
    assert queued[1]["startTime"] is None


def test_a_waiting_task_is_drawn_when_a_worker_is_free() -> None:
    sandbox = start(drawing_seconds=0.2, workers=1, queue_size=5)
    try:
        tasks = [sandbox.imagine("one after the other")["result"] for _ in range(3)]
        ends = [sandbox.ended(task)["finishTime"] for task in tasks]
        assert ends == sorted(ends)
        assert ends[2] - ends[0] >= 350
    finally:
        stop(sandbox)


def test_list_by_condition_drops_unknown_ids(sandbox: Sandbox) -> None:
    task_id = sandbox.imagine("known")["result"]
    assert [task["id"] for task in sandbox.find("1", task_id, "2")] == [task_id]
    assert sandbox.mj("task/list-by-condition", {"ids": None}).json() == []
    assert sandbox.mj("task/list-by-condition", {}).json() == []


def test_fetch_of_an_unknown_task_is_200_without_a_body(sandbox: Sandbox) -> None:
    answer = sandbox.mj("task/1720333718022739/fetch")
    assert (answer.status_code, answer.content) == (200, b"")


def test_half_a_character_does_not_break_the_list(sandbox: Sandbox) -> None:
    task_id = sandbox.imagine("half \ud83d", state="\ud83d")["result"]
    assert sandbox.find(task_id)[0]["state"] == "?"


def test_fetch_answers_one_task(sandbox: Sandbox) -> None:
    task = sandbox.drawn("fetched")
    assert sandbox.mj(f"task/{task['id']}/fetch").json() == task


def test_the_account_can_be_listed_and_fetched(sandbox: Sandbox) -> None:
    (account,) = sandbox.mj("account/list").json()
    assert (account["enable"], account["coreSize"], account["queueSize"]) == (True, 50, 50)
    assert sandbox.mj(f"account/{account['channelId']}/fetch").json() == account
    assert sandbox.mj("account/1/fetch").content == b""


@pytest.mark.parametrize(
    ("path", "fields", "action", "operation"),
    [
        ("change", {"action": "UPSCALE", "index": 2}, "UPSCALE", "U2"),
        ("change", {"action": "VARIATION", "index": 3}, "VARIATION", "V3"),
        ("change", {"action": "REROLL"}, "REROLL", "R"),
        ("simple-change", {"content": "{id} u4"}, "UPSCALE", "U4"),
        ("simple-change", {"content": "{id} V1"}, "VARIATION", "V1"),
        ("simple-change", {"content": "{id} r"}, "REROLL", "R"),
    ],
)
def test_a_grid_can_be_changed(
    sandbox: Sandbox,
    grid: dict[str, Any],
    path: str,
    fields: dict[str, Any],
    action: str,
    operation: str,
) -> None:
    body = {key: str(v).format(id=grid["id"]) for key, v in fields.items()}
    answer = sandbox.mj(f"submit/{path}", {"taskId": grid["id"], **body}).json()
    assert answer["code"] == 1
    task = sandbox.ended(answer["result"])
    assert (task["action"], task["status"]) == (action, "SUCCESS")
    assert task["description"] == f"/up {grid['id']} {operation}"
    assert task["prompt"] == grid["prompt"]
    assert task["properties"]["referencedMessageId"] == grid["properties"]["messageId"]


def test_zznext_words_steer_the_follow_ups_of_a_picture(sandbox: Sandbox) -> None:
    parent = sandbox.drawn("zznextfull")
    assert parent["status"] == "SUCCESS"
    answer = sandbox.mj("submit/simple-change", {"content": f"{parent['id']} u1"}).json()
    assert answer["code"] == 23


def test_an_index_that_no_grid_has_fails_without_ever_starting(
    sandbox: Sandbox, grid: dict[str, Any]
) -> None:
    change = {"taskId": grid["id"], "action": "UPSCALE", "index": 7}
    hook = {"notifyHook": sandbox.inbox("index")}
    task = sandbox.ended(sandbox.mj("submit/change", {**change, **hook}).json()["result"])
    assert task["status"] == "FAILURE"
    posts = eventually(lambda: sandbox.posts("index"))
    assert [post["status"] for post in posts] == ["FAILURE"]


def test_describe_answers_four_prompts(sandbox: Sandbox) -> None:
    task_id = sandbox.mj("submit/describe", {"base64": PNG}).json()["result"]
    task = sandbox.ended(task_id)
    assert task["description"] == f"/describe {task_id}.png"
    assert task["prompt"] == task["promptEn"] == task["properties"]["finalPrompt"]
    assert all(number in task["prompt"] for number in ("1️⃣", "2️⃣", "3️⃣", "4️⃣"))


def test_blend_and_imagine_show_links_of_the_uploaded_pictures(sandbox: Sandbox) -> None:
    fields = {"base64Array": [PNG, PNG], "dimensions": "PORTRAIT"}
    blend = sandbox.ended(sandbox.mj("submit/blend", fields).json()["result"])
    assert blend["description"] == f"/blend {blend['id']} 2"
    assert blend["prompt"].endswith(" --ar 2:3")
    task = sandbox.drawn("with pictures", base64Array=[PNG], base64=PNG)
    first, second, rest = task["prompt"].split(" ", 2)
    assert rest == "with pictures"
    assert task["description"] == f"/imagine {task['prompt']}"
    assert requests.get(first).content.startswith(b"\x89PNG")
    assert requests.get(second).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "code", "description"),
    [
        ("imagine", {}, 4, "prompt不能为空"),
        ("imagine", {"prompt": "  "}, 4, "prompt不能为空"),
        ("imagine", {"prompt": "a", "base64Array": ["https://a/b.png"]}, 4, "base64格式错误"),
        ("imagine", {"prompt": "a", "base64": "data:image/png;base64,%"}, 4, "base64格式错误"),
        ("imagine", {"prompt": "a", "base64": "data:image/svg+xml,a"}, 4, "base64格式错误"),
        ("change", {"action": "UPSCALE", "index": 1}, 4, "taskId不能为空"),
        ("change", {"taskId": "1"}, 4, "action参数错误"),
        ("change", {"taskId": "1", "action": "IMAGINE"}, 4, "action参数错误"),
        ("change", {"taskId": "1", "action": "REROLL"}, 3, "关联任务不存在或已失效"),
        ("simple-change", {}, 4, "content参数错误"),
        ("simple-change", {"content": "1 u5"}, 4, "content参数错误"),
        ("simple-change", {"content": "1 x1"}, 4, "content参数错误"),
        ("simple-change", {"content": "1 u1"}, 3, "关联任务不存在或已失效"),
        ("describe", {}, 4, "base64不能为空"),
        ("blend", {"base64Array": [PNG]}, 4, "base64List参数错误"),
        ("blend", {"base64Array": [PNG] * 2, "dimensions": None}, 4, "dimensions参数错误"),
    ],
)
def test_a_wrong_field_is_named_in_http_200(
    sandbox: Sandbox, path: str, body: dict[str, Any], code: int, description: str
) -> None:
    answer = sandbox.mj(f"submit/{path}", body)
    assert answer.status_code == 200
    assert answer.json() == {
        "code": code,
        "description": description,
        "result": None,
        "properties": {},
    }


def test_only_an_ended_grid_can_be_changed(sandbox: Sandbox, grid: dict[str, Any]) -> None:
    running = sandbox.imagine("zzslow, still running")["result"]
    answer = sandbox.mj("submit/simple-change", {"content": f"{running} u1"}).json()
    assert (answer["code"], answer["description"]) == (4, "关联任务状态错误")
    big = sandbox.mj("submit/simple-change", {"content": f"{grid['id']} u1"}).json()["result"]
    sandbox.ended(big)
    answer = sandbox.mj("submit/simple-change", {"content": f"{big} u1"}).json()
    assert (answer["code"], answer["description"]) == (4, "关联任务不允许执行变化")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("submit/imagine", "{", 400),
        ("submit/imagine", "", 400),
        ("submit/imagine", "[]", 400),
        ("submit/imagine", '{"prompt": {}}', 400),
        ("submit/change", '{"taskId": "1", "action": "ZOOM"}', 400),
        ("submit/describe", '{"base64": "data:image/png"}', 500),
        ("submit/simple-change", '{"content": "1 "}', 500),
        ("submit/action", "{}", 404),
        ("nowhere", "{}", 404),
    ],
)
def test_the_framework_answers_in_its_own_json(
    sandbox: Sandbox, path: str, body: str, status: int
) -> None:
    headers = {**SECRET, "Content-Type": "application/json"}
    answer = sandbox.mj(path, {}, json=None, data=body, headers=headers)
    assert answer.status_code == status
    assert set(answer.json()) == {"timestamp", "status", "error", "path"}
    assert answer.json()["path"] == f"/midjourney-proxy/mj/{path}"


def test_a_body_that_is_not_called_json_is_not_read(sandbox: Sandbox) -> None:
    answer = sandbox.mj("submit/imagine", {}, json=None, data=b'{"prompt": "a"}')
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("submit/imagine", {"prompt": "unpaid"}),
        ("task/list-by-condition", {"ids": []}),
        ("task/queue", None),
        ("account/list", None),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"mj-api-secret": "wrong"}, {"Authorization": "Bearer x"}])
def test_without_the_secret_everything_is_401_without_a_body(
    sandbox: Sandbox, path: str, body: object, headers: dict[str, str]
) -> None:
    answer = sandbox.mj(path, body, headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")
    assert sandbox.submits("unpaid") == []
