"""What an upstream's word changes in a task: forwards only, and nothing it cannot know."""

import time
from typing import Any

import pytest

from channels.adapters.base import Update
from relay.following import changes
from relay.models import Task

ORDER = ["NOT_START", "SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE"]
SUBMITTED_AT = int(time.time() * 1000) - 60_000


def task(**fields: Any) -> Task:
    """A task that was submitted a minute ago."""
    given = {"id": 1795218527890011, "status": "SUBMITTED", "submit_time": SUBMITTED_AT} | fields
    return Task(**given)


def told(before: Task, **fields: Any) -> dict[str, Any]:
    """What changes in the task, without the raw row that is kept beside it."""
    news = changes.between(before, Update(upstream_id="1712204995849323", raw={"a": 1}, **fields))
    assert news.pop("upstream_row", {"a": 1}) == {"a": 1}
    return news


@pytest.mark.parametrize("before", ORDER)
@pytest.mark.parametrize("after", ORDER)
def test_a_status_never_goes_backwards(before: str, after: str) -> None:
    news = told(task(status=before, progress=50), status=after)
    if ORDER.index(after) < ORDER.index(before):
        assert news == {}
    elif after != before:
        assert news["status"] == after
    else:
        assert "status" not in news


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        (0, None, 0),
        (0, 0, 0),
        (0, 15, 15),
        (46, 46, 46),
        (46, 31, 46),
        (46, None, 46),
        (46, 93, 93),
        # 100 % is kept for the end: clients stop looking when they see it.
        (93, 100, 99),
        (0, 1000, 99),
    ],
)
def test_the_progress_of_a_running_task(before: int, said: int | None, after: int) -> None:
    news = told(task(status="IN_PROGRESS", progress=before), status="IN_PROGRESS", progress=said)
    assert news.get("progress", before) == after


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE"])
@pytest.mark.parametrize("said", [None, 0, 46, 100])
def test_the_progress_of_an_ended_task_is_100(status: str, said: int | None) -> None:
    assert told(task(), status=status, progress=said)["progress"] == 100


def test_the_same_news_twice_is_no_news() -> None:
    before = task(status="IN_PROGRESS", progress=46, start_time=SUBMITTED_AT + 5, prompt_en="a")
    same: dict[str, Any] = {"status": "IN_PROGRESS", "progress": 46, "prompt_en": "a"}
    assert changes.between(before, Update(upstream_id="7", raw={"new": 1}, **same)) == {}


def test_what_the_upstream_does_not_say_stays() -> None:
    before = task(status="IN_PROGRESS", image_url="http://a/1.png", final_prompt="a", buttons=[{}])
    news = told(before, status="SUCCESS", image_url=None, final_prompt="", buttons=None)
    assert set(news) == {"status", "progress", "finish_time"}


def test_what_the_upstream_says_is_taken() -> None:
    words = {
        "prompt_en": "a",
        "final_prompt": "a --v 6.0",
        "final_zh_prompt": "一",
        "image_url": "http://a/1.png",
        "image_urls": [{"url": "http://a/1.png"}],
        "video_url": "http://a/1.mp4",
        "video_urls": [{"url": "http://a/1.mp4"}],
        "buttons": [{"customId": "x"}],
    }
    news = told(task(), status="IN_PROGRESS", **words)
    assert {name: news[name] for name in words} == words


def test_the_upstreams_own_id_is_replaced_by_ours() -> None:
    news = told(task(), status="IN_PROGRESS", description="/up 1712204995849323 U1")
    assert news["description"] == "/up 1795218527890011 U1"


def test_a_description_without_an_id_stays_as_it_is() -> None:
    """An upstream that names no id at all: there is nothing to replace then."""
    update = Update(upstream_id="", status="IN_PROGRESS", description="/imagine a")
    assert changes.between(task(), update)["description"] == "/imagine a"


@pytest.mark.parametrize("reason", ["", "[Invalid parameter] --arr"])
def test_a_failure_always_has_a_reason(reason: str) -> None:
    news = told(task(), status="FAILURE", fail_reason=reason)
    assert news["fail_reason"] == (reason or "the upstream gave no reason")


@pytest.mark.parametrize("status", ["SUBMITTED", "IN_PROGRESS", "SUCCESS"])
def test_only_a_failure_has_a_reason(status: str) -> None:
    assert "fail_reason" not in told(task(), status=status, fail_reason="so what", progress=7)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (SUBMITTED_AT + 5, SUBMITTED_AT + 5),
        (SUBMITTED_AT - 3_600_000, SUBMITTED_AT),
        (1, SUBMITTED_AT),
        (2**52, None),
    ],
    ids=["right", "an hour late", "at zero", "far ahead"],
)
def test_times_are_kept_between_our_submit_and_now(said: int, kept: int | None) -> None:
    earliest = int(time.time() * 1000)
    news = told(task(), status="SUCCESS", start_time=said, finish_time=said)
    now = int(time.time() * 1000)
    for name in ("start_time", "finish_time"):
        if kept is None:
            assert earliest <= news[name] <= now
        else:
            assert news[name] == kept


def test_a_task_starts_once() -> None:
    before = task(status="IN_PROGRESS", start_time=SUBMITTED_AT + 5)
    assert told(before, status="IN_PROGRESS", start_time=SUBMITTED_AT + 9) == {}


def test_an_end_without_a_time_ends_now() -> None:
    earliest = int(time.time() * 1000)
    finished = told(task(), status="FAILURE")["finish_time"]
    assert earliest <= finished <= int(time.time() * 1000)


def test_a_running_task_has_no_finish_time() -> None:
    assert told(task(), status="IN_PROGRESS", finish_time=SUBMITTED_AT + 5) == {
        "status": "IN_PROGRESS"
    }


def test_a_task_that_we_end_ourselves() -> None:
    news = changes.failure("lost")
    assert (news["status"], news["progress"], news["fail_reason"]) == ("FAILURE", 100, "lost")
    assert abs(news["finish_time"] - time.time() * 1000) < 5000
