"""trueai: buttons and windows."""

from typing import Any

import pytest

from .running import LIFE, PNG, TrueAi


def press(trueai: TrueAi, parent: dict[str, Any], custom_id: str, **more: Any) -> dict[str, Any]:
    job = str(parent["jobId"])
    return trueai.submit(
        "action", taskId=parent["id"], customId=custom_id.replace("{h}", job), **more
    )


def pressed(trueai: TrueAi, parent: dict[str, Any], custom_id: str, **more: Any) -> dict[str, Any]:
    answer = press(trueai, parent, custom_id, **more)
    assert answer["code"] == 1, answer
    return trueai.ended(answer["result"])


@pytest.fixture(scope="module")
def single(trueai_shared: TrueAi, parent: dict[str, Any]) -> dict[str, Any]:
    return pressed(trueai_shared, parent, "MJ::JOB::upsample::1::{h}")


@pytest.fixture(scope="module")
def described(trueai_shared: TrueAi) -> dict[str, Any]:
    return trueai_shared.ended(trueai_shared.submit("describe", base64=PNG)["result"])


# Buttons


@pytest.mark.parametrize(
    ("custom_id", "action", "old_action"),
    [
        ("MJ::JOB::upsample::2::{h}", "UPSCALE", "UPSCALE"),
        ("MJ::JOB::variation::3::{h}", "VARIATION", "VARIATION"),
        ("MJ::JOB::reroll::0::{h}::SOLO", "IMAGINE", "REROLL"),
        ("MJ::JOB::high_variation::1::{h}::SOLO", "VARIATION", "VARIATION"),
        ("MJ::JOB::low_variation::1::{h}::SOLO", "VARIATION", "VARIATION"),
        ("MJ::Outpaint::50::1::{h}::SOLO", "ZOOM", "ACTION"),
        ("MJ::JOB::pan_left::1::{h}::SOLO", "PAN", "PAN"),
        ("MJ::JOB::upsample_v7_2x_subtle::1::{h}::SOLO", "UPSCALE_HD", "ACTION"),
        ("MJ::JOB::animate_high::1::{h}::SOLO", "VIDEO", "VIDEO"),
        ("MJ::Picread::Retry", "DESCRIBE", "DESCRIBE"),
    ],
)
def test_a_custom_id_says_what_is_done(
    trueai: TrueAi, parent: dict[str, Any], custom_id: str, action: str, old_action: str
) -> None:
    task = pressed(trueai, parent, custom_id)
    assert (task["action"], task["parentId"]) == (action, parent["id"])
    assert task["properties"]["custom_id"].startswith(custom_id.split("{")[0])
    trueai.helper("control", {"trueai_version": "9.5"})
    assert pressed(trueai, parent, custom_id)["action"] == old_action


def test_an_upscale_names_its_parent_and_offers_what_one_picture_can(
    single: dict[str, Any], parent: dict[str, Any]
) -> None:
    assert single["description"] == f"/up {parent['id']} U1"
    found = [button["customId"].split("::")[:3] for button in single["buttons"]]
    kinds = {parts[2] if parts[1] == "JOB" else parts[1] for parts in found}
    assert kinds == {
        "upsample_v7_2x_subtle", "upsample_v7_2x_creative", "low_variation", "high_variation",
        "Inpaint", "Outpaint", "CustomZoom", "pan_left", "pan_right", "pan_up", "pan_down",
        "animate_high", "animate_low", "BOOKMARK",
    }  # fmt: skip


def test_a_clip_can_be_chosen_and_extended(trueai: TrueAi) -> None:
    video = trueai.ended(trueai.submit("video", prompt="waves", image=PNG)["result"])
    clip = pressed(trueai, video, "MJ::JOB::video_virtual_upscale::1::{h}")
    assert (clip["action"], len(clip["videoUrls"])) == ("UPSCALE", 1)
    longer = pressed(trueai, clip, clip["buttons"][0]["customId"])
    assert (longer["action"], len(longer["videoUrls"])) == ("VIDEO", 4)
    again = pressed(trueai, video, "MJ::JOB::reroll::0::{h}::SOLO")
    assert (again["action"], len(again["videoUrls"])) == ("VIDEO", 4)


def test_an_upscale_is_seen_twice_at_discord_and_once_at_a_partner(
    trueai: TrueAi, parent: dict[str, Any]
) -> None:
    press(trueai, parent, "MJ::JOB::upsample::1::{h}", notifyHook=trueai.inbox("u-discord"))
    assert trueai.life("u-discord", posts=3) == [LIFE[0], LIFE[-1], LIFE[-1]]
    partner = trueai.drawn("zzpartner")
    press(trueai, partner, "MJ::JOB::upsample::1::{h}", notifyHook=trueai.inbox("u-partner"))
    assert trueai.life("u-partner", posts=2) == [LIFE[-1], LIFE[-1]]


def test_an_upscale_may_be_done_before_it_is_answered(
    trueai: TrueAi, parent: dict[str, Any]
) -> None:
    def is_done(task: dict[str, Any]) -> bool:
        answer = press(
            trueai, task, "MJ::JOB::upsample::4::{h}", notifyHook=trueai.inbox("u-instant")
        )
        return bool(trueai.find(answer["result"])[0]["status"] == "SUCCESS")

    assert is_done(trueai.drawn("zznextinstant"))
    partner = trueai.drawn("zzpartner")
    trueai.helper("control", {"alive": False})
    assert is_done(partner)
    assert press(trueai, parent, "MJ::JOB::upsample::4::{h}")["code"] == 3
    trueai.helper("control", {"alive": True, "trueai_instant_upscale": True})
    assert is_done(parent)
    assert trueai.posts("u-instant") == []


def test_an_upscale_waits_for_nobody(narrow: TrueAi) -> None:
    trueai = TrueAi(narrow.process, narrow.address)
    trueai.helper("control", {"drawing_seconds": 0})
    parent = trueai.drawn("a grid")
    trueai.helper("control", {"drawing_seconds": 600})
    assert [trueai.imagine("one more")["code"] for _ in range(4)] == [1, 1, 22, 3]
    assert press(trueai, parent, "MJ::JOB::upsample::1::{h}")["code"] == 1
    assert press(trueai, parent, "MJ::JOB::variation::1::{h}")["code"] == 3


def test_a_place_that_no_grid_has_fails(trueai: TrueAi, parent: dict[str, Any]) -> None:
    assert pressed(trueai, parent, "MJ::JOB::upsample::7::{h}")["status"] == "FAILURE"


def test_a_follow_up_keeps_its_parents_account_mode_and_words(trueai: TrueAi) -> None:
    parent = trueai.drawn("zzpartner zznextrelax --turbo", state="first")
    task = pressed(trueai, parent, "MJ::JOB::variation::1::{h}", state="second")
    assert (task["isPartner"], task["state"]) == (True, "second")
    assert (task["requestMode"], task["mode"]) == ("TURBO", "RELAX")
    body = {"taskId": parent["id"], "customId": "MJ::JOB::variation::1::x"}
    answer = trueai.call("mj-fast/mj/submit/action", body).json()
    assert trueai.find(answer["result"])[0]["requestMode"] == "FAST"


@pytest.mark.parametrize(
    "custom_id",
    ["MJ::BOOKMARK::x", "MJ::Job::PromptAnalyzer::1", "MJ::JOB::video::1::x::manual", "x"],
)
def test_an_unknown_custom_id_is_refused_since_11_0(
    trueai: TrueAi, parent: dict[str, Any], custom_id: str
) -> None:
    answer = press(trueai, parent, custom_id)
    assert (answer["code"], answer["description"]) == (4, "未知的 Action 类型")
    trueai.helper("control", {"trueai_version": "9.5"})
    answer = press(trueai, parent, custom_id)
    assert answer["code"] == 1
    assert (answer["result"] == parent["id"]) == custom_id.startswith("MJ::BOOKMARK")


def test_what_a_description_says_cannot_be_rerolled(
    trueai: TrueAi, described: dict[str, Any]
) -> None:
    answer = press(trueai, described, "MJ::JOB::reroll::0::x::SOLO")
    assert (answer["code"], answer["description"]) == (4, "该任务不支持重新生成")


def test_the_parent_must_be_known_and_done(trueai: TrueAi) -> None:
    body = {"taskId": "1", "customId": "MJ::JOB::upsample::1::x"}
    for path in ("action", "modal"):
        answer = trueai.mj(f"submit/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (404, 3)
    slow = trueai.imagine("zzslow")
    assert press(trueai, {"id": slow["result"], "jobId": "x"}, "MJ::JOB::upsample::1::x") == {
        "code": 4,
        "description": "关联任务状态错误",
        "result": None,
        "properties": {},
    }


# Described prompts


def test_all_described_prompts_are_drawn_at_once_and_without_a_hook(
    trueai: TrueAi, described: dict[str, Any]
) -> None:
    hook = trueai.inbox("all")
    answer = press(trueai, described, "MJ::Job::PicReader::all", state="s", notifyHook=hook)
    assert (answer["code"], answer["description"]) == (1, "成功")
    tasks = [trueai.ended(task_id) for task_id in answer["result"].split(",")]
    assert [task["state"] for task in tasks] == ["s::1", "s::2", "s::3", "s::4"]
    assert len({task["promptEn"] for task in tasks}) == 4
    assert {task["action"] for task in tasks} == {"IMAGINE"}
    assert trueai.posts("all") == []


# Windows


@pytest.mark.parametrize(
    ("custom_id", "action", "final_prompt"),
    [
        ("MJ::CustomZoom::{h}", "ZOOM", "a grid to act on"),
        ("MJ::CustomZoom::1::{h}", "ZOOM", "a grid to act on"),
        ("MJ::Inpaint::1::{h}::SOLO", "VARIATION", ""),
    ],
)
def test_a_window_is_opened_and_confirmed(
    trueai: TrueAi, single: dict[str, Any], custom_id: str, action: str, final_prompt: str
) -> None:
    name = f"modal-{action}-{len(custom_id)}"
    hook = trueai.inbox(name)
    answer = press(trueai, single, custom_id, state="kept", notifyHook=hook)
    assert answer == {
        "code": 21,
        "description": "Waiting for window confirm",
        "result": answer["result"],
        "properties": {"finalPrompt": final_prompt, "remix": True},
    }
    (waiting,) = trueai.find(answer["result"])
    assert (waiting["status"], waiting["progress"]) == ("MODAL", None)
    assert trueai.posts(name) == []
    body = {"taskId": answer["result"], "prompt": "a bird", "maskBase64": PNG, "state": "lost"}
    confirmed = trueai.submit("modal", **body)
    assert (confirmed["code"], confirmed["result"]) == (1, answer["result"])
    task = trueai.ended(answer["result"])
    assert (task["status"], task["action"], task["state"]) == ("SUCCESS", action, "kept")
    assert task["promptEn"] == "a bird"
    assert len(trueai.life(name, posts=len(LIFE) + 1)) == len(LIFE) + 1


def test_a_window_may_be_confirmed_with_the_prompt_it_shows(
    trueai: TrueAi, single: dict[str, Any]
) -> None:
    answer = press(trueai, single, "MJ::Inpaint::1::{h}::SOLO")
    trueai.submit("modal", taskId=answer["result"])
    assert trueai.ended(answer["result"])["promptEn"] == "a grid to act on"


def test_the_words_of_a_windows_prompt_steer_the_task(
    trueai: TrueAi, single: dict[str, Any]
) -> None:
    answer = press(trueai, single, "MJ::CustomZoom::{h}")
    trueai.submit("modal", taskId=answer["result"], prompt="zzfail")
    assert trueai.ended(answer["result"])["status"] == "FAILURE"
    other = press(trueai, single, "MJ::CustomZoom::{h}")
    assert trueai.submit("modal", taskId=other["result"], prompt="zzcode3")["code"] == 3
    assert trueai.find(other["result"])[0]["status"] == "MODAL"


def test_nobody_looks_whether_a_confirmed_task_is_a_window(
    trueai: TrueAi, parent: dict[str, Any]
) -> None:
    task = trueai.drawn("drawn twice")
    trueai.submit("modal", taskId=task["id"], prompt="another prompt")
    again = trueai.ended(task["id"])
    assert again["finishTime"] > task["finishTime"]
    assert again["jobId"] != task["jobId"]


def test_one_described_prompt_is_shown_in_a_window(
    trueai: TrueAi, described: dict[str, Any]
) -> None:
    answer = press(trueai, described, "MJ::Job::PicReader::2")
    assert answer["code"] == 21
    assert answer["properties"]["finalPrompt"].startswith("paper-cut landscape")


@pytest.mark.parametrize(
    ("remix", "asks", "code"),
    [
        ("auto", False, 1),
        ("auto", True, 21),
        ("ask", False, 21),
        ("ask", True, 21),
        ("off", False, 1),
        ("off", True, 4),
    ],
)
@pytest.mark.parametrize("button", ["variation::1", "pan_up::1", "reroll::0", "animate_low::1"])
def test_remix_opens_a_window_for_what_it_can_change(
    trueai: TrueAi, parent: dict[str, Any], button: str, remix: str, asks: bool, code: int
) -> None:
    trueai.helper("control", {"trueai_remix": remix})
    answer = press(trueai, parent, f"MJ::JOB::{button}::{{h}}", enableRemix=asks)
    assert answer["code"] == code
    upscale = press(trueai, parent, "MJ::JOB::upsample::1::{h}", enableRemix=asks)
    assert upscale["code"] == 1
