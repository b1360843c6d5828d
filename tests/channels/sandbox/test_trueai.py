"""trueai: who may call it, how it words its answers, and the task object."""

import re
from typing import Any

import pytest
import requests

from .running import SECRET, TrueAi, eventually, start, stop

ADMIN = {"mj-api-secret": "admin"}
TASK_KEYS = set(
    re.findall(
        r"\w+",
        """
    parentId botType realBotType userId isWhite nonce interactionMetadataId messageId
    remixModalMessageId remixAutoSubmit remixModaling instanceId subInstanceId messageIds action
    status isCompleted prompt promptEn promptFull description language state submitTime startTime
    finishTime imageUrl baseImageUrl imageUrls thumbnailUrl progress failReason hasAIReviewRetried
    isThirdParty isPartner isPartnerRelax partnerTaskId partnerTaskInfo isOfficial officialTaskId
    officialTaskInfo isDiscord buttons displays seed seedError seedMessageId clientIp jobId
    isReplicate replicateSource replicateTarget mode requestMode accountFilter url proxyUrl height
    width size contentType imageHeight imageWidth videoGenOriginImageUrl videoDuration frameCount
    videoUrl videoUrls useTime version storageOption videoType isHdVideo id properties
    """,
    )
)
INSTANCE = {
    "discordInstanceId": "1077900000000000002",
    "discordChannelId": "1077900000000000002",
}

# The task object


def test_an_ended_task_has_every_key(trueai: TrueAi) -> None:
    task = trueai.drawn("猫 --niji 6", state="s", botType="niji")
    assert set(task) == TASK_KEYS
    assert (task["status"], task["progress"], task["isCompleted"]) == ("SUCCESS", "100%", True)
    assert (task["prompt"], task["promptFull"]) == ("猫 --niji 6", "猫 --niji 6")
    assert (task["botType"], task["version"]) == ("NIJI_JOURNEY", "niji 6")
    assert (task["state"], task["failReason"]) == ("s", "")
    assert task["submitTime"] <= task["startTime"] < task["finishTime"]
    assert task["useTime"].endswith(" s")
    assert task["properties"]["messageHash"] == task["jobId"]
    assert task["displays"]["status"] == "SUCCESS"
    labels = [button["label"] or button["emoji"] for button in task["buttons"]]
    assert labels == ["U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4"]


def test_a_running_task_has_no_buttons_and_no_state_of_its_own(trueai: TrueAi) -> None:
    task_id = trueai.imagine("zzslow")["result"]
    task = eventually(lambda: [t for t in trueai.find(task_id) if t["progress"] == "31%"])[0]
    assert set(task) == TASK_KEYS
    assert (task["buttons"], task["state"], task["failReason"]) == ([], None, None)
    assert (task["useTime"], task["finishTime"], task["promptFull"]) == ("-", None, None)


def test_a_partner_account_shows_four_pictures(trueai: TrueAi) -> None:
    task = trueai.drawn("zzpartner")
    assert (task["isPartner"], task["isDiscord"]) == (True, False)
    assert len({image["url"] for image in task["imageUrls"]}) == 4
    assert requests.get(task["imageUrls"][3]["url"]).content.startswith(b"\x89PNG")


def test_words_are_escaped_and_only_percentages_are_shown(trueai: TrueAi) -> None:
    answer = trueai.mj("submit/imagine", {"prompt": "zzwords & <猫>"})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.text.isascii()
    task = trueai.ended(answer.json()["result"])
    assert task["prompt"] == "zzwords & <猫>"
    raw = trueai.mj(f"task/{task['id']}/fetch").text
    assert raw.isascii()
    assert "&" not in raw


# Looking tasks up


def test_an_unknown_task_is_204(trueai: TrueAi) -> None:
    answer = trueai.mj("task/1720333718022739/fetch")
    assert (answer.status_code, answer.content) == (204, b"")


def test_zznull204_hides_a_task_from_fetch_only(trueai: TrueAi) -> None:
    task = trueai.drawn("zznull204")
    assert trueai.mj(f"task/{task['id']}/fetch").status_code == 204


def test_tasks_are_listed_by_id_and_the_latest_first(trueai: TrueAi) -> None:
    ids = [trueai.imagine("listed")["result"] for _ in range(3)]
    for path in ("task/list-by-condition", "task/list-by-ids"):
        found = trueai.mj(path, {"Ids": [*ids, " " + ids[0], "1", None]}).json()
        assert sorted(task["id"] for task in found) == ids
    assert trueai.mj("task/list-by-ids", {}).json() == []
    assert [task["id"] for task in trueai.mj("task/list").json()][:3] == ids[::-1]


def test_an_image_has_a_seed_when_it_is_done(trueai: TrueAi, parent: dict[str, Any]) -> None:
    path = f"task/{parent['id']}/image-seed"
    trueai.helper("control", {"trueai_seed_seconds": 4})
    first = trueai.mj(path)
    assert first.elapsed.total_seconds() >= 4
    assert (first.json()["code"], first.json()["description"]) == (1, "成功")
    assert first.json()["result"].isdecimal()
    again = trueai.mj(path)
    assert again.elapsed.total_seconds() < 4
    assert again.json() == first.json()
    assert trueai.find(parent["id"])[0]["seed"] == first.json()["result"]


def test_an_image_that_is_not_done_has_no_seed(trueai: TrueAi) -> None:
    unknown = trueai.mj("task/1/image-seed")
    assert (unknown.status_code, unknown.json()["code"]) == (404, 3)
    running = trueai.imagine("zzslow")["result"]
    answer = trueai.mj(f"task/{running}/image-seed")
    assert (answer.status_code, answer.json()["code"]) == (400, 4)
    unseeded = trueai.drawn("zznextfail")
    assert trueai.mj(f"task/{unseeded['id']}/image-seed").json()["code"] == 9


def test_only_an_admin_may_cancel(trueai: TrueAi) -> None:
    task_id = trueai.imagine("zzslow, to be cancelled")["result"]
    answer = trueai.mj(f"task/{task_id}/cancel", {})
    assert (answer.status_code, answer.text) == (400, "演示模式，禁止操作")
    answer = trueai.mj(f"task/{task_id}/cancel", {}, headers=ADMIN)
    assert (answer.status_code, answer.content) == (200, b"")
    task = trueai.ended(task_id)
    assert (task["status"], task["failReason"]) == ("FAILURE", "取消任务")
    assert trueai.mj("task/1/cancel", {}, headers=ADMIN).status_code == 200


def test_a_window_can_be_cancelled_too(trueai: TrueAi, parent: dict[str, Any]) -> None:
    action = {"taskId": parent["id"], "customId": "MJ::CustomZoom::x"}
    task_id = trueai.submit("action", **action)["result"]
    trueai.mj(f"task/{task_id}/cancel", {}, headers=ADMIN)
    assert trueai.find(task_id)[0]["status"] == "FAILURE"


def test_a_task_cancelled_in_the_queue_is_told_of_when_its_turn_comes() -> None:
    trueai = TrueAi(*vars(start(drawing_seconds=0.6, workers=1)).values())
    try:
        first, waiting = (
            trueai.imagine("queue", notifyHook=trueai.inbox(name))["result"]
            for name in ("first", "waiting")
        )
        trueai.mj(f"task/{waiting}/cancel", {}, headers=ADMIN)
        assert trueai.find(waiting)[0]["status"] == "FAILURE"
        assert trueai.posts("waiting") == []
        trueai.ended(first)
        assert trueai.life("waiting", posts=2) == [("FAILURE", "")] * 2
    finally:
        stop(trueai)


# The door


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"mj-api-secret": "wrong"},
        {"Authorization": "Bearer open sesame"},
        {**SECRET, "Authorization": "Bearer a tenant's"},
        {**SECRET, "Authorization": ""},
    ],
)
def test_authorization_goes_before_the_secret_and_is_compared_whole(
    trueai: TrueAi, headers: dict[str, str]
) -> None:
    answer = trueai.mj("submit/imagine", {"prompt": "unpaid"}, headers=headers)
    assert (answer.status_code, answer.text) == (401, "Authorization header missing.")


def test_the_token_may_stand_in_authorization(trueai: TrueAi) -> None:
    headers = {"Authorization": "open sesame", "mj-api-secret": "wrong"}
    assert trueai.mj("task/list", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("user", "status", "text"),
    [
        ("disabled", 401, "账号已禁用"),
        ("expired", 403, "账号不可用"),
        ("limited", 429, ""),
        ("blocked", 403, ""),
    ],
)
def test_a_known_user_may_be_turned_away(trueai: TrueAi, user: str, status: int, text: str) -> None:
    trueai.helper("control", {"trueai_user": user})
    answer = trueai.mj("submit/imagine", {"prompt": "a cat"})
    assert (answer.status_code, answer.text) == (status, text)


def test_everybody_may_ask_how_it_is() -> None:
    trueai = TrueAi(*vars(start(secret="open sesame", drawing_seconds=0.1)).values())
    try:
        assert trueai.call("health", headers={}).json()["status"] == "Healthy"
        before = trueai.call("mj/home", headers={}).json()["data"]
        trueai.drawn("one fast drawing")
        trueai.drawn("one in turbo", accountFilter={"modes": ["turbo"]})
        trueai.drawn("one relaxed --relax")
        after = trueai.call("mj/home", headers={}).json()["data"]
        assert before["fastAvailableCount"] - after["fastAvailableCount"] == 1 + 2
        assert after["todayCounter"] == {
            mode: {"IMAGINE": 1} for mode in ("FAST", "TURBO", "RELAX")
        }
        assert (after["version"], after["relaxAvailableCount"]) == ("v11.10.3", -1)
    finally:
        stop(trueai)


def test_an_unknown_route_is_404_without_a_body(trueai: TrueAi) -> None:
    for path in ("submit/show", "submit/change", "submit/simple-change", "account/list"):
        answer = trueai.mj(path, {})
        assert (answer.status_code, answer.content) == (404, b"")
    assert trueai.mj("task/queue").status_code == 404
    assert trueai.call("fast/mj/submit/imagine", {"prompt": "a"}).status_code == 404


# What the framework says


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '{"prompt": 5}',
        '{"prompt": "a", "state": 5}',
        '{"prompt": "a", "base64Array": "b"}',
        '{"prompt": "a", "accountFilter": {"modes": ["QUICK"]}}',
    ],
)
def test_what_cannot_be_read_is_code_minus_1_in_http_200(trueai: TrueAi, body: str) -> None:
    headers = {**SECRET, "Content-Type": "application/json"}
    answer = trueai.mj("submit/imagine", {}, json=None, data=body, headers=headers)
    assert answer.status_code == 200
    assert set(answer.json()) == {"success", "code", "message", "timestamp"}
    assert answer.json()["code"] == -1


def test_names_are_read_in_any_case(trueai: TrueAi) -> None:
    assert trueai.mj("submit/imagine", {"PROMPT": "a cat", "botTYPE": "mj"}).json()["code"] == 1


def test_a_body_that_is_not_called_json_is_415(trueai: TrueAi) -> None:
    answer = trueai.mj("submit/imagine", {}, json=None, data=b'{"prompt": "a"}')
    assert answer.status_code == 415
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_a_body_of_more_than_30_megabytes_is_413(trueai: TrueAi) -> None:
    body = {"prompt": "a", "base64Array": ["A" * 30_000_000]}
    assert trueai.mj("submit/imagine", body).status_code == 413


# Answers to a submit


def test_a_submit_is_accepted(trueai: TrueAi) -> None:
    answer = trueai.imagine("a cat")
    assert (answer["code"], answer["description"]) == (1, "提交成功")
    assert answer["properties"] == INSTANCE
    answer = trueai.imagine("zzqueue")
    assert (answer["code"], answer["description"]) == (22, "排队中，前面还有1个任务")
    assert answer["properties"] == {"numberOfQueues": 1, **INSTANCE}


@pytest.mark.parametrize(
    ("word", "code", "description", "properties"),
    [
        ("zzfull", 9, "提交失败，队列已满，请稍后重试", INSTANCE),
        ("zzcode3", 3, "无可用的账号实例", {}),
        ("zzquota", 4, "用户今日绘图次数已达上限", {}),
    ],
)
def test_a_refusing_word_is_answered_with_its_code(
    trueai: TrueAi, word: str, code: int, description: str, properties: dict[str, str]
) -> None:
    assert trueai.imagine(word) == {
        "code": code,
        "description": description,
        "result": None,
        "properties": properties,
    }
    assert [submit["accepted"] for submit in trueai.submits(word)] == [False]


def test_a_broken_limit_is_code_4_for_imagine_and_minus_1_elsewhere(trueai: TrueAi) -> None:
    assert trueai.imagine("a", state="s" * 256)["description"] == "State参数过长，最大255字符"
    answer = trueai.submit("shorten", prompt="a", state="s" * 256)
    assert (answer["code"], answer["message"]) == (-1, "State参数过长，最大255字符")
    assert trueai.submit("shorten", prompt="zzquota")["code"] == -1
    assert trueai.imagine("a", notifyHook="h" * 2001)["code"] == 4


def test_zzminus1_is_refused_without_a_description(trueai: TrueAi) -> None:
    answer = trueai.imagine("zzminus1")
    assert (answer["success"], answer["code"], answer["message"]) == (False, -1, "操作失败")


@pytest.mark.parametrize(
    ("word", "status", "text"),
    [("zz401", 401, "Authorization header missing."), ("zz429", 429, ""), ("zzempty", 200, "")],
)
def test_a_word_may_break_the_answer_itself(
    trueai: TrueAi, word: str, status: int, text: str
) -> None:
    answer = trueai.mj("submit/imagine", {"prompt": word})
    assert (answer.status_code, answer.text) == (status, text)


def test_a_full_pool_has_no_account_left(narrow: TrueAi) -> None:
    narrow = TrueAi(narrow.process, narrow.address)
    answers = [narrow.imagine(f"number {number}") for number in range(4)]
    assert [answer["code"] for answer in answers] == [1, 1, 22, 3]
    assert answers[3]["description"] == "无可用的账号实例"


def test_without_a_living_account_nothing_is_taken(trueai: TrueAi) -> None:
    trueai.helper("control", {"alive": False})
    assert trueai.imagine("a cat")["code"] == 3
    assert trueai.call("mj/home").json()["data"]["fastAvailableCount"] == 0


# Versions


def test_until_11_6_1_a_banned_word_is_refused_and_later_it_fails(trueai: TrueAi) -> None:
    task = trueai.drawn("zzban")
    assert (task["status"], task["failReason"]) == ("FAILURE", "可能包含敏感词")
    for version in ("9.5", "11.0"):
        trueai.helper("control", {"trueai_version": version})
        answer = trueai.imagine("of zzban")
        assert (answer["code"], answer["description"]) == (24, "可能包含敏感词")
        assert answer["properties"] == {"promptEn": "of zzban", "bannedWord": "zzban"}


def test_until_9_5_there_are_changes_and_a_queue(trueai: TrueAi, parent: dict[str, Any]) -> None:
    trueai.helper("control", {"trueai_version": "9.5"})
    upscale = trueai.submit("change", taskId=parent["id"], action="upscale", index=2)
    assert trueai.ended(upscale["result"])["action"] == "UPSCALE"
    reroll = trueai.submit("simple-change", content=f"{parent['id']} R")
    assert trueai.ended(reroll["result"])["action"] == "REROLL"
    assert trueai.submit("simple-change", content=f"{parent['id']} u5")["code"] == 4
    assert trueai.mj("submit/simple-change", {"content": "1 u1"}).status_code == 404
    slow = trueai.imagine("zzslow")["result"]
    assert slow in [task["id"] for task in trueai.mj("task/queue").json()]


def test_the_version_is_an_option_too() -> None:
    trueai = TrueAi(*vars(start(trueai_version="9.5")).values())
    try:
        assert trueai.mj("task/queue").json() == []
    finally:
        stop(trueai)
