"""trueai: what can be submitted from a prompt or pictures, and the modes it is drawn in."""

from typing import Any

import pytest
import requests

from .running import PNG, TrueAi, start, stop

RAW = PNG.split(",")[1]
DISCORD, PARTNER = "1077900000000000002", "1077900000000000003"


def done(trueai: TrueAi, path: str, **body: object) -> dict[str, Any]:
    answer = trueai.submit(path, **body)
    assert answer["code"] == 1, answer
    return trueai.ended(answer["result"])


# Prompts and pictures


def test_imagine_puts_links_of_the_uploads_before_the_prompt(trueai: TrueAi) -> None:
    task = done(trueai, "imagine", prompt=" a cat ", base64Array=[PNG, "", RAW])
    first, second, rest = task["promptEn"].split(" ", 2)
    assert (task["prompt"], rest) == ("a cat", "a cat")
    assert requests.get(first).content.startswith(b"\x89PNG")
    assert first != second


def test_only_a_partner_account_imagines_with_an_address(trueai: TrueAi) -> None:
    link = "https://a.example/b.png"
    assert trueai.imagine("a cat", base64Array=[link])["code"] == 9
    task = done(trueai, "imagine", prompt="zzpartner", base64Array=[link])
    assert task["promptEn"] == f"{link} zzpartner"


def test_blend_takes_base64_and_addresses(trueai: TrueAi) -> None:
    pictures = [PNG, "https://a.example/b.png"]
    task = done(trueai, "blend", base64Array=pictures, dimensions="PORTRAIT")
    assert (task["action"], task["prompt"]) == ("BLEND", None)
    assert task["promptEn"].endswith("https://a.example/b.png --ar 2:3")
    assert task["description"] == f"/blend {task['id']} 2"


@pytest.mark.parametrize("body", [{"base64": PNG}, {"link": "https://a.example/b.png"}])
def test_describe_answers_four_prompts(trueai: TrueAi, body: dict[str, str]) -> None:
    task = done(trueai, "describe", language="zh_cn", **body)
    assert (task["action"], task["language"]) == ("DESCRIBE", "zh_cn")
    assert all(number in task["prompt"] for number in ("1️⃣", "2️⃣", "3️⃣", "4️⃣"))
    assert task["properties"]["finalPrompt"] == task["promptEn"]
    custom_ids = [button["customId"] for button in task["buttons"]]
    assert custom_ids[0] == "MJ::Job::PicReader::1"
    assert {"MJ::Picread::Retry", "MJ::Job::PicReader::all"} <= set(custom_ids)


def test_a_partner_account_describes_in_one_step_and_without_numbers(trueai: TrueAi) -> None:
    link = "https://a.example/zzpartner.png"
    answer = trueai.submit("describe", link=link, notifyHook=trueai.inbox("described"))
    assert trueai.life("described", posts=2) == [("SUCCESS", "100%")] * 2
    lines = trueai.ended(answer["result"])["promptEn"].split("\r\n")
    assert len(lines) == 4
    assert lines[0].startswith("a quiet valley")


def test_shorten_is_for_discord_accounts(trueai: TrueAi) -> None:
    task = done(trueai, "shorten", prompt="a long prompt")
    assert (task["action"], task["imageUrl"]) == ("SHORTEN", None)
    assert task["prompt"].startswith("1️⃣ a long prompt")
    assert task["buttons"][0]["customId"] == "MJ::Job::PromptAnalyzer::1"
    assert trueai.submit("shorten", prompt="zzpartner")["code"] == 3


@pytest.mark.parametrize(
    ("path", "action"), [("edit", "EDIT"), ("edits", "EDIT"), ("retexture", "RETEXTURE")]
)
def test_edits_are_for_partner_accounts(trueai: TrueAi, path: str, action: str) -> None:
    task = done(trueai, path, prompt="in blue", image=RAW)
    assert (task["action"], task["isPartner"]) == (action, True)
    refused = trueai.submit(
        path, prompt="in blue", image=RAW, accountFilter={"instanceId": DISCORD}
    )
    assert (refused["code"], refused["description"]) == (9, "当前账号不支持编辑/重绘任务")


def test_uploads_are_answered_with_their_links(trueai: TrueAi) -> None:
    answer = trueai.submit("upload-discord-images", base64Array=[PNG, PNG])
    assert answer["code"] == 1
    assert [requests.get(link).status_code for link in answer["result"]] == [200, 200]
    refused = trueai.submit("upload-discord-images", base64Array=[])
    assert refused == {"code": 4, "description": "base64 参数错误"}


def test_a_face_is_swapped_by_another_service(trueai: TrueAi) -> None:
    body = {"sourceBase64": PNG, "targetUrl": "https://a.example/b.png"}
    answer = trueai.mj("insight-face/swap", body).json()
    assert (answer["code"], answer["properties"]) == (1, {})
    task = trueai.ended(answer["result"])
    assert (task["action"], task["botType"]) == ("SWAP_FACE", "INSIGHT_FACE")
    assert (task["buttons"], task["isReplicate"]) == ([], True)
    steered = {"sourceBase64": PNG, "targetUrl": "https://a.example/zzfail.png"}
    failed = trueai.ended(trueai.mj("insight-face/swap", steered).json()["result"])
    assert failed["status"] == "FAILURE"


# Videos


def test_a_video_has_a_clip_for_each_of_its_batch(trueai: TrueAi) -> None:
    fields = {"batchSize": 2, "motion": "high", "videoType": "vid_1.1_i2v_720"}
    task = done(trueai, "video", prompt="waves", image=PNG, **fields)
    assert (task["action"], task["isHdVideo"]) == ("VIDEO", True)
    assert task["promptEn"].endswith(" waves --video 1 --motion high --bs 2")
    urls = [video["url"] for video in task["videoUrls"]]
    assert task["videoUrl"] == urls[0]
    assert [url.rsplit("-", 1)[1] for url in urls] == ["1.mp4", "2.mp4"]
    assert task["buttons"][0]["customId"].startswith("MJ::JOB::video_virtual_upscale::1::")


def test_a_video_without_a_first_picture_fails(trueai: TrueAi) -> None:
    task = done(trueai, "video", prompt="waves")
    assert (task["status"], task["failReason"]) == ("FAILURE", "Invalid parameter, No start frame")


def test_an_imagine_with_the_flag_is_a_video(trueai: TrueAi) -> None:
    assert done(trueai, "imagine", prompt="waves --video 1")["action"] == "VIDEO"


def test_only_a_clip_of_an_ended_video_can_be_extended(trueai: TrueAi) -> None:
    video = done(trueai, "video", prompt="waves", image=PNG)
    fields = {"prompt": "more", "taskId": video["id"]}
    assert done(trueai, "video", action="extend", index=3, **fields)["parentId"] == video["id"]
    assert trueai.submit("video", **fields)["description"] == "任务类型错误"
    assert trueai.submit("video", action="extend", index=4, **fields)["code"] == 9
    unknown = {"prompt": "more", "taskId": "1", "action": "extend"}
    assert trueai.mj("submit/video", unknown).status_code == 404


# Refusals


@pytest.mark.parametrize(
    ("path", "body", "description"),
    [
        ("imagine", {"prompt": " "}, "prompt不能为空"),
        ("imagine", {"prompt": "a", "base64Array": ["%"]}, "base64格式错误"),
        ("blend", {"base64Array": [PNG]}, "图片参数错误，2~5张图片"),
        ("blend", {"base64Array": [PNG] * 2, "dimensions": None}, "dimensions参数错误"),
        ("describe", {}, "base64或link不能为空"),
        ("describe", {"link": "ftp://a/b"}, "链接格式错误"),
        ("edits", {"prompt": "a"}, "image或prompt不能为空"),
        ("video", {"image": PNG}, "Prompt 不能为空"),
        ("action", {"taskId": "1"}, "参数错误"),
        ("modal", {}, "参数错误"),
    ],
)
def test_a_wrong_field_is_code_4(
    trueai: TrueAi, path: str, body: dict[str, Any], description: str
) -> None:
    answer = trueai.submit(path, **body)
    assert answer == {
        "code": 4,
        "description": description,
        "result": None,
        "properties": {},
    }


@pytest.mark.parametrize(
    ("off", "path", "body", "code", "description"),
    [
        ("uploads", "imagine", {"prompt": "a", "base64Array": [PNG]}, 4, "禁止上传"),
        ("uploads", "edits", {"prompt": "a", "image": PNG}, 4, "禁止上传"),
        ("uploads", "blend", {"base64Array": [PNG, PNG]}, 4, "base64格式错误"),
        ("storage", "describe", {"base64": PNG}, 9, "上传图片到云存储异常"),
        ("video", "video", {"prompt": "a"}, 4, "视频功能未启用"),
        ("video", "imagine", {"prompt": "a --video"}, 9, "视频功能未启用"),
    ],
)
def test_a_feature_may_be_switched_off(
    trueai: TrueAi, off: str, path: str, body: dict[str, Any], code: int, description: str
) -> None:
    trueai.helper("control", {"trueai_off": [off]})
    answer = trueai.submit(path, **body)
    assert (answer["code"], answer["description"]) == (code, description)


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ({"targetBase64": PNG}, "人脸图片不能为空"),
        ({"sourceBase64": PNG}, "目标图片不能为空"),
        ({"sourceBase64": PNG, "targetBase64": PNG}, "人脸图片和目标图片不能相同"),
        ({"sourceBase64": "%", "targetBase64": PNG}, "人脸图片格式错误"),
        ({"sourceBase64": PNG, "targetUrl": "b.png"}, "目标图片URL格式错误"),
    ],
)
def test_a_face_swap_needs_two_pictures(
    trueai: TrueAi, body: dict[str, str], description: str
) -> None:
    answer = trueai.mj("insight-face/swap", body).json()
    assert (answer["code"], answer["description"]) == (4, description)


# Modes and accounts


@pytest.mark.parametrize(
    ("prefix", "modes", "prompt", "mode"),
    [
        ("mj-relax/mj", ["TURBO"], "a --fast", "RELAX"),
        ("mj-turbo/mj", None, "a", "TURBO"),
        ("mj-fast/mj", None, "a --relax", "FAST"),
        ("mj", ["RELAX", "FAST"], "a --turbo", "RELAX"),
        ("mj", None, "a --TURBO", "TURBO"),
    ],
)
def test_prefix_goes_before_filter_before_flag(
    trueai: TrueAi, prefix: str, modes: list[str] | None, prompt: str, mode: str
) -> None:
    body = {"prompt": prompt, "accountFilter": modes and {"modes": modes}}
    answer = trueai.call(f"{prefix}/submit/imagine", body).json()
    task = trueai.ended(answer["result"])
    assert (task["mode"], task["requestMode"]) == (mode, mode)
    shown = trueai.call(f"{prefix}/task/{task['id']}/fetch").json()
    assert shown == task


def test_nobody_asks_for_a_mode(trueai: TrueAi) -> None:
    task = done(trueai, "imagine", prompt="a cat")
    assert (task["mode"], task["requestMode"]) == ("FAST", None)


def test_the_pool_runs_only_some_modes(trueai: TrueAi) -> None:
    trueai.helper("control", {"trueai_modes": ["RELAX"]})
    assert trueai.imagine("a --turbo")["code"] == 3
    task = done(trueai, "imagine", prompt="a", accountFilter={"modes": ["FAST", "RELAX"]})
    assert (task["mode"], task["requestMode"]) == ("RELAX", "FAST")
    assert done(trueai, "imagine", prompt="a cat")["mode"] == "RELAX"


@pytest.mark.parametrize(
    ("word", "mode"), [("zzrelax", "RELAX"), ("zzfast", "FAST"), ("zzturbo", "TURBO")]
)
def test_a_word_decides_the_mode_in_the_end(trueai: TrueAi, word: str, mode: str) -> None:
    trueai.helper("control", {"drawing_seconds": 0.4})
    asked = "FAST" if mode == "TURBO" else "TURBO"
    answer = trueai.imagine(word, accountFilter={"modes": [asked]})
    assert trueai.find(answer["result"])[0]["mode"] == asked
    task = trueai.ended(answer["result"])
    assert (task["mode"], task["requestMode"]) == (mode, asked)


def test_without_fast_credits_everything_ends_relaxed() -> None:
    trueai = TrueAi(*vars(start(drawing_seconds=0.1)).values())
    try:
        trueai.helper("control", {"trueai_fast_left": 1})
        assert done(trueai, "imagine", prompt="the last --fast")["mode"] == "FAST"
        task = done(trueai, "imagine", prompt="one too many --fast")
        assert (task["mode"], task["requestMode"]) == ("RELAX", "FAST")
    finally:
        stop(trueai)


@pytest.mark.parametrize(
    ("account_filter", "account"),
    [
        ({"instanceId": DISCORD}, DISCORD),
        ({"instanceId": PARTNER}, PARTNER),
        ({"instanceId": "1"}, None),
        ({"remark": "discord"}, DISCORD),
        ({"remark": "nobody"}, None),
        ({"remix": True}, DISCORD),
        ({"remix": False}, None),
        ({"remixAutoConsidered": False}, None),
    ],
)
def test_a_filter_chooses_the_account(
    trueai: TrueAi, account_filter: dict[str, Any], account: str | None
) -> None:
    answer = trueai.imagine("a cat", accountFilter=account_filter)
    assert answer["properties"].get("discordInstanceId") == account
    assert answer["code"] == (1 if account else 3)
