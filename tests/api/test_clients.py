"""What clients of this family break on: one test or more for each numbered line of our list of the
ten things most likely to be missed. The programs one by one are in test_client_programs.py.
"""

import base64
import json
from typing import Any

import pytest
import requests

from tests.accounts import Account, open_account
from tests.api.clients import Client, button, every_price, message_hash, wide
from tests.api.shapes import assert_accepted, assert_every_answer, assert_refused, assert_task
from tests.api.upstreams import Upstream
from tests.stack import wait_until

__all__ = ["every_price", "wide"]

MODALS = ("MJ::Inpaint::", "MJ::CustomZoom::")
MB = 2**20


def press(upstream: Upstream, task: dict[str, Any], custom_id: str) -> requests.Response:
    body = {"taskId": task["id"], "customId": custom_id}
    return upstream.account.request("POST", "/mj/submit/action", json=body)


def test_1_a_queued_submit_is_an_accepted_one(account: Account, wide: Upstream) -> None:
    """uniai and others take 22 for a refusal, and lose what they have paid for."""
    for tenant in (account, wide.account):
        task_id = assert_accepted(tenant.imagine("a lighthouse zzqueue"))
        assert tenant.finish(task_id)["status"] == "SUCCESS"


def test_2_only_zooms_and_inpaints_ask_back(wide: Upstream) -> None:
    """To geekai and others 21 is a failure, unless they have asked for a window."""
    for task in (wide.grid, wide.single):
        for row in task["buttons"]:
            answer = press(wide, task, row["customId"])
            assert answer.status_code == 200, (row, answer.text)
            is_modal = row["customId"].startswith(MODALS)
            assert answer.json()["code"] == (21 if is_modal else 1), row


@pytest.mark.parametrize("beginning", MODALS)
def test_3_a_modal_is_shown_as_one_from_the_first_fetch_on(wide: Upstream, beginning: str) -> None:
    """Licoy gives its mask and prompt to the first fetch only, and would lose them."""
    answer = press(wide, wide.single, button(wide.single, beginning))
    task = wide.account.fetch(answer.json()["result"])
    assert_task(task)
    assert (task["status"], task["failReason"]) == ("MODAL", "")


@pytest.mark.parametrize(
    ("prompt", "end"), [("a red roof", "SUCCESS"), ("a red roof zzfail", "FAILURE")]
)
def test_4_a_modal_goes_on_under_its_id_to_the_end(wide: Upstream, prompt: str, end: str) -> None:
    """Licoy and litter-coder go on to look at the id that the action was answered with."""
    task_id = wide.modal()
    answer = wide.account.request(
        "POST", "/mj/submit/modal", json={"taskId": task_id, "prompt": prompt}
    )
    assert assert_accepted(answer) == task_id
    assert wide.account.finish(task_id)["status"] == end


def test_5_nothing_but_prompts_is_in_the_properties(wide: Upstream) -> None:
    """With a messageId Comfly would build button ids that Midjourney does not know."""
    for task in (wide.grid, wide.single, wide.description, wide.shortening, wide.video):
        assert set(task["properties"]) == {"finalPrompt", "finalZhPrompt"}
        assert "messageId" not in json.dumps(task)


@pytest.mark.parametrize(
    ("custom_id", "code"),
    [
        ("MJ::JOB::upsample::3::{hash}", 1),
        ("MJ::JOB::variation::2::00000000-0000-0000-0000-000000000000", 1),
        ("MJ::JOB::pan_left::2::{hash}::SOLO", 1),
        ("MJ::CustomZoom::{hash}::2", 21),
        ("MJ::Outpaint::75::2::{hash}::SOLO", 1),
    ],
)
def test_6_buttons_that_clients_make_themselves_are_taken(
    wide: Upstream, custom_id: str, code: int
) -> None:
    """geekai and Comfly make them; the task shows no such button."""
    made = custom_id.format(hash=message_hash(wide.grid))
    answer = press(wide, wide.single, made)
    assert (answer.status_code, answer.json().get("code")) == (200, code), answer.text


REFUSED: list[tuple[str, str, Any]] = [
    ("POST", "submit/imagine", {}),
    ("POST", "submit/imagine", {"prompt": "zzban"}),
    ("POST", "submit/imagine", {"prompt": "zzfull"}),
    ("POST", "submit/imagine", {"prompt": "zzcode3"}),
    ("POST", "submit/imagine", {"prompt": "zz500"}),
    ("POST", "submit/imagine", {"prompt": "zz401"}),
    ("POST", "submit/change", {"taskId": "1", "action": "REROLL"}),
    ("POST", "submit/action", {"taskId": "undefined", "customId": "x"}),
    ("POST", "submit/modal", {"taskId": "None"}),
    ("POST", "submit/nothing", {}),
    ("GET", "task/undefined/fetch", None),
    ("GET", "task/None/fetch", None),
    ("GET", "task//fetch", None),
    ("GET", "submit/imagine", None),
]


@pytest.mark.parametrize(("method", "path", "body"), REFUSED, ids=str)
def test_7_no_refusal_looks_like_an_answer_with_a_task(
    account: Account, method: str, path: str, body: Any
) -> None:
    """Comfly would ask for the task with the empty id for ever."""
    answer = account.request(method, f"/mj/{path}", json=body)
    assert answer.status_code >= 400
    found = answer.json()
    assert (found["result"], type(found["code"])) == ("", int)
    assert found["description"] == found["message"] == found["error"]["message"] != ""


def test_7_no_money_and_no_key_are_refused_like_all_else(account: Account) -> None:
    poor = account.new_key(budget="0")
    text = assert_refused(poor.imagine(), 402, "quota_not_enough")
    assert "quota_not_enough" in text
    wrong = account.request("POST", "/mj/submit/imagine", headers={"Authorization": "sk-wrong"})
    assert_refused(wrong, 401, "invalid_api_key")


def test_8_a_list_holds_only_what_was_asked_for(wide: Upstream, account: Account) -> None:
    """new-api as a relay behind us crashes on anything else."""
    other = account.draw("zzslow")
    ids = [wide.grid["id"], wide.single["id"]]
    cases: list[tuple[list[Any], list[str]]] = [
        (ids, ids), ([int(ids[0])], ids[:1]), ([other], []), ([ids[1], other, "x", 0], ids[1:]),
        ([], []), (["media-workstage-ping"], []),
    ]  # fmt: skip
    for asked, expected in cases:
        path = "/mj/task/list-by-condition"
        answer = wide.account.request("POST", path, json={"ids": asked})
        assert (answer.status_code, answer.text[:1]) == (200, "[")
        assert sorted(row["id"] for row in answer.json()) == sorted(expected)


@pytest.mark.parametrize(("word", "end"), [("zzmute", "SUCCESS"), ("zzfail", "FAILURE")])
def test_9_the_end_is_called_back_even_to_those_who_never_ask(
    account: Account, word: str, end: str
) -> None:
    """coai knows nothing else: without it every job ends in its time-out."""
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw(word, notifyHook=hook)

    def ended() -> list[dict[str, Any]]:
        bodies = [json.loads(m["body"]) for m in account.stack.inbox(account.tenant.name)]
        return [body for body in bodies if body["status"] == end]

    (message,) = wait_until(ended, what="the final callback")
    assert_task(message)
    assert message["id"] == task_id


def test_10_pages_of_other_sites_may_read_every_answer(account: Account) -> None:
    """The same in a real browser: tests/browser/test_other_origin.py."""
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    names = "authorization,content-type,mj-api-secret,x-ptoken"
    asked |= {"Access-Control-Request-Headers": names}
    for method, path, body in REFUSED:
        answer = account.request(method, f"/mj/{path}", json=body, headers={"Origin": "null"})
        assert_every_answer(answer)
        preflight = requests.options(f"{account.stack.url}/mj/{path}", headers=asked, timeout=9)
        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Headers"] == names
        assert_every_answer(preflight)
    account.awaken()
    picture = account.finish(account.draw())["imageUrl"]
    assert_every_answer(requests.get(picture, timeout=9))
    assert_every_answer(requests.get(picture + "x", timeout=9))


def test_a_body_of_25_mb_is_taken(wide: Upstream) -> None:
    """Dooy sends up to five pictures of 5 MB as base64; Django alone stops at 2.5 MB."""
    big = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(4 * MB)).decode()
    client = Client(wide.account, headers={"mj-api-secret": "{key}"})
    client.submit("submit/blend", {"base64Array": [f"data:image/png;base64,{big}"] * 5})


def test_no_post_is_redirected_and_no_error_is_a_page(account: Account) -> None:
    client = Client(account, base="//mj", headers={"mj-api-secret": "{key}"})
    for path in ("submit/imagine", "submit/imagine/", "/submit//imagine//"):
        assert_accepted(client.post(path, {"prompt": "a lighthouse"}))
    for path in ("suno/submit/music", "luma/generations", "kling/v1/videos"):
        answer = account.request("POST", f"/{path}", json={})
        assert_refused(answer, 404, "not_found")


def test_codes_are_written_without_a_blank(wide: Upstream) -> None:
    """new-api looks for the literal text."""
    assert '"code":1,' in wide.account.imagine().text
    custom_id = button(wide.single, "MJ::CustomZoom::")
    assert '{"code":21,' in press(wide, wide.single, custom_id).text


def test_a_stranger_with_money_sees_nothing(wide: Upstream) -> None:
    stranger = open_account(wide.account.stack)
    assert Client(stranger, headers={"mj-api-secret": "{key}"}).ask("GET", "task/list").json() == []
