"""The task object at every moment of a task's life, and who may see it (tenant-api, 5 and 6)."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.accounts import TERMINAL, Account
from tests.api.shapes import assert_accepted, assert_every_answer, assert_refused, assert_task
from tests.stack import Stack, wait_until

OpenAnAccount = Callable[..., Account]
ORDER = ["NOT_START", "SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE"]
STATES = [
    "order 7",
    "",
    "灯塔 🗼🏽‍♀️ \u202e\ufeff\u0301",
    '{"a": "\\"}\\u0000\n\t\r',
    "<script>alert(1)</script>",
    "  blanks stay  ",
    "'; DROP TABLE relay_task; --",
    "s" * 10_000,
]


@pytest.fixture
def unhurried(stack: Stack) -> Iterator[None]:
    """Drawings that take long enough to be watched."""
    control = f"{stack.sandbox_url}/sandbox/control"
    requests.post(control, json={"drawing_seconds": 4}, timeout=5).raise_for_status()
    yield
    seconds = {"drawing_seconds": stack.drawing_seconds}
    requests.post(control, json=seconds, timeout=5).raise_for_status()


def watch(account: Account, task_id: str) -> list[dict[str, Any]]:
    """Every different answer from now to the end, in the order they were seen."""
    seen: list[dict[str, Any]] = []

    def ended() -> bool:
        task = account.fetch(task_id)
        if not seen or task != seen[-1]:
            seen.append(task)
        return bool(task["status"] in TERMINAL)

    wait_until(ended, what=f"the end of {task_id}")
    return seen


def assert_only_forward(seen: list[dict[str, Any]]) -> None:
    for task in seen:
        assert_task(task)
    ranks = [ORDER.index(task["status"]) for task in seen]
    assert ranks == sorted(ranks)
    percents = [int(task["progress"].removesuffix("%")) for task in seen]
    assert percents == sorted(percents)
    for name in ("id", "action", "prompt", "state", "submitTime", "botType", "mode"):
        assert len({task[name] for task in seen}) == 1, name
    started = [task["startTime"] for task in seen if task["startTime"]]
    assert len(set(started)) == 1


def test_a_task_only_ever_moves_forward(account: Account, unhurried: None) -> None:
    seen = watch(account, account.draw("a lighthouse", state="order 7"))
    assert_only_forward(seen)
    assert len(seen) > 3
    assert {"IN_PROGRESS", "SUCCESS"} <= {task["status"] for task in seen}
    last = seen[-1]
    assert last["progress"] == "100%"
    assert last["imageUrl"].startswith(f"{account.stack.url}/mj/image/{last['id']}?sig=")
    assert last["finishTime"] >= last["startTime"] >= last["submitTime"]
    assert last["properties"]["finalPrompt"] == last["promptEn"] == "a lighthouse"
    # Each preview has an address of its own, so that no cache shows an older one.
    previews = [task["imageUrl"] for task in seen[:-1] if task["imageUrl"]]
    assert len(set(previews)) == len(previews) > 0
    assert last["imageUrl"] not in previews


def test_a_failing_task_only_ever_moves_forward(account: Account, unhurried: None) -> None:
    seen = watch(account, account.draw("zzfail"))
    assert_only_forward(seen)
    assert (seen[-1]["status"], seen[-1]["progress"]) == ("FAILURE", "100%")
    assert "zzfail" in seen[-1]["failReason"]


def test_a_task_can_be_fetched_before_its_submit_is_answered(account: Account) -> None:
    """The upstream hangs; the task exists all the same and is shown as not started."""
    submit = threading.Thread(target=account.imagine, args=("zzhang zzmute",), daemon=True)
    submit.start()
    wait_until(lambda: account.written["tasks"], what="the task")
    task = account.fetch(str(account.last_task.pk))
    assert (task["status"], task["progress"], task["startTime"]) == ("NOT_START", "0%", 0)
    assert_task(task)
    submit.join()
    assert_only_forward([task, *watch(account, task["id"])])


def test_a_task_is_shown_in_full_right_after_the_submit(account: Account) -> None:
    task_id = account.draw("  灯塔 at dusk --ar 16:9  ", state="order 7", botType="niji")
    task = account.fetch(task_id)
    assert_task(task)
    assert (task["id"], task["action"], task["state"]) == (task_id, "IMAGINE", "order 7")
    assert (task["prompt"], task["botType"]) == ("灯塔 at dusk --ar 16:9", "NIJI_JOURNEY")
    assert task["mode"] == "FAST"
    assert task["description"] == "/imagine 灯塔 at dusk --ar 16:9"


def test_ids_rise_with_time(account: Account) -> None:
    ids = [int(account.draw("zzslow")) for _ in range(5)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 5


def test_the_state_is_returned_verbatim(account: Account) -> None:
    hook = account.stack.inbox_url(account.tenant.name)
    drawn = {account.draw("zzfail", state=state, notifyHook=hook): state for state in STATES}
    for task_id, state in drawn.items():
        assert account.fetch(task_id)["state"] == state
        assert account.finish(task_id)["state"] == state
        assert json.loads(account.callback(task_id).body)["state"] == state


def test_the_buttons_of_a_grid_are_made_from_its_hash(account: Account) -> None:
    """This upstream knows none; clients build their follow-ups from them."""
    task_id = account.draw()
    assert account.fetch(task_id)["buttons"] is None
    buttons = account.finish(task_id)["buttons"]
    assert [button["label"] or button["emoji"] for button in buttons] == [
        "U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4",
    ]  # fmt: skip
    kinds, hashes = zip(
        *(button["customId"].rsplit("::", 1) for button in buttons[:4]), strict=True
    )
    assert kinds == tuple(f"MJ::JOB::upsample::{number}" for number in (1, 2, 3, 4))
    assert len(set(hashes)) == 1
    assert len(hashes[0]) == 36


def test_nothing_of_the_upstream_is_shown(account: Account) -> None:
    """Not its id for the task, not its account, not our own correspondence with it."""
    prompt = f"a lighthouse of {account.tenant.name}"
    task_id = account.draw(prompt)
    text = json.dumps(account.finish(task_id))
    (submit,) = account.stack.submits(prompt)
    assert submit["id"] not in text
    for word in ("discordInstanceId", "messageId", "nonce", "notifyHook", "/hints/", "sandbox"):
        assert word not in text
    assert submit["body"]["state"] not in text
    assert account.channel.name not in text


def test_a_key_that_wants_the_origin_gets_the_upstreams_picture(account: Account) -> None:
    account.token.image_setting = "origin"
    account.token.save()
    task = account.finish(account.draw())
    assert task["imageUrl"].startswith(f"{account.stack.sandbox_url}/sandbox/pictures/")
    assert requests.get(task["imageUrl"], timeout=9).headers["Content-Type"] == "image/png"


def test_every_key_of_a_tenant_sees_its_tasks(account: Account) -> None:
    task_id = account.draw("zzslow")
    another = account.new_key(budget="0")
    assert another.fetch(task_id)["id"] == task_id


def test_the_task_of_another_tenant_is_not_there(
    account: Account, open_an_account: OpenAnAccount
) -> None:
    stranger = open_an_account()
    task_id = account.draw("zzslow")
    answer = stranger.request("GET", f"/mj/task/{task_id}/fetch")
    text = assert_refused(answer, 404, "task_not_found")
    # Nothing tells it from one that never was.
    unknown = stranger.request("GET", "/mj/task/1234567890123456/fetch")
    assert assert_refused(unknown, 404, "task_not_found") == text


@pytest.mark.parametrize(
    "task_id",
    [
        "abc",
        "0",
        "1",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "9" * 16,
        "9" * 20,
        "9" * 400,
        "0x1F",
        "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦",  # digits to Python, not to us
        "²",
        "null",
        "undefined",
        "None",
        "%00",
        "%20",
        "%0a",
        "%ff",
        "'%20OR%201=1",
        "..",
    ],
)
def test_what_is_no_id_of_ours_is_not_there(account: Account, task_id: str) -> None:
    answer = account.request("GET", f"/mj/task/{task_id}/fetch")
    assert answer.status_code == 404, answer.text
    assert_refused(answer, 404, answer.json()["type"])


@pytest.mark.parametrize(
    "path",
    [
        "/mj/task/{id}/fetch/",
        "//mj/task/{id}/fetch",
        "/mj//task///{id}//fetch//",
        "/mj/task/{id}/fetch?utm=1",
        "/mj/task/{id}/fetch?format=xml",
        "/mj/task/00{id}/fetch",
    ],
)
def test_an_address_may_be_joined_carelessly(account: Account, path: str) -> None:
    task_id = account.draw("zzslow")
    # A leading zero makes 18 digits of it, which no id has.
    status = 404 if "00{" in path else 200
    answer = account.request("GET", path.format(id=task_id), allow_redirects=False)
    assert answer.status_code == status, answer.text
    assert_every_answer(answer)


@pytest.mark.parametrize(
    "path", ["//mj/submit/imagine", "/mj/submit/imagine/", "/mj//submit//imagine//"]
)
def test_a_submit_may_be_addressed_carelessly(account: Account, path: str) -> None:
    answer = account.request(
        "POST", path, json={"prompt": "a lighthouse zzmute"}, allow_redirects=False
    )
    assert_accepted(answer)


def test_accept_headers_change_nothing(account: Account) -> None:
    task_id = account.draw("zzslow")
    for accept in ("text/html", "application/xml", "nonsense", ""):
        answer = account.request("GET", f"/mj/task/{task_id}/fetch", headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json()["id"] == task_id
