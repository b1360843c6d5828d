"""The sandbox upstream, spoken to as a stranger would: a process of its own and plain HTTP."""

import base64
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image, ImageChops, ImageStat

REPOSITORY = Path(__file__).parents[2]
SECRET = {"mj-api-secret": "open sesame"}
DRAWING_SECONDS = 0.2
HANG_SECONDS = 0.6
PNG = "data:image/png;base64," + base64.b64encode(b"not looked into" * 9).decode()
STEERING_WORDS = (
    "zzfail",
    "zzslow",
    "zzban",
    "zzqueue",
    "zzfull",
    "zzcode3",
    "zzhang",
    "zzcut",
    "zzlost",
    "zzdead",
    "zz500",
    "zz502",
    "zztwice",
    "zzjumble",
    "zzmute",
    "zznext",
)
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
LIFE = [("SUBMITTED", "0%"), ("IN_PROGRESS", "0%")]
LIFE += [("IN_PROGRESS", f"{percent}%") for percent in (15, 31, 46, 62, 78, 93)]
LIFE += [("SUCCESS", "100%")]


@dataclass
class Sandbox:
    process: subprocess.Popen[str]
    address: str

    def mj(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        """POST with a body, GET without one, to the dialect's /mj routes."""
        url = f"{self.address}/midjourney-proxy/mj/{path}"
        method = "GET" if body is None else "POST"
        return requests.request(method, url, **{"json": body, "headers": SECRET, **more})

    def helper(self, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = requests.request(method, f"{self.address}/sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def imagine(self, prompt: str, **fields: object) -> dict[str, Any]:
        answer = self.mj("submit/imagine", {"prompt": prompt, **fields})
        assert answer.status_code == 200
        return dict(answer.json())

    def find(self, *ids: str) -> list[dict[str, Any]]:
        return list(self.mj("task/list-by-condition", {"ids": list(ids)}).json())

    def ended(self, task_id: str) -> dict[str, Any]:
        (task,) = eventually(lambda: [task for task in self.find(task_id) if task["finishTime"]])
        return dict(task)

    def drawn(self, prompt: str, **fields: object) -> dict[str, Any]:
        return self.ended(self.imagine(prompt, **fields)["result"])

    def inbox(self, name: str) -> str:
        return f"{self.address}/sandbox/inbox/{name}"

    def posts(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(letter["body"]) for letter in self.helper(f"inbox/{name}")]

    def submits(self, prompt: str) -> list[dict[str, Any]]:
        return list(self.helper(f"submits?contains={prompt}"))


def eventually(look: Callable[[], Any], seconds: float = 5) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def start(**options: object) -> Sandbox:
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "channels.sandbox", "--port=0", *flags],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    line = process.stdout.readline()
    found = re.fullmatch(r"sandbox upstream listens on (http://\S+)/midjourney-proxy\n", line)
    assert found, line
    return Sandbox(process, found[1])


def stop(sandbox: Sandbox) -> None:
    sandbox.process.terminate()
    sandbox.process.wait(5)


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    sandbox = start(
        secret=SECRET["mj-api-secret"],
        drawing_seconds=DRAWING_SECONDS,
        workers=50,
        queue_size=50,
        hang_seconds=HANG_SECONDS,
    )
    yield sandbox
    stop(sandbox)


@pytest.fixture
def sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    yield shared
    shared.helper("control", {"alive": True, "hang_polls": False})


@pytest.fixture
def narrow() -> Iterator[Sandbox]:
    """One worker, two places to wait, drawings that do not end by themselves."""
    sandbox = start(drawing_seconds=600, workers=1, queue_size=2)
    yield sandbox
    stop(sandbox)


# A drawing and its hooks


def test_a_drawing_is_told_to_the_hook_step_by_step(sandbox: Sandbox) -> None:
    answer = sandbox.imagine(" a red fox ", state="my state", notifyHook=sandbox.inbox("steps"))
    assert (answer["code"], answer["description"]) == (1, "提交成功")
    assert list(answer["properties"]) == ["discordInstanceId"]
    sandbox.ended(answer["result"])
    posts = eventually(lambda: [p for p in [sandbox.posts("steps")] if len(p) == len(LIFE)])[0]
    assert [(post["status"], post["progress"]) for post in posts] == LIFE
    assert {post["id"] for post in posts} == {answer["result"]}
    assert [bool(post["imageUrl"]) for post in posts] == [False] * 3 + [True] * 6
    assert all("?rand=" in post["imageUrl"] for post in posts[3:-1])


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


def test_zztwice_sends_every_hook_post_twice(sandbox: Sandbox) -> None:
    sandbox.drawn("zztwice", notifyHook=sandbox.inbox("twice"))
    eventually(lambda: len(sandbox.posts("twice")) == 2 * len(LIFE))


def test_zzjumble_lets_the_end_overtake_older_posts(sandbox: Sandbox) -> None:
    sandbox.imagine("zzjumble", notifyHook=sandbox.inbox("jumble"))
    posts = eventually(lambda: [p for p in [sandbox.posts("jumble")] if len(p) == len(LIFE)])[0]
    arrived = [(post["status"], post["progress"]) for post in posts]
    assert sorted(arrived) == sorted(LIFE)
    assert arrived.index(("SUCCESS", "100%")) < arrived.index(("IN_PROGRESS", "93%"))


def test_zzmute_sends_no_hook_posts(sandbox: Sandbox) -> None:
    sandbox.drawn("zzmute", notifyHook=sandbox.inbox("mute"))
    assert sandbox.posts("mute") == []


# Steering words that change the drawing


def test_zzfail_shows_46_percent_and_then_fails(sandbox: Sandbox) -> None:
    task = sandbox.drawn("a cat ZZFail", notifyHook=sandbox.inbox("fail"))
    assert (task["status"], task["progress"]) == ("FAILURE", "")
    assert task["failReason"]
    posts = eventually(lambda: [p for p in [sandbox.posts("fail")] if len(p) == 6])[0]
    assert [post["progress"] for post in posts[-2:]] == ["46%", ""]


def test_zzslow_stays_at_31_percent_and_keeps_no_worker() -> None:
    sandbox = start(drawing_seconds=0.2, workers=1, queue_size=5)
    try:
        slow = sandbox.imagine("zzslow")["result"]
        sandbox.drawn("the next one")
        (task,) = sandbox.find(slow)
        assert (task["status"], task["progress"]) == ("IN_PROGRESS", "31%")
        assert [task["id"] for task in sandbox.mj("task/queue").json()] == [slow]
    finally:
        stop(sandbox)


# Steering words that change the answer


@pytest.mark.parametrize(
    ("word", "code", "description", "properties"),
    [
        ("zzban", 24, "可能包含敏感词", {"promptEn": "of zzban", "bannedWord": "zzban"}),
        ("zzfull", 23, "队列已满，请稍后尝试", {"discordInstanceId": "1077900000000000001"}),
        ("zzcode3", 3, "无可用的账号实例", {}),
    ],
)
def test_a_refusing_word_is_answered_with_its_code_and_stores_nothing(
    sandbox: Sandbox, word: str, code: int, description: str, properties: dict[str, str]
) -> None:
    before = len(sandbox.mj("task/list").json())
    answer = sandbox.imagine(f"of {word}")
    assert answer == {
        "code": code,
        "description": description,
        "result": None,
        "properties": properties,
    }
    assert len(sandbox.mj("task/list").json()) == before
    assert [submit["accepted"] for submit in sandbox.submits(word)] == [False]


def test_zzqueue_is_accepted_as_waiting(sandbox: Sandbox) -> None:
    answer = sandbox.imagine("zzqueue")
    assert (answer["code"], answer["description"]) == (22, "排队中，前面还有1个任务")
    assert answer["properties"]["numberOfQueues"] == 1
    assert sandbox.ended(answer["result"])["status"] == "SUCCESS"


def test_zzhang_is_drawn_at_once_and_answered_late(sandbox: Sandbox) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(sandbox.imagine, "zzhang")
        (submit,) = eventually(lambda: [s for s in sandbox.submits("zzhang") if s["accepted"]])
        assert sandbox.ended(submit["id"])["status"] == "SUCCESS"
        assert not late.done()
        assert late.result()["result"] == submit["id"]
    assert time.monotonic() - began >= HANG_SECONDS


def test_zzcut_cuts_the_connection_and_draws(sandbox: Sandbox) -> None:
    with pytest.raises(requests.ConnectionError):
        sandbox.imagine("zzcut", notifyHook=sandbox.inbox("cut"))
    (submit,) = sandbox.submits("zzcut")
    assert submit["accepted"]
    assert sandbox.ended(submit["id"])["status"] == "SUCCESS"
    eventually(lambda: len(sandbox.posts("cut")) == len(LIFE))


def test_zzlost_is_answered_as_accepted_and_never_seen_again(sandbox: Sandbox) -> None:
    answer = sandbox.imagine("zzlost", notifyHook=sandbox.inbox("lost"))
    assert answer["code"] == 1
    assert sandbox.find(answer["result"]) == []
    time.sleep(0.2)
    assert sandbox.posts("lost") == []


@pytest.mark.parametrize(("word", "status"), [("zz500", 500), ("zz502", 502)])
def test_an_html_page_says_that_nothing_was_accepted(
    sandbox: Sandbox, word: str, status: int
) -> None:
    answer = sandbox.mj("submit/imagine", {"prompt": word})
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    (submit,) = sandbox.submits(word)
    assert (submit["accepted"], submit["id"]) == (False, None)


def test_zzdead_cuts_the_connection_before_anything_is_accepted(sandbox: Sandbox) -> None:
    with pytest.raises(requests.ConnectionError):
        sandbox.imagine("zzdead")
    assert [submit["accepted"] for submit in sandbox.submits("zzdead")] == [False]


# The queue


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


# Looking tasks up


def test_list_by_condition_drops_unknown_ids(sandbox: Sandbox) -> None:
    task_id = sandbox.imagine("known")["result"]
    assert [task["id"] for task in sandbox.find("1", task_id, "2")] == [task_id]
    assert sandbox.mj("task/list-by-condition", {"ids": None}).json() == []
    assert sandbox.mj("task/list-by-condition", {}).json() == []


def test_fetch_of_an_unknown_task_is_200_without_a_body(sandbox: Sandbox) -> None:
    answer = sandbox.mj("task/1720333718022739/fetch")
    assert (answer.status_code, answer.content) == (200, b"")


def test_fetch_answers_one_task(sandbox: Sandbox) -> None:
    task = sandbox.drawn("fetched")
    assert sandbox.mj(f"task/{task['id']}/fetch").json() == task


def test_the_account_can_be_listed_and_fetched(sandbox: Sandbox) -> None:
    (account,) = sandbox.mj("account/list").json()
    assert (account["enable"], account["coreSize"], account["queueSize"]) == (True, 50, 50)
    assert sandbox.mj(f"account/{account['channelId']}/fetch").json() == account
    assert sandbox.mj("account/1/fetch").content == b""


# Other submits


@pytest.fixture(scope="module")
def grid(shared: Sandbox) -> dict[str, Any]:
    return shared.drawn("a grid to change")


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


# What the framework says


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


# Pictures


def picture(url: str) -> Image.Image:
    answer = requests.get(url)
    assert answer.headers["Content-Type"] == "image/png"
    image = Image.open(io.BytesIO(answer.content))
    assert image.format == "PNG"
    return image.convert("RGB")


def test_the_picture_is_a_real_png_and_stays_the_same(
    sandbox: Sandbox, grid: dict[str, Any]
) -> None:
    image = picture(grid["imageUrl"])
    assert image.width == image.height >= 256
    assert len(image.getcolors(image.width * image.height) or ()) > 50
    assert picture(grid["imageUrl"]).tobytes() == image.tobytes()
    assert picture(grid["imageUrl"] + "?rand=1").tobytes() != image.tobytes()
    other = picture(sandbox.drawn("quite another prompt")["imageUrl"])
    assert other.tobytes() != image.tobytes()


def test_an_upscale_shows_its_quarter_of_the_grid(sandbox: Sandbox, grid: dict[str, Any]) -> None:
    answer = sandbox.mj("submit/simple-change", {"content": f"{grid['id']} u2"}).json()
    big = picture(sandbox.ended(answer["result"])["imageUrl"])
    whole = picture(grid["imageUrl"])
    half = whole.width // 2
    sky = (0, 0, half, half // 2)  # above every label
    expected = big.resize((half, half)).crop(sky)

    def unlikeness(number: int) -> float:
        left, top = (number - 1) % 2 * half, (number - 1) // 2 * half
        quarter = whole.crop((left, top, left + half, top + half)).crop(sky)
        return sum(ImageStat.Stat(ImageChops.difference(quarter, expected)).mean)

    likeness = sorted((1, 2, 3, 4), key=unlikeness)
    assert likeness[0] == 2
    assert unlikeness(2) < unlikeness(likeness[1]) / 4


def test_a_picture_nobody_asked_for_is_404(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.address}/sandbox/pictures/1.png").status_code == 404


def test_picture_links_begin_with_the_public_url() -> None:
    sandbox = start(drawing_seconds=0, public_url="https://pictures.example/")
    try:
        task = sandbox.drawn("far away")
        assert task["imageUrl"].startswith("https://pictures.example/sandbox/pictures/")
    finally:
        stop(sandbox)


# Test helpers


def test_submits_are_written_down_with_headers_and_short_base64(sandbox: Sandbox) -> None:
    answer = sandbox.imagine("written down", base64Array=[PNG])
    (submit,) = sandbox.submits("written down")
    assert submit["path"] == "/midjourney-proxy/mj/submit/imagine"
    assert submit["body"] == {"prompt": "written down", "base64Array": [PNG[:40]]}
    assert submit["headers"]["mj-api-secret"] == SECRET["mj-api-secret"]
    assert (submit["accepted"], submit["id"]) == (True, answer["result"])
    assert abs(submit["at"] - time.time() * 1000) < 5000


def test_calls_are_counted_by_route(sandbox: Sandbox) -> None:
    route = "/midjourney-proxy/mj/task/{id}/fetch"
    before = sandbox.helper("calls").get(route, 0)
    sandbox.mj("task/1/fetch")
    sandbox.mj("task/2/fetch")
    assert sandbox.helper("calls")[route] == before + 2


def test_the_inbox_answers_as_its_address_says(sandbox: Sandbox) -> None:
    def statuses(query: str) -> list[int]:
        url = sandbox.inbox("rude" + query)
        return [requests.post(url, data=b"hello").status_code for _ in range(3)]

    assert statuses("?fail=2") == [500, 500, 200]
    assert statuses("?status=410") == [410, 410, 410]
    assert len(sandbox.helper("inbox/rude")) == 6
    assert sandbox.helper("inbox/rude")[0]["body"] == "hello"
    busy = requests.post(sandbox.inbox("busy?status=503&retry_after=1&sleep=0.2"))
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "1")
    assert busy.elapsed.total_seconds() >= 0.2
    assert requests.post(sandbox.inbox("big"), data=b"." * 1_048_577).status_code == 413
    assert sandbox.helper("inbox/never") == []


def test_a_dead_account_refuses_with_code_3(sandbox: Sandbox, grid: dict[str, Any]) -> None:
    assert sandbox.helper("control", {"alive": False})["alive"] is False
    assert sandbox.imagine("anybody there?")["description"] == "无可用的账号实例"
    change = sandbox.mj("submit/simple-change", {"content": f"{grid['id']} u1"}).json()
    assert (change["code"], change["description"]) == (3, "账号不可用: 1077900000000000001")
    assert sandbox.mj("task/queue").json() == []


def test_hanging_polls_are_answered_when_they_are_switched_back(sandbox: Sandbox) -> None:
    sandbox.helper("control", {"hang_polls": True})
    with pytest.raises(requests.ReadTimeout):
        sandbox.mj("task/list-by-condition", {"ids": []}, timeout=0.2)
    assert sandbox.imagine("submits go on")["code"] == 1
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(sandbox.mj, "task/queue")
        time.sleep(0.2)
        assert not late.done()
        sandbox.helper("control", {"hang_polls": False})
        assert late.result().status_code == 200


def test_forget_loses_every_task_and_frees_the_workers(narrow: Sandbox) -> None:
    ids = [narrow.imagine("to be lost")["result"] for _ in range(3)]
    assert narrow.imagine("no place")["code"] == 23
    narrow.helper("control", {"forget": True, "drawing_seconds": 0.1})
    assert narrow.find(*ids) == []
    assert narrow.drawn("afterwards")["status"] == "SUCCESS"


def test_an_unknown_switch_is_refused(sandbox: Sandbox) -> None:
    answer = requests.post(f"{sandbox.address}/sandbox/control", json={"alvie": False})
    assert answer.status_code == 400
    assert "alvie" in answer.text


def test_the_help_page_names_every_word_and_the_base_address(sandbox: Sandbox) -> None:
    page = requests.get(f"{sandbox.address}/sandbox/").text
    assert all(word in page for word in STEERING_WORDS)
    assert f"{sandbox.address}/midjourney-proxy" in page


# The process


def test_a_taken_port_is_said_in_one_line(sandbox: Sandbox) -> None:
    port = sandbox.address.rsplit(":", 1)[1]
    second = subprocess.run(
        [sys.executable, "-m", "channels.sandbox", "--port", port],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    taken = f"sandbox upstream cannot listen on 127.0.0.1:{port}: the port is taken\n"
    assert second.stderr == taken


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quickly_although_requests_hang(number: signal.Signals) -> None:
    sandbox = start(drawing_seconds=600)
    hook = sandbox.inbox("hanging?sleep=60")
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(sandbox.imagine, "zzhang", notifyHook=hook)
        eventually(lambda: sandbox.helper("inbox/hanging"))
        began = time.monotonic()
        sandbox.process.send_signal(number)
        assert sandbox.process.wait(5) == 0
        assert time.monotonic() - began < 2
        assert isinstance(hanging.exception(), requests.ConnectionError)


def test_it_needs_no_django() -> None:
    look = "import sys, channels.sandbox.server; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], cwd=REPOSITORY, check=False).returncode == 0
