"""The contract's shapes (tenant-api, sections 4 and 5), asserted to the letter."""

from typing import Any

import requests

TASK_KEYS: dict[str, Any] = {
    "id": str,
    "action": str,
    "customId": str,
    "botType": str,
    "prompt": str,
    "promptEn": str,
    "description": str,
    "state": str,
    "submitTime": int,
    "startTime": int,
    "finishTime": int,
    "imageUrl": str,
    "imageUrls": (list, type(None)),
    "videoUrl": str,
    "videoUrls": (list, type(None)),
    "status": str,
    "progress": str,
    "failReason": str,
    "fail_reason": str,
    "buttons": (list, type(None)),
    "maskBase64": str,
    "mode": str,
    "properties": dict,
}
BUTTON_KEYS = {"customId": str, "emoji": str, "label": str, "type": int, "style": int}


def assert_every_answer(answer: requests.Response) -> None:
    """What no answer of the API may lack."""
    assert answer.headers["X-Request-Id"]
    # A header sent twice arrives as "*, *", which browsers refuse.
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def assert_refused(
    answer: requests.Response,
    status: int,
    kind: str,
    *,
    code: int = 4,
    says: str = "",
    properties: dict[str, str] | None = None,
) -> str:
    """A refusal with exactly these keys; returns its text."""
    assert answer.status_code == status, answer.text
    assert_every_answer(answer)
    assert answer.headers["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    text = body["description"]
    assert isinstance(text, str)
    assert text
    assert body == {
        "code": code,
        "description": text,
        "result": "",
        "properties": properties or {},
        "type": kind,
        "message": text,
        "error": {"message": text, "type": kind, "code": kind},
    }
    # A relay behind us looks for the literal text, without a space.
    assert f'"code":{code},' in answer.text
    assert says in text
    return text


def assert_accepted(answer: requests.Response) -> str:
    """An accepted submit with exactly these keys; returns the task's id."""
    assert answer.status_code == 200, answer.text
    assert_every_answer(answer)
    assert answer.headers["Content-Type"] == "application/json"
    task_id = str(answer.json()["result"])
    assert answer.text == (
        f'{{"code":1,"description":"提交成功","result":"{task_id}","properties":{{}}}}'
    )
    assert task_id.isdigit()
    assert len(task_id) <= 16
    assert int(task_id) < 2**53
    return task_id


def assert_task(task: dict[str, Any]) -> None:
    """All keys of section 5, no other ones, each of its type at any time of a task's life."""
    assert set(task) == set(TASK_KEYS)
    for name, kind in TASK_KEYS.items():
        # A bool is an int to Python, and no client's idea of a time.
        assert isinstance(task[name], kind), (name, task[name])
        assert not isinstance(task[name], bool), name
    assert set(task["properties"]) == {"finalPrompt", "finalZhPrompt"}
    assert all(isinstance(text, str) for text in task["properties"].values())
    assert task["fail_reason"] == task["failReason"]
    assert (task["failReason"] != "") == (task["status"] == "FAILURE")
    assert (task["progress"] == "100%") == (task["status"] in ("SUCCESS", "FAILURE"))
    assert (task["finishTime"] > 0) == (task["status"] in ("SUCCESS", "FAILURE"))
    assert task["submitTime"] > 0
    if task["startTime"]:
        assert task["startTime"] >= task["submitTime"]
    for button in task["buttons"] or []:
        assert {name: type(value) for name, value in button.items()} == BUTTON_KEYS
