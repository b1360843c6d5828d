"""The adapter for the new-api family: new-api's own task objects and errors, and those of this
product where they differ. The payloads are task objects as new-api answers them."""

from dataclasses import replace
from typing import Any

import pytest

from channels.adapters.base import Submission, TakenAs, Update
from channels.errors import OutcomeUnknown, Refusal
from tests.channels.proxy import PAGE, answering
from tests.channels.wide import (
    BARE,
    FOLLOW_UPS,
    HOOK,
    LINK,
    NEW,
    PNG,
    PRESS,
    STATE,
    Wide,
    result,
    submission,
)

NEWAPI = Wide("newapi")
SITE = "https://newapi.example"
WEB_PAGE = b"<!doctype html><html><head><title>New API</title></head><body></body></html>\n"
# Of each payload: status, progress, and which results it has.
EXPECTED: dict[str, tuple[str, int | None, set[str]]] = {
    "not_started": ("NOT_START", 0, set()),
    "modal": ("MODAL", None, set()),
    "in_progress": ("IN_PROGRESS", 62, {"image_url"}),
    "success": ("SUCCESS", 100, {"image_url", "buttons"}),
    "upscale": ("SUCCESS", 100, {"image_url", "buttons"}),
    "describe": ("SUCCESS", 100, {"image_url", "buttons", "prompt"}),
    "shorten": ("SUCCESS", 100, {"buttons", "prompt"}),
    "video": ("SUCCESS", 100, {"image_url", "video_url", "video_urls", "buttons"}),
    "swap": ("SUCCESS", 100, {"image_url"}),
    "failure": ("FAILURE", 100, {"image_url"}),
}
RESULTS = ("image_url", "image_urls", "video_url", "video_urls", "buttons", "prompt")
MODES = {"accountFilter": {"modes": ["RELAX"]}}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_task_in_our_words(name: str) -> None:
    update = NEWAPI.update(name)
    has = {field for field in RESULTS if getattr(update, field)}
    assert (update.status, update.progress, has) == EXPECTED[name]
    assert update.correlation == STATE
    # What it calls one is what the submit was answered with.
    assert update.description is None
    assert update.mode is None


def test_every_payload_is_expected() -> None:
    assert NEWAPI.payloads() == set(EXPECTED)


def test_a_finished_grid_word_for_word() -> None:
    row = NEWAPI.payload("success")
    update = NEWAPI.update("success")
    assert update == Update(
        upstream_id=row["id"],
        correlation=STATE,
        status="SUCCESS",
        progress=100,
        prompt_en="a lighthouse at dusk",
        final_prompt="a lighthouse at dusk",
        final_zh_prompt="",
        image_url=f"{SITE}/mj/image/{row['id']}",
        video_url="",
        buttons=update.buttons,
        start_time=row["startTime"],
        finish_time=row["finishTime"],
        raw=row,
    )


def test_the_address_of_a_preview_does_not_change_with_each_look() -> None:
    row = NEWAPI.payload("in_progress")
    assert "?rand=" in row["imageUrl"]
    assert NEWAPI.update("in_progress").image_url == f"{SITE}/mj/image/{row['id']}"


def test_a_description_of_this_product_is_one() -> None:
    row = {"id": "7", "description": "/up 1712204995849323 U1"}
    assert NEWAPI.adapter.to_update(row).description == row["description"]


def door(message: str, code: str = "") -> dict[str, Any]:
    """new-api's words at its door."""
    return {"error": {"message": message, "type": "new_api_error", "code": code}}


def drawing(code: int, description: str) -> dict[str, Any]:
    """Its words behind the door: the description ends in a blank."""
    return {"code": code, "description": f"{description} ", "type": "upstream_error"}


def ours(code: int, kind: str, text: str = "…") -> dict[str, Any]:
    """A refusal of this product."""
    error = {"message": text, "type": kind, "code": kind}
    return result(code, text, result="", type=kind, message=text, error=error)


@pytest.mark.parametrize(
    ("status", "body", "refusal", "next_channel"),
    [
        (401, door("Invalid token"), Refusal.BAD_CREDENTIAL, True),
        (403, door("用户已被封禁"), Refusal.BAD_CREDENTIAL, True),
        (403, door("User has been banned"), Refusal.BAD_CREDENTIAL, True),
        (403, door("普通用户不支持指定渠道"), Refusal.BAD_CREDENTIAL, True),
        (403, door("您的 IP 不在令牌允许访问的列表中", "access_denied"), Refusal.OTHER, True),
        (403, door("无权访问 vip 分组"), Refusal.OTHER, True),
        (403, door("This token has no access to model mj_video"), Refusal.NO_ACCOUNT, True),
        (403, door("This channel has been disabled"), Refusal.NO_ACCOUNT, True),
        (403, b"", Refusal.OTHER, True),
        (403, PAGE, Refusal.OTHER, True),
        (401, PAGE, Refusal.OTHER, True),
        (400, door("Invalid request: unknown_action:MJ::Picread::Retry"), Refusal.UNSUPPORTED,
         False),
        (400, door("Invalid request: custom_id_is_required"), Refusal.OTHER, True),
        (503, door("No available channel for model mj_video", "model_not_found"),
         Refusal.NO_ACCOUNT, True),
        (500, {"error": {"message": "Panic detected", "type": "new_api_panic"}}, Refusal.OTHER,
         False),
        (400, drawing(4, "quota_not_enough"), Refusal.NO_ACCOUNT, True),
        (400, drawing(4, "prompt_is_required"), Refusal.BAD_REQUEST, False),
        (400, drawing(4, "task_not_found"), Refusal.OTHER, False),
        (400, drawing(4, "该任务所属渠道已被禁用"), Refusal.NO_ACCOUNT, True),
        (400, drawing(4, "模型 mj_video 的价格尚未由管理员配置"), Refusal.NO_ACCOUNT, True),
        (400, drawing(5, "do_request_failed"), Refusal.OTHER, True),
        (429, drawing(30, "当前分组负载已饱和"), Refusal.QUEUE_FULL, True),
        (200, result(3, "无可用的账号实例"), Refusal.NO_ACCOUNT, True),
        (200, result(9, "提交失败，系统异常"), Refusal.OTHER, True),
        (200, result(23, "队列已满，请稍后尝试"), Refusal.QUEUE_FULL, True),
        (200, result(24, "可能包含敏感词"), Refusal.BANNED_PROMPT, False),
        (400, ours(4, "invalid_request"), Refusal.BAD_REQUEST, False),
        (401, ours(4, "invalid_api_key"), Refusal.BAD_CREDENTIAL, True),
        (403, ours(4, "tenant_disabled"), Refusal.OTHER, True),
        (403, ours(4, "ip_not_allowed"), Refusal.OTHER, True),
        (402, ours(4, "quota_not_enough"), Refusal.NO_ACCOUNT, True),
        (403, ours(4, "action_not_allowed"), Refusal.NO_ACCOUNT, True),
        (400, ours(24, "banned_prompt"), Refusal.BANNED_PROMPT, False),
        (429, ours(23, "queue_full"), Refusal.QUEUE_FULL, True),
        (429, ours(23, "rate_limited"), Refusal.QUEUE_FULL, True),
        (502, ours(9, "upstream_rejected"), Refusal.OTHER, True),
        (503, ours(9, "no_channel"), Refusal.NO_ACCOUNT, True),
        (500, ours(9, "internal_error"), Refusal.OTHER, False),
        # Its web page is shown for any address that it does not know.
        (200, WEB_PAGE, Refusal.OTHER, True),
    ],
)  # fmt: skip
def test_every_way_to_say_no(status: int, body: Any, refusal: Refusal, next_channel: bool) -> None:
    no = NEWAPI.rejected(body, status)
    assert (no.refusal, no.next_channel) == (refusal, next_channel)


@pytest.mark.parametrize(
    ("status", "body", "is_fault"),
    [
        # Nothing works, or only chance does.
        (500, PAGE, True),
        (503, PAGE, True),
        (503, ours(9, "unavailable"), True),
        (403, PAGE, True),
        (403, ours(4, "tenant_disabled"), True),
        (403, ours(4, "ip_not_allowed"), True),
        (403, door("无权访问 vip 分组"), True),
        # One action, one model, one drawing; or the key, which has a verdict of its own.
        (503, ours(9, "no_channel"), False),
        (503, door("No available channel for model mj_video", "model_not_found"), False),
        (502, ours(9, "upstream_rejected"), False),
        (403, ours(4, "action_not_allowed"), False),
        (403, door("This token has no access to model mj_video"), False),
        (401, door("Invalid token"), False),
        (402, ours(4, "quota_not_enough"), False),
        (429, ours(23, "queue_full"), False),
        (200, WEB_PAGE, False),
    ],
)
def test_what_counts_against_the_channel(status: int, body: Any, is_fault: bool) -> None:
    assert NEWAPI.rejected(body, status).is_fault == is_fault


@pytest.mark.parametrize(
    ("status", "body"),
    [(502, PAGE), (504, b""), (200, b""), (200, WEB_PAGE[:40]), (502, result(1, result="7"))],
)
def test_what_leaves_it_open(status: int, body: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        NEWAPI.submitted(body, status)


@pytest.mark.parametrize("code", [1, 22])
def test_accepted(code: int) -> None:
    accepted = NEWAPI.submitted(result(code, result="7", properties=None))
    assert (accepted.upstream_id, accepted.taken_as) == ("7", TakenAs.TASK)


def test_a_modal() -> None:
    accepted = NEWAPI.submitted(
        result(21, result="7", properties={"finalPrompt": "", "remix": True})
    )
    assert accepted.taken_as is TakenAs.MODAL


@pytest.mark.parametrize(("what", "route", "body"), [*NEW.values(), *FOLLOW_UPS.values()])
def test_what_it_is_sent(what: Submission, route: str, body: dict[str, Any]) -> None:
    path, headers, sent = NEWAPI.sent(what)
    assert path == f"/mj-relax/mj/{route}"
    assert headers["mj-api-secret"] == "open sesame"
    assert headers["authorization"] == "Bearer open sesame"
    assert sent == body | MODES | {"state": STATE, "notifyHook": HOOK}


@pytest.mark.parametrize(
    ("action", "index", "sent_index"), [("UPSCALE", 2, 2), ("VARIATION", 4, 4), ("REROLL", 0, 1)]
)
def test_a_change_of_what_has_no_buttons(action: str, index: int, sent_index: int) -> None:
    """new-api refuses a change with index 0, a reroll too."""
    path, _, sent = NEWAPI.sent(submission(action, parent=BARE, index=index))
    assert path == "/mj-relax/mj/submit/change"
    expected = PRESS | MODES | {"action": action, "index": sent_index}
    assert sent == expected | {"state": STATE, "notifyHook": HOOK}


@pytest.mark.parametrize(
    ("what", "can"),
    [
        (submission("SWAP_FACE", images=(PNG, LINK)), False),
        (submission("SWAP_FACE", images=(LINK, PNG)), False),
        (submission("UPSCALE", parent=BARE, index=2), True),
        *((what, True) for what, _, _ in (*NEW.values(), *FOLLOW_UPS.values())),
    ],
)
def test_only_a_swap_by_address_is_beyond_it(what: Submission, can: bool) -> None:
    assert bool(NEWAPI.adapter.obstacle(what)) != can


def test_a_member_without_a_list_proves_nothing() -> None:
    with answering(WEB_PAGE) as server:
        findings = NEWAPI.adapter.find(NEWAPI.upstream(server.url), ["a"])
    assert (findings.found, findings.complete) == ({}, False)


def test_a_member_with_a_list_is_searched() -> None:
    with answering([NEWAPI.payload("success")]) as server:
        findings = NEWAPI.adapter.find(NEWAPI.upstream(server.url), [STATE, "x"])
    assert (set(findings.found), findings.complete) == ({STATE}, True)


def test_a_confirmation() -> None:
    what = replace(submission(prompt="a boat"), mask="AAAA")
    with answering(result(1, result="7")) as server:
        NEWAPI.adapter.confirm(NEWAPI.upstream(server.url), what, "7")
    assert server.asked[0][1] == "/mj/submit/modal"
