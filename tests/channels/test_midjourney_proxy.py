"""The adapter for midjourney-proxy 2.6: its task objects in our words, and how they are asked for.

The payloads are task objects as that program answers them; answers come from a real HTTP server.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.adapters.base import Update
from channels.adapters.midjourney_proxy import MidjourneyProxy
from channels.errors import UpstreamError
from tests.channels.proxy import ADAPTER, PAGE, STATE, answering, upstream

to_update = MidjourneyProxy().to_update
PAYLOADS = Path(__file__).parents[1] / "payloads" / "midjourney_proxy"
GRID = "7f4b2c1e-46b4-4f3a-9e1d-3c3b6c7a9f10"
CDN = "https://cdn.discordapp.com/attachments/1077900000000000001"
DESCRIBED = (
    "1️⃣ a quiet valley at first light --ar 1:1\n\n2️⃣ paper-cut landscape --ar 1:1\n\n"
    "3️⃣ minimalist mountain poster --ar 1:1\n\n4️⃣ rolling dunes --ar 1:1"
)
BUTTONS = [
    ("MJ::JOB::upsample::1::", "", "U1"),
    ("MJ::JOB::upsample::2::", "", "U2"),
    ("MJ::JOB::upsample::3::", "", "U3"),
    ("MJ::JOB::upsample::4::", "", "U4"),
    ("MJ::JOB::reroll::0::", "🔄", ""),
    ("MJ::JOB::variation::1::", "", "V1"),
    ("MJ::JOB::variation::2::", "", "V2"),
    ("MJ::JOB::variation::3::", "", "V3"),
    ("MJ::JOB::variation::4::", "", "V4"),
]

IMAGINED = Update(
    upstream_id="1712204995849323",
    correlation=STATE,
    status="IN_PROGRESS",
    prompt_en="a lighthouse at dusk",
    description="/imagine a lighthouse at dusk",
    start_time=1712204996102,
)
FINAL_PROMPT = "a lighthouse at dusk --v 6.0"
EXPECTED: dict[str, Update] = {
    "not_started": replace(IMAGINED, correlation="", status="NOT_START", start_time=0),
    "submitted": replace(IMAGINED, status="SUBMITTED", progress=0),
    "waiting_to_start": replace(IMAGINED, final_prompt=FINAL_PROMPT),
    "in_progress": replace(
        IMAGINED,
        progress=46,
        final_prompt=FINAL_PROMPT,
        image_url=f"{CDN}/1225273228435066972/{GRID}_grid_0.webp?ex=66208a7d&is=660e157d&hm=0a1b",
    ),
    "success": replace(
        IMAGINED,
        status="SUCCESS",
        progress=100,
        final_prompt=FINAL_PROMPT,
        image_url=f"{CDN}/1225273429887844483/relay_a_lighthouse_at_dusk_{GRID}.png"
        "?ex=66208aad&is=660e15ad&hm=4f5e",
        finish_time=1712205051773,
        buttons=[
            {
                "customId": f"{custom_id}{GRID}{'::SOLO' if 'reroll' in custom_id else ''}",
                "emoji": emoji,
                "label": label,
                "type": 2,
                "style": 2,
            }
            for custom_id, emoji, label in BUTTONS
        ],
    ),
    # A single picture has no grid to choose from.
    "success_upscale": Update(
        upstream_id="1712205102113874",
        correlation="1795218627890012.c2lnbmF0dXJl",
        status="SUCCESS",
        progress=100,
        prompt_en="a lighthouse at dusk",
        final_prompt=FINAL_PROMPT,
        description="/up 1712204995849323 U1",
        image_url=f"{CDN}/1225273667901292574/relay_a_lighthouse_at_dusk_"
        "b1d2a6a4-0a3c-4e0f-8a45-f1a4c3f7b922.png",
        start_time=1712205102361,
        finish_time=1712205108010,
    ),
    "failure": replace(
        IMAGINED,
        status="FAILURE",
        final_prompt=FINAL_PROMPT,
        fail_reason="[Invalid parameter] Unrecognized parameter(s): `--arr`",
        finish_time=1712205001044,
    ),
    "timed_out": replace(
        IMAGINED, status="FAILURE", fail_reason="任务超时", finish_time=1712205296377
    ),
    "describe": Update(
        upstream_id="1712205402113875",
        correlation="1795218727890013.c2lnbmF0dXJl",
        status="SUCCESS",
        progress=100,
        prompt=DESCRIBED,
        prompt_en=DESCRIBED,
        final_prompt=DESCRIBED,
        description="/describe 1712205402113875.png",
        image_url="https://cdn.discordapp.com/ephemeral-attachments/1077900000000000002/"
        "1225274667901292574/1712205402113875.png",
        start_time=1712205402361,
        finish_time=1712205408010,
    ),
    # A word that the program did not have when this was written: it is still being drawn.
    "unknown_words": replace(IMAGINED, start_time=0),
    "wrong_types": Update(upstream_id="1712204995849323", status="IN_PROGRESS"),
}


# -- its task objects --------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_task_in_our_words(name: str) -> None:
    row = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    assert to_update(row) == replace(EXPECTED[name], raw=row)


def test_every_payload_is_expected() -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} == set(EXPECTED)


def test_an_empty_row_is_still_being_drawn() -> None:
    assert to_update({}) == Update(upstream_id="")


@pytest.mark.parametrize(
    ("said", "percent"),
    [
        ("0%", 0), ("15%", 15), ("93%", 93), ("100%", 100), ("150%", 100), ("", None),
        ("%", None), ("46", None), ("-5%", None), ("4.6%", None), ("1000%", None),
        ("Waiting to start", None), ("fast", None), ("relaxed", None), ("46% (fast)", None),
        (46, None), (None, None), (["46%"], None),
    ],
)  # fmt: skip
def test_the_progress_may_be_any_text(said: Any, percent: int | None) -> None:
    assert to_update({"progress": said}).progress == percent


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [(1712204996102, 1712204996102), (0, 0), (-1, 0), (2**53, 0), (None, 0), ("1", 0), (1.5, 0)],
)
def test_a_time_is_milliseconds_or_nothing(said: Any, milliseconds: int) -> None:
    update = to_update({"startTime": said, "finishTime": said})
    assert (update.start_time, update.finish_time) == (milliseconds, milliseconds)


@pytest.mark.parametrize(
    ("action", "status", "has_buttons"),
    [
        ("IMAGINE", "SUCCESS", True),
        ("VARIATION", "SUCCESS", True),
        ("REROLL", "SUCCESS", True),
        ("BLEND", "SUCCESS", True),
        ("UPSCALE", "SUCCESS", False),
        ("DESCRIBE", "SUCCESS", False),
        ("IMAGINE", "IN_PROGRESS", False),
        ("IMAGINE", "FAILURE", False),
        (None, "SUCCESS", False),
    ],
)
def test_only_a_finished_grid_has_buttons(action: Any, status: str, has_buttons: bool) -> None:
    row = {"action": action, "status": status, "properties": {"messageHash": GRID}}
    assert bool(to_update(row).buttons) == has_buttons
    row["properties"] = {}
    assert to_update(row).buttons is None


# -- polls -------------------------------------------------------------------------------------


def row(task_id: Any, **fields: Any) -> dict[str, Any]:
    return {"id": task_id, "status": "IN_PROGRESS", "progress": "46%"} | fields


def polled(payload: Any, *ids: str, status: int = 200) -> dict[str, Update]:
    with answering(payload, status) as server:
        rows = ADAPTER.poll(upstream(server.url), ids).rows
    return {row.upstream_id: row for row in rows}


def test_a_poll_asks_for_all_at_once() -> None:
    with answering([row("7"), row("8")]) as server:
        listing = ADAPTER.poll(upstream(server.url, secret="open sesame"), ["7", "8", "9"])
    ((method, path, headers, body),) = server.asked
    assert (method, path) == ("POST", "/mj/task/list-by-condition")
    assert headers["mj-api-secret"] == "open sesame"
    assert sorted(json.loads(body)["ids"]) == ["7", "8", "9"]
    assert [row.upstream_id for row in listing.rows] == ["7", "8"]


def test_tasks_that_nobody_asked_for_are_left_out() -> None:
    assert sorted(polled([row("7"), row("8")], "7")) == ["7"]


@pytest.mark.parametrize("strange", [None, "x", 7, [], {}, row(None), row(7), row(["7"])], ids=repr)
def test_a_strange_row_does_not_harm_the_others(strange: Any) -> None:
    assert sorted(polled([strange, row("7"), strange], "7")) == ["7"]


def test_half_an_emoji_in_one_row_does_not_harm_the_others() -> None:
    """Programs that cut texts at so many characters leave such halves behind."""
    rows = rb'[{"id":"7","failReason":"cut \ud83d"},{"id":"8","status":"SUCCESS"}]'
    found = polled(rows, "7", "8")
    assert found["8"].status == "SUCCESS"


def test_nul_in_a_row_is_taken_out() -> None:
    rows = rb'[{"id":"7","failReason":"a\u0000b","properties":{"k\u0000":["\u0000"]}}]'
    update = polled(rows, "7")["7"]
    assert update.fail_reason == "ab"
    assert update.raw["properties"] == {"k": [""]}


@pytest.mark.parametrize("status", [204, 301, 400, 401, 403, 404, 429, 500, 502, 503])
def test_a_poll_that_is_refused_says_nothing_about_the_tasks(status: int) -> None:
    with pytest.raises(UpstreamError):
        polled([], "7", status=status)


@pytest.mark.parametrize("payload", [b"", PAGE, {}, {"list": []}, "x", None, b"["], ids=repr)
def test_a_poll_without_an_array_says_nothing_about_the_tasks(payload: Any) -> None:
    with pytest.raises(UpstreamError):
        polled(payload, "7")


# -- looking for tasks without an id -----------------------------------------------------------


def found_in(rows: Any, *states: str) -> tuple[Any, list[str]]:
    """What is found, and the routes that were asked."""
    with answering(rows) as server:
        findings = ADAPTER.find(upstream(server.url), states)
    return findings, [path for _, path, _, _ in server.asked]


def test_the_queue_is_enough_when_it_shows_them_all() -> None:
    findings, asked = found_in([row("7", state="a"), row("8", state="b")], "a", "b")
    assert {state: update.upstream_id for state, update in findings.found.items()} == {
        "a": "7",
        "b": "8",
    }
    assert findings.complete
    assert asked == ["/mj/task/queue"]


def test_the_whole_list_is_asked_for_when_one_is_missing() -> None:
    findings, asked = found_in([row("7", state="a"), row("9", state="strange")], "a", "b")
    assert sorted(findings.found) == ["a"]
    assert findings.complete
    assert asked == ["/mj/task/queue", "/mj/task/list"]


@pytest.mark.parametrize("strange", [row("7"), row("7", state=None), row("7", state=["a"])])
def test_a_strange_row_is_not_found(strange: Any) -> None:
    findings, _ = found_in([strange], "a")
    assert findings.found == {}


@pytest.mark.parametrize("payload", [b"", PAGE, {}, None, ["x"], [None, 7]], ids=repr)
def test_a_list_that_cannot_be_read_is_not_an_empty_one(payload: Any) -> None:
    with pytest.raises(UpstreamError):
        found_in(payload, "a")
