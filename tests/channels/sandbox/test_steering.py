"""The words in a prompt that steer a drawing, and the answer to its submit."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from .running import HANG_SECONDS, LIFE, Sandbox, eventually, start, stop


def test_zzfail_shows_46_percent_and_then_fails(sandbox: Sandbox) -> None:
    task = sandbox.drawn("a cat ZZFail", notifyHook=sandbox.inbox("fail"))
    assert (task["status"], task["progress"]) == ("FAILURE", "")
    assert task["failReason"]
    posts = eventually(lambda: [p for p in [sandbox.posts("fail")] if len(p) == 6])[0]
    assert [post["progress"] for post in posts[-2:]] == ["46%", ""]


def test_zzwords_shows_words_where_percentages_are_expected(sandbox: Sandbox) -> None:
    sandbox.imagine("zzwords", notifyHook=sandbox.inbox("words"))
    # The last of them ranks below 78 % there, and so the hook never hears of it.
    progress = [progress for _, progress in sandbox.life("words", posts=len(LIFE) - 1)]
    assert progress == ["0%", "0%", "Waiting to start", "31%", "46%", "62%", "78%", "100%"]
    sandbox.helper("control", {"drawing_seconds": 2})
    task_id = sandbox.imagine("zzwords")["result"]
    eventually(lambda: sandbox.find(task_id)[0]["progress"] == "fast")


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


def test_zznull204_is_listed_but_cannot_be_fetched(sandbox: Sandbox) -> None:
    task = sandbox.drawn("zznull204")
    assert task["status"] == "SUCCESS"
    assert sandbox.mj(f"task/{task['id']}/fetch").content == b""


@pytest.mark.parametrize(
    ("word", "status"), [("zz429", 429), ("zz500", 500), ("zz502", 502), ("zz503", 503)]
)
def test_an_html_page_says_that_nothing_was_accepted(
    sandbox: Sandbox, word: str, status: int
) -> None:
    answer = sandbox.mj("submit/imagine", {"prompt": word})
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    (submit,) = sandbox.submits(word)
    assert (submit["accepted"], submit["id"]) == (False, None)


@pytest.mark.parametrize(("word", "status"), [("zzempty", 200), ("zz401", 401)])
def test_a_body_may_be_missing(sandbox: Sandbox, word: str, status: int) -> None:
    answer = sandbox.mj("submit/imagine", {"prompt": word})
    assert (answer.status_code, answer.content) == (status, b"")
    assert [submit["accepted"] for submit in sandbox.submits(word)] == [False]


def test_zzdead_cuts_the_connection_before_anything_is_accepted(sandbox: Sandbox) -> None:
    with pytest.raises(requests.ConnectionError):
        sandbox.imagine("zzdead")
    assert [submit["accepted"] for submit in sandbox.submits("zzdead")] == [False]


def test_zznextexists_answers_the_second_of_two_equal_follow_ups_with_the_first(
    sandbox: Sandbox,
) -> None:
    grid = sandbox.drawn("zznextexists")
    first = sandbox.submit("simple-change", content=f"{grid['id']} u1")
    other = sandbox.submit("simple-change", content=f"{grid['id']} u2")
    task = sandbox.ended(first["result"])
    again = sandbox.submit("simple-change", content=f"{grid['id']} u1")
    assert other["result"] != first["result"]
    assert again == {
        "code": 21,
        "description": "任务已存在",
        "result": first["result"],
        "properties": {"status": "SUCCESS", "imageUrl": task["imageUrl"]},
    }
