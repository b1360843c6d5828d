"""The sandbox out of order as a whole: error pages for everything, and lies."""

from collections.abc import Iterator

import pytest
import requests

from .running import NewApi, Sandbox, TrueAi, eventually, start, stop


@pytest.fixture(params=[Sandbox, TrueAi, NewApi])
def speaker(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One dialect of a sandbox that nobody else uses."""
    sandbox = start(drawing_seconds=0.2, workers=100, queue_size=100)
    yield request.param(sandbox.process, sandbox.address)
    stop(sandbox)


def test_a_page_instead_of_every_answer_and_nothing_is_taken(speaker: Sandbox) -> None:
    task_id = speaker.imagine("before")["result"]
    speaker.helper("control", {"html500": True})
    for answer in (
        speaker.mj("submit/imagine", {"prompt": "in vain"}),
        speaker.mj("task/list-by-condition", {"ids": [task_id]}),
    ):
        assert answer.status_code == 500
        assert answer.headers["Content-Type"].startswith("text/html")
    assert speaker.submits("in vain") == []
    speaker.helper("control", {"html500": False})
    assert speaker.ended(task_id)["status"] == "SUCCESS"


def test_lies_about_submits(speaker: Sandbox) -> None:
    speaker.helper("control", {"lies": 1})
    told = [speaker.imagine(f"lie {number}").get("result") for number in range(40)]
    real = [submit["id"] for submit in speaker.submits("lie ")]
    # All were taken, each under an id of its own.
    assert len(set(real)) == 40
    # Some are told the id of the one before, some neither yes nor no.
    assert all(id in (None, before) for id, before in zip(told, [None, *real], strict=False))
    assert {id is None for id in told} == {True, False}


def test_lies_in_lists(speaker: Sandbox) -> None:
    task_id = speaker.drawn("a picture")["id"]
    speaker.helper("control", {"lies": 1})
    seen: set[str] = set()

    def look() -> bool:
        told = speaker.mj("task/list-by-condition", {"ids": [task_id]})
        assert told.status_code == 200
        rows = told.json()
        if isinstance(rows, dict):
            seen.add(f"code {rows['code']}")
        else:
            seen.update("stranger" if row["id"] != task_id else row["status"] for row in rows)
        return seen >= {"code -1", "stranger", "SUCCESS", "IN_PROGRESS"}

    assert eventually(look)


@pytest.mark.parametrize("wish", [{"lies": 2}, {"lies": "often"}, {"html500": 1}])
def test_switches_of_disorder_take_only_what_they_know(
    sandbox: Sandbox, wish: dict[str, object]
) -> None:
    answer = requests.post(f"{sandbox.address}/sandbox/control", json=wish)
    assert answer.status_code == 400
