"""The well-known client programs, one after the other: the requests that each of them makes, and
what it reads of the answers. Named after the program and the behaviour."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from tests.accounts import Account
from tests.api.clients import (
    BARE,
    BEARER,
    MASK,
    NAVY,
    RAW,
    RED,
    SECRET,
    Client,
    button,
    every_price,
    message_hash,
    sent_upstream,
    wide,
)
from tests.api.shapes import assert_task
from tests.api.upstreams import Upstream
from tests.stack import wait_until

__all__ = ["every_price", "wide"]

KNOWN_TO_HUB = {"", "SUBMITTED", "IN_PROGRESS", "NOT_START", "SUCCESS", "FAILURE", "FAILED"}


# --- Dooy/chatgpt-web-midjourney-proxy ---


def test_dooy_lists_with_ids_that_are_numbers(account: Account) -> None:
    dooy = Client(account, headers=SECRET)
    body = {"base64Array": [], "notifyHook": "", "prompt": "a cat", "state": "", "botType": "mj"}
    task_id = dooy.submit("submit/imagine", body)
    dooy.finish(task_id)
    # As JavaScript writes +id: the number must survive that.
    number = int(float(task_id))
    (row,) = dooy.post("task/list-by-condition", {"ids": [number]}).json()
    assert row["id"] == task_id == str(number)
    assert len(row["buttons"]) == 9


def test_dooy_draws_its_own_buttons_where_there_are_none(account: Account, wide: Upstream) -> None:
    """null makes it offer U1 to V4, an empty list makes it offer nothing: that is never sent."""
    unfinished = account.fetch(account.draw("zzslow"))
    assert unfinished["buttons"] is None
    grid = account.finish(account.draw())
    dooy = Client(account, headers=SECRET)
    changed = dooy.submit("submit/change", {"action": "UPSCALE", "index": 1, "taskId": grid["id"]})
    assert dooy.finish(changed)["buttons"] is None
    for task in (wide.grid, wide.single, wide.description, wide.shortening, wide.video):
        assert task["buttons"] != []


def test_dooy_rerolls_with_index_1(account: Account) -> None:
    dooy = Client(account, headers=SECRET)
    grid = account.finish(account.draw())
    body = {"action": "REROLL", "index": 1, "taskId": grid["id"]}
    assert dooy.finish(dooy.submit("submit/change", body))["action"] == "REROLL"


@pytest.mark.parametrize(
    "dates", ["", "?start_date=2026-11-01&end_date=2026-12-01", "?start_date=x&end_date="]
)
def test_dooy_computes_what_is_left_whatever_the_dates(account: Account, dates: str) -> None:
    account.finish(account.draw())
    account.draw("zzslow")
    left = account.wallet.balance - account.wallet.held
    for base in ("/v1/dashboard/billing", "/dashboard/billing"):
        client = Client(account, base=base, headers=BEARER)
        usage = client.ask("GET", f"usage{dates}").json()
        subscription = client.ask("GET", "subscription").json()
        remaining = subscription["hard_limit_usd"] * 100 - usage["total_usage"]
        assert round(remaining * 10_000) == left
        # V3Config asks for the soft limit, new-api for the hard one in units.
        assert subscription["soft_limit_usd"] == subscription["hard_limit_usd"]
        assert "hard_limit" not in subscription


def test_dooy_uploads_edits_films_and_swaps(wide: Upstream) -> None:
    dooy = Client(wide.account, headers=SECRET)
    uploaded = dooy.post("submit/upload-discord-images", {"base64Array": [NAVY]}).json()
    assert uploaded["code"] == 1
    assert uploaded["result"][0].startswith("http")
    edits = {"prompt": "make it night", "maskBase64": MASK, "image": NAVY}
    video = {"motion": "low", "prompt": "waves", "image": NAVY, "base64": NAVY, "mode": "FAST"}
    swap = {"sourceBase64": NAVY, "targetBase64": RED}
    for path, body in (
        ("submit/edits", edits), ("submit/video", video), ("insight-face/swap", swap),
        ("submit/describe", {"base64": NAVY, "botType": "MID_JOURNEY"}),
        ("submit/shorten", {"prompt": "a long prompt", "botType": "MID_JOURNEY"}),
    ):  # fmt: skip
        task = dooy.finish(dooy.submit(path, body))
        assert task["status"] == "SUCCESS", (path, task)


def test_dooy_confirms_a_modal_by_itself_with_the_proposed_prompt(wide: Upstream) -> None:
    dooy = Client(wide.account, headers=SECRET)
    body = {"customId": button(wide.single, "MJ::CustomZoom::"), "taskId": wide.single["id"]}
    asked = dooy.post("submit/action", body).json()
    assert "confirm" in asked["description"]
    assert asked["properties"]["finalPrompt"]
    confirmed = {"taskId": asked["result"], "prompt": asked["properties"]["finalPrompt"]}
    assert dooy.submit("submit/modal", confirmed) == asked["result"]
    assert dooy.finish(asked["result"])["status"] == "SUCCESS"


def test_dooy_reads_a_seed_that_is_a_number(wide: Upstream) -> None:
    dooy = Client(wide.account, headers=SECRET)
    seed = dooy.ask("GET", f"task/{wide.single['id']}/image-seed").json()
    assert (seed["code"], type(seed["result"])) == (1, str)
    assert int(seed["result"]) > 0


# --- Licoy/ChatGPT-Midjourney ---


@pytest.mark.parametrize("base", ["/mj-fast/mj", "/mj", "/relax/mj", "/turbo/mj"])
def test_licoy_has_the_mode_in_its_base_and_the_raw_key(account: Account, base: str) -> None:
    licoy = Client(account, base=base, headers=RAW)
    task = licoy.finish(licoy.submit("submit/imagine", {"prompt": "a cat"}))
    assert (task["status"], task["progress"]) == ("SUCCESS", "100%")
    mode = {"/relax/mj": "RELAX", "/turbo/mj": "TURBO"}.get(base, "FAST")
    assert task["mode"] == mode


def test_licoy_posts_its_mask_and_prompt_when_it_sees_a_modal(wide: Upstream) -> None:
    licoy = Client(wide.account, base="/mj-fast/mj", headers=RAW)
    body = {"customId": button(wide.single, "MJ::Inpaint::"), "taskId": wide.single["id"]}
    task_id = licoy.post("submit/action", body).json()["result"]
    assert licoy.fetch(task_id)["status"] == "MODAL"
    prompt = f"a red roof for {task_id}"
    body = {"maskBase64": MASK, "prompt": prompt, "taskId": task_id}
    licoy.post("submit/modal", body)
    assert licoy.finish(task_id)["status"] == "SUCCESS"
    sent = sent_upstream(wide.account, prompt)
    assert sent["maskBase64"]


def test_licoy_shows_the_message_of_a_refusal(account: Account) -> None:
    poor = Client(account.new_key(budget="0"), headers=RAW)
    answer = poor.post("submit/imagine", {"prompt": "a cat"})
    assert answer.status_code == 402
    assert answer.json()["message"].startswith("quota_not_enough")


# --- lobehub/lobe-midjourney-webui ---


def test_lobe_rerolls_without_an_index(wide: Upstream, account: Account) -> None:
    for tenant, grid in ((wide.account, wide.grid), (account, account.finish(account.draw()))):
        lobe = Client(tenant, headers={"Mj-Api-Secret": "{key}"})
        task_id = lobe.submit("submit/change", {"action": "REROLL", "taskId": grid["id"]})
        # It fetches at once, before anything can have happened.
        assert lobe.fetch(task_id)["id"] == task_id
        assert lobe.finish(task_id)["action"] == "REROLL"


def test_lobe_fetches_right_after_the_submit(account: Account) -> None:
    lobe = Client(account, headers={"Mj-Api-Secret": "{key}"})
    for number in range(5):
        task = lobe.fetch(lobe.submit("submit/imagine", {"prompt": f"cat {number}"}))
        assert_task(task)
        assert (task["action"], task["prompt"]) == ("IMAGINE", f"cat {number}")


def test_lobe_may_ask_for_a_failed_task_for_ever(account: Account) -> None:
    task_id = account.draw("zzfail")
    failed = account.finish(task_id)
    lobe = Client(account, headers={"Mj-Api-Secret": "{key}"})
    assert [lobe.fetch(task_id) for _ in range(20)] == [failed] * 20


def test_lobe_shows_a_banned_prompt_because_it_is_no_200(account: Account) -> None:
    lobe = Client(account, headers={"Mj-Api-Secret": "{key}"})
    answer = lobe.post("submit/imagine", {"prompt": "zzban"})
    assert (answer.status_code, answer.json()["code"]) == (400, 24)


# --- @302ai/ai-sdk ---


def test_302_sends_both_headers_and_cuts_a_real_picture(account: Account) -> None:
    client = Client(account, headers=BEARER | SECRET)
    prompt = "a cat --ar 16:9 --seed 7 --v 6.1"
    task = client.finish(client.submit("submit/imagine", {"prompt": prompt, "botType": "mj"}))
    assert any(row["label"] == "U1" for row in task["buttons"])
    agent = {"User-Agent": "Mozilla/5.0 Chrome/120"}
    picture = requests.get(task["imageUrl"], headers=agent, timeout=9)
    assert picture.headers["Content-Type"] == "image/png"
    assert urlsplit(task["imageUrl"]).netloc == urlsplit(account.stack.url).netloc


# --- uniai ---


def test_uniai_lists_its_tasks_as_an_array(account: Account) -> None:
    uniai = Client(account, headers=SECRET)
    assert uniai.ask("GET", "task/list").json() == []
    task_id = uniai.submit("submit/imagine", {"prompt": "a cat --ar 16:9 --no text"})
    (row,) = uniai.ask("GET", "task/list").json()
    assert row["id"] == task_id
    assert row["progress"].endswith("%")
    assert isinstance(row["startTime"], int)


def test_uniai_downloads_every_preview(account: Account) -> None:
    """One that cannot be had would end its job."""
    task_id = account.draw("zzslow")
    url = wait_until(lambda: account.fetch(task_id)["imageUrl"], what="a preview")
    assert requests.get(url, timeout=9).status_code == 200


# --- jiaqianjing/ComfyUI-MidjourneyHub ---

HUB = {"Authorization": "Bearer {key}", "Content-Type": "application/json; charset=utf-8"}


def test_hub_presses_four_buttons_at_once(wide: Upstream) -> None:
    hub = Client(wide.account, headers=HUB)
    assert isinstance(wide.grid["buttons"], list)
    by_label = {row["label"]: row["customId"] for row in wide.grid["buttons"]}

    def press(label: str) -> str:
        body = {"chooseSameChannel": True, "customId": by_label[label], "taskId": wide.grid["id"]}
        return hub.submit("submit/action", body | {"notifyHook": "", "state": ""})

    with ThreadPoolExecutor(4) as threads:
        ids = list(threads.map(press, ("U1", "U2", "U3", "U4")))
    assert len(set(ids)) == 4
    assert [hub.finish(task_id)["customId"] for task_id in ids] == [
        by_label[label] for label in ("U1", "U2", "U3", "U4")
    ]


def test_hub_knows_every_status_it_sees(account: Account) -> None:
    hub = Client(account, headers=HUB)
    body = {"base64Array": [], "notifyHook": "", "prompt": "a cat", "state": "", "botType": "mj"}
    task_id = hub.submit("submit/imagine", body)
    seen = set()

    def is_over() -> bool:
        seen.add(hub.fetch(task_id)["status"])
        return bool(seen & {"SUCCESS", "FAILURE"})

    wait_until(is_over, what="the end")
    assert seen <= KNOWN_TO_HUB


# --- ainewsto/Comfyui_Comfly ---

JUNK = {
    "base64Array": [], "instanceId": "", "modes": [], "notifyHook": "", "remix": True, "state": "",
    "ar": "16:9", "no": "", "c": "0", "s": 100, "iw": None, "tile": False, "r": 1.5, "video": True,
    "sw": [], "cw": {}, "sv": "4", "seed": 0,
}  # fmt: skip


@pytest.mark.parametrize("mode", ["fast", "relax", "turbo"])
def test_comfly_sends_typed_junk_under_its_mode(wide: Upstream, mode: str) -> None:
    comfly = Client(wide.account, base=f"/mj-{mode}/mj", headers=BEARER)
    task = comfly.finish(comfly.submit("submit/imagine", JUNK | {"prompt": "a cat"}))
    assert (task["status"], task["mode"]) == ("SUCCESS", mode.upper())


def test_comfly_takes_the_hash_and_no_message_id(wide: Upstream) -> None:
    comfly = Client(wide.account, base="/mj-fast/mj", headers=BEARER)
    for name in ("messageId", "message_id"):
        assert name not in wide.grid["properties"]
    custom_id = f"MJ::JOB::upsample::3::{message_hash(wide.grid)}"
    body = {"customId": custom_id, "taskId": wide.grid["id"]}
    assert comfly.finish(comfly.submit("submit/action", body))["status"] == "SUCCESS"


def test_comfly_reads_the_reason_under_its_own_name(account: Account) -> None:
    comfly = Client(account, base="/mj-fast/mj", headers=BEARER)
    task = comfly.finish(comfly.submit("submit/imagine", JUNK | {"prompt": "zzfail"}))
    assert task["fail_reason"] == task["failReason"] != ""
    assert task["progress"][:-1] == "100"


def test_comfly_zooms_back_to_back(wide: Upstream) -> None:
    comfly = Client(wide.account, base="/mj-fast/mj", headers=BEARER)
    body = {"customId": button(wide.single, "MJ::CustomZoom::"), "taskId": wide.single["id"]}
    task_id = comfly.post("submit/action", body).json()["result"]
    comfly.submit("submit/modal", {"prompt": "a cat --zoom 1.5", "taskId": task_id})
    assert comfly.finish(task_id)["status"] == "SUCCESS"


def test_comfly_films_bare_base64_and_extends(wide: Upstream) -> None:
    comfly = Client(wide.account, headers=BEARER)
    body = {"prompt": "waves", "motion": "Low", "notifyHook": "", "image": BARE}
    film = comfly.finish(comfly.submit("submit/video", body))
    assert film["videoUrls"]
    extended = {"action": "extend", "index": 0, "taskId": film["id"]}
    assert comfly.post("submit/video", extended).json()["code"] == 1


def test_comfly_uploads_and_swaps(wide: Upstream) -> None:
    comfly = Client(wide.account, base="/mj-turbo/mj", headers=BEARER)
    body = {"base64Array": [BARE], "instanceId": "", "notifyHook": ""}
    assert comfly.post("submit/upload-discord-images", body).json()["result"][0]
    plain = Client(wide.account, headers=BEARER)
    swapped = {"sourceBase64": BARE, "targetBase64": RED.partition(",")[2], "seed": 7}
    assert plain.finish(plain.submit("insight-face/swap", swapped))["status"] == "SUCCESS"
