"""The adapter for trueai-org/midjourney-proxy: its task objects in our words, every way it says no,
and what it is sent. The payloads are task objects as version 11.10 answers them."""

from dataclasses import replace
from typing import Any

import pytest

from channels.adapters.base import Submission, TakenAs, Update
from channels.errors import OutcomeUnknown, Refusal, Rejected
from tests.channels.proxy import PAGE, answering
from tests.channels.wide import BARE, FOLLOW_UPS, GRID, HOOK, NEW, STATE, Wide, result, submission

TRUEAI = Wide("trueai")
CDN = "https://cdn.upstream.example"
# Of each payload: status, progress, and which results it has.
EXPECTED: dict[str, tuple[str, int | None, set[str]]] = {
    "not_started": ("NOT_START", None, set()),
    "modal": ("MODAL", None, set()),
    "in_progress": ("IN_PROGRESS", 62, {"image_url"}),
    "success": ("SUCCESS", 100, {"image_url", "buttons"}),
    "upscale": ("SUCCESS", 100, {"image_url", "buttons"}),
    "partner": ("SUCCESS", 100, {"image_url", "image_urls", "buttons"}),
    "describe": ("SUCCESS", 100, {"image_url", "buttons", "prompt"}),
    "shorten": ("SUCCESS", 100, {"buttons", "prompt"}),
    "video": ("SUCCESS", 100, {"image_url", "video_url", "video_urls", "buttons"}),
    "swap": ("SUCCESS", 100, {"image_url"}),
    "failure": ("FAILURE", None, {"image_url"}),
}
RESULTS = ("image_url", "image_urls", "video_url", "video_urls", "buttons", "prompt")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_task_in_our_words(name: str) -> None:
    update = TRUEAI.update(name)
    has = {field for field in RESULTS if getattr(update, field)}
    assert (update.status, update.progress, has) == EXPECTED[name]
    assert update.correlation == STATE
    assert bool(update.fail_reason) == (name == "failure")


def test_every_payload_is_expected() -> None:
    assert TRUEAI.payloads() == set(EXPECTED)


def test_a_finished_grid_word_for_word() -> None:
    row = TRUEAI.payload("success")
    update = TRUEAI.update("success")
    assert update == Update(
        upstream_id=row["id"],
        correlation=STATE,
        status="SUCCESS",
        mode="relax",
        progress=100,
        prompt_en="a lighthouse at dusk",
        final_prompt="a lighthouse at dusk",
        description="/imagine a lighthouse at dusk",
        image_url=f"{CDN}/pictures/{row['id']}.png",
        buttons=update.buttons,
        start_time=row["startTime"],
        finish_time=row["finishTime"],
        raw=row,
    )
    assert [button["label"] for button in update.buttons or ()] == [
        "U1", "U2", "U3", "U4", "", "V1", "V2", "V3", "V4"
    ]  # fmt: skip


def test_the_text_of_a_description_is_its_prompt() -> None:
    update = TRUEAI.update("describe")
    assert update.prompt == update.final_prompt
    assert (update.prompt or "").startswith("1️⃣ ")


@pytest.mark.parametrize(
    ("said", "status"),
    [("CANCEL", "FAILURE"), ("REFRESH", "IN_PROGRESS"), (None, "IN_PROGRESS"), ("", "IN_PROGRESS")],
)
def test_a_status_that_is_none_of_ours(said: Any, status: str) -> None:
    assert TRUEAI.adapter.to_update({"id": "7", "status": said}).status == status


@pytest.mark.parametrize(
    ("said", "mode"), [("FAST", "fast"), ("TURBO", "turbo"), ("DRAFT", None), (None, None)]
)
def test_the_mode_it_was_drawn_in(said: Any, mode: str | None) -> None:
    assert TRUEAI.adapter.to_update({"mode": said}).mode == mode


def test_addresses_of_the_tenants_own_stay_in_the_prompt() -> None:
    own, theirs = "https://tenant.example/a.png", f"{CDN}/up.png"
    row = {"prompt": f"{own} a cat", "promptEn": f"{theirs} {own} a cat"}
    assert TRUEAI.adapter.to_update(row).prompt_en == f"{own} a cat"


@pytest.mark.parametrize(
    ("code", "text", "refusal", "next_channel"),
    [
        (3, "无可用的账号实例", Refusal.NO_ACCOUNT, True),
        (3, "目标任务不存在", Refusal.OTHER, False),
        (3, "关联任务不存在或已失效", Refusal.OTHER, False),
        (4, "prompt不能为空", Refusal.BAD_REQUEST, False),
        (4, "未知的 Action 类型", Refusal.UNSUPPORTED, False),
        (4, "关联任务状态错误", Refusal.OTHER, False),
        (4, "禁止上传", Refusal.OTHER, True),
        (4, "服务不支持", Refusal.OTHER, True),
        (4, "视频功能未启用", Refusal.OTHER, True),
        (4, "用户今日绘图次数已达上限", Refusal.QUEUE_FULL, True),
        (-1, "并发数已达上限", Refusal.QUEUE_FULL, True),
        (-1, "账号已被临时封锁，请勿使用违规词作图", Refusal.NO_ACCOUNT, True),
        (-1, "服务暂不可用，请联系管理员", Refusal.NO_ACCOUNT, True),
        (-1, "操作失败", Refusal.OTHER, True),
        (9, "提交失败，队列已满，请稍后重试", Refusal.QUEUE_FULL, True),
        (9, "提交失败，系统异常", Refusal.OTHER, True),
        (9, "上传图片到云存储异常", Refusal.OTHER, True),
        (23, "队列已满，请稍后尝试", Refusal.QUEUE_FULL, True),
        (24, "可能包含敏感词", Refusal.BANNED_PROMPT, False),
    ],
)
@pytest.mark.parametrize("key", ["description", "message"])
def test_every_word_that_says_no(
    code: int, text: str, refusal: Refusal, next_channel: bool, key: str
) -> None:
    no = TRUEAI.rejected({"code": code, key: text})
    assert (no.refusal, no.next_channel) == (refusal, next_channel)


@pytest.mark.parametrize(
    ("status", "body", "refusal", "next_channel"),
    [
        (400, b"", Refusal.OTHER, True),
        (401, b"Authorization header missing.", Refusal.BAD_CREDENTIAL, True),
        (401, "账号已禁用".encode(), Refusal.BAD_CREDENTIAL, True),
        (403, "账号不可用".encode(), Refusal.BAD_CREDENTIAL, True),
        # Our address is on its black list; a guard in front of it.
        (403, b"", Refusal.OTHER, True),
        (403, PAGE, Refusal.OTHER, True),
        (401, PAGE, Refusal.OTHER, True),
        (404, b"", Refusal.OTHER, True),
        (404, result(3, "关联任务不存在或已失效"), Refusal.OTHER, False),
        (413, b"", Refusal.OTHER, True),
        (429, b"", Refusal.QUEUE_FULL, True),
        # It crashed, maybe after it had taken the task.
        (500, {"success": False, "code": -1, "message": "操作失败"}, Refusal.OTHER, False),
        (503, PAGE, Refusal.OTHER, True),
    ],
)
def test_every_status_that_says_no(
    status: int, body: Any, refusal: Refusal, next_channel: bool
) -> None:
    no = TRUEAI.rejected(body, status)
    assert (no.refusal, no.next_channel) == (refusal, next_channel)


@pytest.mark.parametrize(
    ("status", "body", "is_fault"),
    [
        (401, b"Authorization header missing.", False),
        (403, b"", True),
        (403, PAGE, True),
        (404, b"", False),
        (429, b"", False),
        (500, {"success": False, "code": -1, "message": "操作失败"}, True),
        (503, PAGE, True),
        (200, result(3, "无可用的账号实例"), False),
        (200, result(9, "提交失败，系统异常"), False),
    ],
)
def test_what_counts_against_the_channel(status: int, body: Any, is_fault: bool) -> None:
    assert TRUEAI.rejected(body, status).is_fault == is_fault


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, PAGE), (502, PAGE)])
def test_what_leaves_it_open(status: int, body: bytes) -> None:
    with pytest.raises((OutcomeUnknown, Rejected)) as raised:
        TRUEAI.submitted(body, status)
    assert not getattr(raised.value, "next_channel", False)


def test_a_banned_word_is_shown() -> None:
    found = {"promptEn": "a zz", "bannedWord": "zz", "discordInstanceId": "1"}
    no = TRUEAI.rejected(result(24, properties=found))
    assert no.properties == {"promptEn": "a zz", "bannedWord": "zz"}


@pytest.mark.parametrize("code", [1, 22])
def test_accepted(code: int) -> None:
    accepted = TRUEAI.submitted(result(code, result="7"))
    assert (accepted.upstream_id, accepted.taken_as) == ("7", TakenAs.TASK)


def test_a_modal_and_what_it_proposes() -> None:
    properties = {"finalPrompt": "cat --v 7", "remix": True}
    accepted = TRUEAI.submitted(result(21, result="7", properties=properties))
    assert (accepted.taken_as, accepted.final_prompt) == (TakenAs.MODAL, "cat --v 7")


@pytest.mark.parametrize(("what", "route", "body"), [*NEW.values(), *FOLLOW_UPS.values()])
def test_what_it_is_sent(what: Submission, route: str, body: dict[str, Any]) -> None:
    path, headers, sent = TRUEAI.sent(what)
    assert path == f"/mj-relax/mj/{route}"
    assert headers["mj-api-secret"] == "open sesame"
    # It would win over the other one, and fail.
    assert "authorization" not in headers
    assert sent == body | {"state": STATE, "notifyHook": HOOK}


@pytest.mark.parametrize("allowed", [True, False])
def test_filters_are_passed_on_where_the_operator_allows_it(allowed: bool) -> None:
    what = submission(prompt="a", filters={"modes": ["RELAX"], "remark": "studio"})
    with answering(result(1, result="7")) as server:
        at = replace(TRUEAI.upstream(server.url), pass_filters=allowed)
        TRUEAI.adapter.submit(at, what)
    assert (b"accountFilter" in server.asked[0][3]) == allowed


@pytest.mark.parametrize(
    ("what", "can"),
    [
        (submission("UPSCALE", parent=GRID, index=2), True),
        (submission("UPSCALE", parent=GRID, index=1), False),
        (submission("UPSCALE", parent=BARE, index=2), False),
        (submission("REROLL", parent=BARE), False),
        (submission("UPSCALE", parent=BARE, custom_id="MJ::JOB::upsample::1::x"), True),
        *((what, True) for what, _, _ in NEW.values()),
    ],
)
def test_a_change_needs_its_button(what: Submission, can: bool) -> None:
    assert bool(TRUEAI.adapter.obstacle(what)) != can


@pytest.mark.parametrize(("length", "complete"), [(2, True), (99, True), (100, False)])
def test_its_list_proves_an_absence_only_while_it_is_not_full(length: int, complete: bool) -> None:
    rows = [{"id": str(n), "state": f"s{n}"} for n in range(length)]
    with answering(rows) as server:
        findings = TRUEAI.adapter.find(TRUEAI.upstream(server.url), ["s1", "x"])
    assert (set(findings.found), findings.complete) == ({"s1"}, complete)
    assert [path for _, path, _, _ in server.asked] == ["/mj/task/list"]


def test_a_seed() -> None:
    with answering(result(1, "成功", result="4021")) as server:
        assert TRUEAI.adapter.image_seed(TRUEAI.upstream(server.url), "7") == "4021"
    assert server.asked[0][:2] == ("GET", "/mj/task/7/image-seed")


@pytest.mark.parametrize(
    ("status", "body"), [(404, result(3)), (400, result(4)), (200, result(9)), (200, result(3))]
)
def test_a_seed_that_is_refused(status: int, body: Any) -> None:
    with answering(body, status) as server, pytest.raises(Rejected):
        TRUEAI.adapter.image_seed(TRUEAI.upstream(server.url), "7")
