"""new-api: what becomes of a submit, first ones and follow-ups."""

from typing import Any

import pytest
import requests

from .running import LIFE, PNG, SECRET, NewApi, start, stop


@pytest.fixture(scope="module")
def single(newapi_shared: NewApi, drawing: dict[str, Any]) -> dict[str, Any]:
    answer = newapi_shared.submit("change", taskId=drawing["id"], action="UPSCALE", index=1)
    return newapi_shared.ended(answer["result"])


# Submits


def test_any_word_may_stand_for_the_mode(newapi: NewApi) -> None:
    for prefix in ("mj-fast", "fast", "anything"):
        answer = newapi.call(f"{prefix}/mj/submit/imagine", {"prompt": "a cat"}).json()
        found = newapi.call(f"{prefix}/mj/task/{answer['result']}/fetch").json()
        assert found["prompt"] == "a cat"


def test_an_answer_is_plain_text_and_a_queued_task_is_code_1(newapi: NewApi) -> None:
    answer = newapi.mj("submit/imagine", {"prompt": "zzqueue"})
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert (answer.json()["code"], answer.json()["description"]) == (1, "排队中，前面还有1个任务")
    assert newapi.find(answer.json()["result"])[0]["description"] == "排队中，前面还有1个任务"


@pytest.mark.parametrize(
    ("word", "code", "description"),
    [
        ("zzban", 24, "可能包含敏感词"),
        ("zzfull", 23, "队列已满，请稍后尝试"),
        ("zzcode3", 3, "无可用的账号实例"),
    ],
)
def test_what_upstream_refuses_is_handed_on(
    newapi: NewApi, word: str, code: int, description: str
) -> None:
    answer = newapi.imagine(word)
    assert (answer["code"], answer["description"], answer["result"]) == (code, description, None)
    assert newapi.imagine("zzminus1")["code"] == -1


@pytest.mark.parametrize(
    ("word", "code", "description"),
    [("zzquota", 4, "quota_not_enough "), ("zzorphan", 5, "do_request_failed ")],
)
def test_what_the_relay_refuses_is_400(
    newapi: NewApi, word: str, code: int, description: str
) -> None:
    answer = newapi.mj("submit/imagine", {"prompt": word})
    assert answer.status_code == 400
    error = {"description": description, "type": "upstream_error", "code": code}
    assert answer.json() == error


def test_zzorphan_is_drawn_but_never_seen_again(newapi: NewApi) -> None:
    newapi.mj("submit/imagine", {"prompt": "an unseen zzorphan"})
    (submit,) = newapi.submits("an unseen zzorphan")
    assert submit["accepted"]
    assert newapi.find(submit["id"]) == []


def test_without_a_channel_it_is_503(newapi: NewApi) -> None:
    def message(answer: requests.Response) -> str:
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "model_not_found"
        return str(answer.json()["error"]["message"].split(" (request")[0])

    text = "No available channel for model {} under group default (distributor)"
    word = newapi.mj("submit/imagine", {"prompt": "zz503"})
    assert message(word) == text.format("mj_imagine")
    simple = newapi.mj("submit/simple-change", {"content": "1 u1"})
    assert message(simple) == text.format("mj_")
    made_up = newapi.mj("submit/change", {"taskId": "1", "action": "FOO", "index": 1})
    assert message(made_up) == text.format("mj_foo")
    newapi.helper("control", {"alive": False})
    swap = newapi.mj("insight-face/swap", {"sourceBase64": PNG, "targetBase64": PNG})
    assert message(swap) == text.format("swap_face")


@pytest.mark.parametrize(
    ("path", "body", "description"),
    [
        ("submit/imagine", {}, "prompt_is_required "),
        ("submit/imagine", {"prompt": 5}, "bind_request_body_failed "),
        ("submit/imagine", [], "bind_request_body_failed "),
        ("submit/describe", {"prompt": 5}, "bind_request_body_failed "),
        ("submit/change", {"taskId": "1", "action": "UPSCALE"}, "index_is_required "),
        ("submit/change", {"taskId": "1", "action": "UPSCALE", "index": 1}, "task_not_found "),
        ("submit/modal", {"taskId": "1"}, "task_not_found "),
        ("submit/video", {"taskId": "1", "prompt": "a"}, "task_not_found "),
        (
            "insight-face/swap",
            {"sourceBase64": PNG},
            "sour_base64_and_target_base64_is_required ",
        ),
    ],
)
def test_a_wrong_field_is_400_with_code_4(
    newapi: NewApi, path: str, body: object, description: str
) -> None:
    answer = newapi.mj(path, body)
    assert (answer.status_code, answer.json()["code"]) == (400, 4)
    assert answer.json()["description"] == description


def test_a_body_of_another_type_is_read_as_empty(newapi: NewApi) -> None:
    headers = {**SECRET, "Content-Type": "Application/JSON"}
    answer = newapi.mj("submit/imagine", {"prompt": "a cat"}, headers=headers)
    assert answer.json()["description"] == "prompt_is_required "


# Follow-ups


@pytest.mark.parametrize(
    ("custom_id", "action"),
    [
        ("MJ::JOB::upsample::2::x", "UPSCALE"),
        ("MJ::JOB::upsample_v7_2x_subtle::1::x::SOLO", "UPSCALE"),
        ("MJ::JOB::variation::2::x", "VARIATION"),
        ("MJ::JOB::low_variation::1::x::SOLO", "LOW_VARIATION"),
        ("MJ::JOB::high_variation::1::x::SOLO", "HIGH_VARIATION"),
        ("MJ::JOB::pan_left::1::x::SOLO", "PAN"),
        ("MJ::JOB::reroll::0::x::SOLO", "REROLL"),
        ("MJ::Outpaint::50::1::x::SOLO", "ZOOM"),
    ],
)
def test_a_custom_id_names_the_action(
    newapi: NewApi, drawing: dict[str, Any], custom_id: str, action: str
) -> None:
    answer = newapi.submit("action", taskId=drawing["id"], customId=custom_id)
    task = newapi.ended(answer["result"])
    assert (task["action"], task["prompt"]) == (action, "a grid")


@pytest.mark.parametrize(
    ("custom_id", "status", "text"),
    [
        ("", 400, "Invalid request: custom_id_is_required"),
        ("MJ::Job::PicReader::1", 400, "unknown_action:MJ::Job::PicReader::1"),
        ("MJ::JOB::animate_high::1::x::SOLO", 400, "Invalid request: unknown_action:"),
        ("MJ::JOB::upsample::x::y", 400, "Invalid request: index_parse_failed"),
        ("abc", 500, "Panic detected"),
        ("MJ::JOB::upsample", 500, "Panic detected"),
    ],
)
def test_a_custom_id_it_does_not_know_is_refused_at_the_door(
    newapi: NewApi, drawing: dict[str, Any], custom_id: str, status: int, text: str
) -> None:
    answer = newapi.mj("submit/action", {"taskId": drawing["id"], "customId": custom_id})
    assert answer.status_code == status
    assert text in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("custom_id", "action"),
    [("MJ::CustomZoom::x", "CUSTOM_ZOOM"), ("MJ::Inpaint::1::x::SOLO", "INPAINT")],
)
def test_a_window_keeps_its_21_and_its_id(
    newapi: NewApi, single: dict[str, Any], custom_id: str, action: str
) -> None:
    answer = newapi.submit("action", taskId=single["id"], customId=custom_id)
    assert (answer["code"], answer["description"]) == (21, "Waiting for window confirm")
    (waiting,) = newapi.find(answer["result"])
    newapi.check(waiting)
    assert (waiting["status"], waiting["action"]) == ("MODAL", action)
    confirmed = newapi.submit("modal", taskId=answer["result"], prompt="a bird", maskBase64=PNG)
    assert (confirmed["code"], confirmed["result"]) == (1, answer["result"])
    task = newapi.ended(answer["result"])
    # The second row of the same id is never found: action and prompt are the first one's.
    assert (task["action"], task["prompt"], task["promptEn"]) == (action, "a grid", "a bird")


def test_any_other_21_is_made_1(newapi: NewApi, drawing: dict[str, Any]) -> None:
    body = {"taskId": drawing["id"], "customId": "MJ::JOB::pan_up::1::x::SOLO"}
    answer = newapi.submit("action", enableRemix=True, **body)
    assert (answer["code"], answer["description"]) == (1, "Waiting for window confirm")
    assert newapi.find(answer["result"])[0]["status"] == "MODAL"


def test_an_equal_upscale_is_the_first_one_with_code_1(newapi: NewApi) -> None:
    parent = newapi.drawn("zznextexists")
    body = {"taskId": parent["id"], "action": "UPSCALE", "index": 3}
    first = newapi.submit("change", **body)
    newapi.ended(first["result"])
    again = newapi.submit("change", **body)
    assert (again["code"], again["result"]) == (1, first["result"])
    assert again["properties"]["status"] == "SUCCESS"


def test_a_parent_must_be_done_unless_that_is_switched_off(newapi: NewApi) -> None:
    running = newapi.imagine("zzslow")["result"]
    body = {"taskId": running, "action": "UPSCALE", "index": 1}
    assert newapi.mj("submit/change", body).json()["description"] == "task_status_not_success "
    newapi.helper("control", {"newapi_check_success": False})
    assert newapi.submit("change", **body)["description"] == "关联任务状态错误"


def test_a_missing_parent_upstream_keeps_its_404(newapi: NewApi) -> None:
    answer = newapi.mj("submit/modal", {"prompt": "a"})
    assert (answer.status_code, answer.json()["code"]) == (200, 4)


# Other submits


def test_the_other_routes_reach_upstream(newapi: NewApi) -> None:
    video = newapi.submit("video", prompt="waves", image=PNG, batchSize=1)
    task = newapi.ended(video["result"])
    newapi.check(task)
    assert task["videoUrls"] == [{"url": task["videoUrl"]}]
    described = newapi.ended(newapi.submit("describe", base64=PNG)["result"])
    assert described["properties"]["finalPrompt"].startswith("1️⃣")
    assert newapi.ended(newapi.submit("edits", prompt="in blue", image=PNG)["result"])
    assert newapi.ended(newapi.submit("shorten", prompt="long")["result"])["imageUrl"] == ""
    links = newapi.submit("upload-discord-images", base64Array=[PNG])["result"]
    assert requests.get(links[0]).status_code == 200


def test_a_face_swap_is_written_anew_with_its_code(newapi: NewApi) -> None:
    body = {"sourceBase64": PNG, "targetBase64": PNG.replace("png", "jpeg")}
    answer = newapi.mj("insight-face/swap", body)
    assert list(answer.json()) == ["code", "description", "properties", "result"]
    assert newapi.ended(answer.json()["result"])["prompt"] == "InsightFace"


def test_account_filters_stay_with_the_relay(newapi: NewApi) -> None:
    answer = newapi.imagine("a cat", accountFilter={"instanceId": "nobody"})
    assert answer["code"] == 1


def test_hooks_are_posted_only_when_switched_on() -> None:
    newapi = NewApi(*vars(start(drawing_seconds=0.1, newapi_hooks="true")).values())
    try:
        newapi.imagine("hooks", notifyHook=newapi.inbox("on"))
        assert newapi.life("on", posts=len(LIFE) + 1)[0] == LIFE[0]
    finally:
        stop(newapi)
