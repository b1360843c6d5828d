"""Chat bots, relays and servers as clients: the requests that each of them makes, and what it reads
of the answers. Named after the program and the behaviour; browsers and nodes are in
test_client_programs.py."""

import base64
import json
from typing import Any

import pytest
import requests

from tests.accounts import Account
from tests.api.clients import (
    BARE,
    BEARER,
    NAVY,
    RAW,
    RED,
    SECRET,
    Client,
    button,
    ended,
    every_price,
    inbox,
    messages,
    sent_upstream,
    wide,
)
from tests.api.shapes import TASK_KEYS, assert_accepted, assert_task
from tests.api.upstreams import Upstream
from tests.stack import wait_until

__all__ = ["every_price", "wide"]


def refusals(account: Account) -> list[requests.Response]:
    """One of each kind that a bot may run into."""
    bot = Client(account, headers=SECRET)
    wrong = Client(account, headers={"mj-api-secret": "sk-wrong"})
    poor = Client(account.new_key(budget="0"), headers=SECRET)
    prompts = ("zzban", "zzfull", "zzcode3", "zz500", "")
    return [
        *(bot.post("submit/imagine", {"prompt": prompt}) for prompt in prompts),
        wrong.post("submit/imagine", {"prompt": "a cat"}),
        wrong.ask("GET", "task/1/fetch"),
        poor.post("submit/imagine", {"prompt": "a cat"}),
        bot.ask("GET", "task/1/fetch"),
        bot.post("submit/nothing", {}),
        bot.ask("GET", "submit/imagine"),
        bot.ask("POST", "submit/imagine", data=b"{"),
    ]


# --- mouxangithub/midjourney-proxy-on-wechat ---


def test_mouxangithub_finds_three_keys_in_every_body(account: Account) -> None:
    """It never looks at the HTTP status, only at these; so does litter-coder, with `+`."""
    for answer in refusals(account):
        body = answer.json()
        assert isinstance(body["code"], int)
        assert isinstance(body["description"], str)
        assert body["description"]
        assert body["result"] == ""
        assert body["code"] not in (1, 21, 22)


def test_mouxangithub_gets_its_state_back_as_it_was(account: Account) -> None:
    bot = Client(account, headers=SECRET)
    state = json.dumps({"user": "@微信", "group": None, "at": 1.5}, ensure_ascii=False)
    task_id = bot.submit("submit/imagine", {"prompt": "a cat", "state": state})
    assert set(bot.fetch(task_id)) == set(TASK_KEYS)
    grid = bot.finish(task_id)
    assert grid["state"] == state
    changes: list[tuple[str, dict[str, Any]]] = [
        ("simple-change", {"content": f"{task_id} U2"}),
        ("simple-change", {"content": f"{task_id} v1"}),
        ("change", {"taskId": task_id, "action": "REROLL"}),
    ]
    for path, body in changes:
        child = bot.submit(f"submit/{path}", body | {"state": state})
        assert bot.fetch(child)["state"] == state


def test_mouxangithub_reads_a_description_in_the_prompt(account: Account) -> None:
    bot = Client(account, headers=SECRET)
    task = bot.finish(bot.submit("submit/describe", {"base64": NAVY}))
    assert "1️⃣" in task["prompt"]
    assert task["properties"]["finalPrompt"]


def test_mouxangithub_asks_for_the_queue(account: Account) -> None:
    bot = Client(account, headers=SECRET)
    assert bot.ask("GET", "task/queue").json() == []
    task_id = account.draw("zzslow")
    assert [row["id"] for row in bot.ask("GET", "task/queue").json()] == [task_id]


# --- litter-coder ---


def test_litter_coder_follows_all_its_tasks_with_one_question(wide: Upstream) -> None:
    bot = Client(wide.account, headers=SECRET)
    state = "u:wxid_1:group:2"
    body = {"prompt": "a cat", "state": state, "base64": BARE}
    ids = [bot.submit("submit/imagine", body), wide.description["id"], wide.shortening["id"]]
    ids += [wide.modal()]
    rows = {row["id"]: row for row in bot.post("task/list-by-condition", {"ids": ids}).json()}
    assert set(rows) == set(ids)
    for row in rows.values():
        assert_task(row)
        for one in row["buttons"] or ():
            assert isinstance(one["emoji"] + one["label"], str)
    assert rows[ids[0]]["state"].split(":") == state.split(":")
    assert rows[ids[1]]["properties"]["finalPrompt"]
    assert rows[ids[2]]["properties"]["finalPrompt"]
    assert rows[ids[3]]["status"] == "MODAL"
    assert bot.submit("submit/modal", {"taskId": ids[3]}) == ids[3]


# --- new-api as a relay behind us ---


def test_new_api_reads_strict_types(wide: Upstream) -> None:
    """Go decodes into integers and strings; an array or it crashes, and only what was asked for."""
    relay = Client(wide.account, headers={"mj-api-secret": "{key}"})
    ids = [wide.grid["id"], wide.account.draw("zzslow"), wide.account.draw("zzfail")]
    answer = relay.post("task/list-by-condition", {"ids": [*ids, "nothing"]})
    assert answer.status_code == 200
    rows = answer.json()
    assert {row["id"] for row in rows} == set(ids)
    for row in rows:
        for name in ("submitTime", "startTime", "finishTime"):
            assert type(row[name]) is int
        assert isinstance(row["properties"], dict)


def test_new_api_sees_no_reason_before_the_end(account: Account) -> None:
    """A reason while the progress is not 100 % makes it give the money back and stop looking."""
    relay = Client(account, headers={"mj-api-secret": "{key}"})
    task_id = relay.submit("submit/imagine", {"prompt": "zzfail"})
    seen = []

    def is_over() -> bool:
        (row,) = relay.post("task/list-by-condition", {"ids": [task_id]}).json()
        seen.append((row["failReason"], row["progress"]))
        return row["progress"] == "100%"

    wait_until(is_over, what="the end")
    assert {reason for reason, progress in seen if progress != "100%"} <= {""}
    assert seen[-1][0]


def test_new_api_finds_the_code_by_its_literal_text(wide: Upstream) -> None:
    relay = Client(wide.account, headers={"mj-api-secret": "{key}"})
    custom_id = button(wide.single, "MJ::CustomZoom::")
    asked = relay.post("submit/action", {"taskId": wide.single["id"], "customId": custom_id})
    assert '"code":21' in asked.text
    assert '"code":1' in relay.post("submit/imagine", {"prompt": "a cat zzqueue"}).text


def test_new_api_never_hears_of_code_3(account: Account) -> None:
    """It would switch its channel off."""
    for answer in refusals(account):
        assert answer.json()["code"] in (4, 9, 23, 24)


def test_new_api_reads_seeds_uploads_and_its_balance(wide: Upstream) -> None:
    relay = Client(wide.account, headers={"mj-api-secret": "{key}"})
    seed = relay.ask("GET", f"task/{wide.single['id']}/image-seed").json()
    assert isinstance(seed["result"], str)
    uploaded = relay.post("submit/upload-discord-images", {"base64Array": [NAVY]}).json()
    assert isinstance(uploaded["result"], list)
    bank = Client(wide.account, base="/v1/dashboard/billing", headers=BEARER)
    used = bank.ask("GET", "usage?start_date=2026-08-01&end_date=2026-11-20").json()["total_usage"]
    limit = bank.ask("GET", "subscription").json()["hard_limit_usd"]
    wallet = wide.account.wallet
    assert limit - used / 100 == pytest.approx((wallet.balance - wallet.held) / 1_000_000)


# --- coaidev/coai ---


def test_coai_learns_of_everything_by_callbacks(account: Account) -> None:
    coai = Client(account, headers={"mj-api-secret": "{key}"})
    hook = inbox(account)
    task_id = coai.submit("submit/imagine", {"notifyHook": hook, "prompt": "a cat"})
    grid = ended(account, task_id)
    assert (grid["id"], grid["status"], grid["failReason"]) == (task_id, "SUCCESS", "")
    body = {"notifyHook": hook, "action": "REROLL", "taskId": task_id}
    child = coai.submit("submit/change", body)
    assert ended(account, child)["action"] == "REROLL"
    upscaled = coai.submit("submit/change", body | {"action": "UPSCALE", "index": 2})
    assert ended(account, upscaled)["progress"] == "100%"
    for message in messages(account, task_id):
        assert message["status"] in ("NOT_START", "SUBMITTED", "IN_PROGRESS", "SUCCESS")


def test_coai_cannot_buy_relax_and_get_turbo(account: Account) -> None:
    """It writes the mode into the prompt; here the base says another one."""
    prompt = f"a cat of {account.tenant.name}"
    coai = Client(account, base="/mj-relax/mj", headers={"mj-api-secret": "{key}"})
    task_id = coai.submit("submit/imagine", {"prompt": f"{prompt} --turbo"})
    task = coai.fetch(task_id)
    assert (task["mode"], task["prompt"]) == ("RELAX", prompt)
    assert sent_upstream(account, prompt)["prompt"] == f"{prompt} --relax"


# --- yangjian102621/geekai ---


@pytest.mark.parametrize("mode", ["fast", "relax", "turbo"])
def test_geekai_submits_under_the_mode_and_fetches_without(wide: Upstream, mode: str) -> None:
    submitting = Client(wide.account, base=f"/mj-{mode}/mj", headers=BEARER)
    fetching = Client(wide.account, headers=BEARER)
    body = {"botType": "MID_JOURNEY", "prompt": "a cat", "base64Array": []}
    task = fetching.finish(submitting.submit("submit/imagine", body))
    assert task["mode"] == mode.upper()
    assert task["buttons"][0]["customId"].startswith("MJ::JOB::upsample::1::")
    last = task["buttons"][0]["customId"].split("::")[-1]
    assert len(last) == 36
    body = {"taskId": task["id"], "customId": f"MJ::JOB::upsample::2::{last}"}
    assert fetching.finish(submitting.submit("submit/action", body))["status"] == "SUCCESS"


def test_geekai_never_sees_100_percent_without_a_picture(account: Account) -> None:
    geekai = Client(account, headers=BEARER)
    task_id = geekai.submit("submit/imagine", {"botType": "mj", "prompt": "a cat zzwords"})
    seen: list[dict[str, Any]] = []

    def is_over() -> bool:
        seen.append(geekai.fetch(task_id))
        return seen[-1]["progress"] == "100%"

    wait_until(is_over, what="the end")
    assert seen[-1]["imageUrl"]
    assert {task["failReason"] for task in seen} == {""}


def test_geekai_swaps_with_an_empty_filter(wide: Upstream) -> None:
    geekai = Client(wide.account, base="/mj-fast/mj", headers=BEARER)
    body = {"sourceBase64": NAVY, "targetBase64": RED, "accountFilter": {"instanceId": ""}}
    geekai.submit("insight-face/swap", body | {"state": ""})


# --- YunaiV/ruoyi-vue-pro "yudao" ---


def test_yudao_is_called_back_and_lists(account: Account) -> None:
    yudao = Client(account, headers=BEARER)
    state = " --ar 1:1 --v 6.0 "
    body = {"base64Array": [], "prompt": "a cat", "notifyHook": inbox(account), "state": state}
    task_id = yudao.submit("submit/imagine", body)
    message = ended(account, task_id)
    (row,) = yudao.post("task/list-by-condition", {"ids": [task_id]}).json()
    assert row == message
    assert row["state"] == state
    assert requests.get(message["imageUrl"], timeout=9).content.startswith(b"\x89PNG")
    custom_id = row["buttons"][0]["customId"]
    body = {"customId": custom_id, "taskId": task_id, "notifyHook": inbox(account)}
    assert ended(account, yudao.submit("submit/action", body))["status"] == "SUCCESS"


def test_yudao_finds_the_word_for_no_money(account: Account) -> None:
    poor = Client(account.new_key(budget="0"), headers=BEARER)
    body = poor.post("submit/imagine", {"prompt": "a cat", "notifyHook": ""}).json()
    assert "quota_not_enough" in body["description"]


# --- more of them, by what is special ---


@pytest.mark.parametrize("mode", ["RELAX", "FAST"])
def test_dart_sends_a_raw_key_a_hook_in_lower_case_and_a_mode(account: Account, mode: str) -> None:
    dart = Client(account, headers=RAW)
    body = {"prompt": "a cat zzqueue", "mode": mode, "notifyhook": inbox(account)}
    answer = dart.post("submit/imagine", body)
    task_id = assert_accepted(answer)
    assert ended(account, task_id)["mode"] == mode


def test_dart_swaps_with_a_form(wide: Upstream) -> None:
    files = {
        "source": ("a.png", base64.b64decode(BARE), "image/png"),
        "target": ("b.png", base64.b64decode(RED.partition(",")[2]), "image/png"),
    }
    dart = Client(wide.account, headers={"Authorization": "{key}"})
    answer = dart.ask("POST", "insight-face/swap", files=files)
    assert dart.finish(assert_accepted(answer))["status"] == "SUCCESS"


def test_leon_sends_two_headers_and_a_remark(wide: Upstream) -> None:
    leon = Client(wide.account, headers={"mj-api-secret": "{key}", "X-Api-Key": "{key}"})
    body = {"prompt": "a cat", "accountFilter": {"remark": "studio"}}
    task = leon.finish(leon.submit("submit/imagine", body))
    assert task["properties"]["finalPrompt"] or task["promptEn"]
    lines = wide.description["prompt"].split("\n\n")
    assert len(lines) == 4


def test_comet_filters_by_mode_and_describes_a_link(wide: Upstream) -> None:
    comet = Client(wide.account, headers=BEARER)
    body = {"prompt": "a cat", "accountFilter": {"modes": ["RELAX"]}}
    assert comet.fetch(comet.submit("submit/imagine", body))["mode"] == "RELAX"
    link = wide.grid["imageUrl"]
    assert comet.finish(comet.submit("submit/describe", {"link": link}))["status"] == "SUCCESS"


def test_a_fork_of_lobe_confirms_with_an_empty_prompt(wide: Upstream) -> None:
    fork = Client(wide.account, headers=BEARER)
    task_id = wide.modal()
    assert fork.submit("submit/modal", {"prompt": "", "taskId": task_id}) == task_id
    assert fork.finish(task_id)["status"] == "SUCCESS"


def test_a_channel_tester_is_content(account: Account) -> None:
    tester = Client(account, headers=BEARER)
    answer = tester.post("task/list-by-condition", {"ids": ["media-workstage-ping"]})
    assert (answer.status_code, answer.text) == (200, "[]")
