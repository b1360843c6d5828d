"""Modals at trueai (tenant-api, section 3.2): prepared for nothing, paid for when confirmed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone

from billing.models import Entry
from channels.models import Channel
from relay.api.schema import examples
from relay.models import Task
from relay.watch import proofs
from tests.accounts import Account
from tests.api.shapes import assert_accepted, assert_refused, assert_task
from tests.api.upstreams import Upstream
from tests.faults.place import hurry_tasks
from tests.prices import PRICES
from tests.proofs import prove
from tests.races.together import raised, together
from tests.stack import Stack, wait_until

INPAINT, CUSTOM_ZOOM = "MJ::Inpaint::", "MJ::CustomZoom::"
# A modal costs something else than the action that opens it.
DEARER = PRICES.replace('"mj_modal": 0.1', '"mj_modal": 0.3')
HELD, PAID = ("hold", "0.00", "0.30"), ("capture", "-0.30", "-0.30")
GIVEN_BACK = ("release", "0.00", "-0.30")
TWINS = 20


@pytest.fixture(scope="module")
def upstream(stack: Stack) -> Iterator[Upstream]:
    """One tenant for the whole file: what is paid is read per task."""
    running = Upstream(stack, Channel.Kind.TRUEAI)
    yield running
    prove(running.account.tenant.pk)


@pytest.fixture(autouse=True)
def dearer_modals(publish_prices: Any) -> None:
    publish_prices(DEARER)


@pytest.fixture(autouse=True)
def awake(upstream: Upstream) -> Iterator[None]:
    """What a test was refused does not keep the next one waiting."""
    yield
    upstream.account.awaken()


@pytest.fixture(autouse=True)
def books_are_right(stack: Stack) -> Iterator[None]:
    """Whatever a test has done, it leaves nothing that contradicts itself."""
    yield
    findings = {promise: found for promise, found in proofs.run() if found}
    assert not findings


@pytest.fixture
def asking(stack: Stack) -> Iterator[None]:
    """Accounts at trueai that leave remix to the caller: more buttons open a modal."""
    turn(stack, trueai_remix="ask")
    yield
    turn(stack, trueai_remix="auto")


def turn(stack: Stack, **switches: object) -> None:
    answer = requests.post(f"{stack.sandbox_url}/sandbox/control", json=switches, timeout=5)
    assert answer.status_code == 200, answer.text


def press(account: Account, task: dict[str, Any], custom_id: str, **body: object) -> Any:
    body = {"taskId": task["id"], "customId": custom_id, **body}
    return account.request("POST", "/mj/submit/action", json=body)


def button(task: dict[str, Any], beginning: str) -> str:
    return next(b["customId"] for b in task["buttons"] if b["customId"].startswith(beginning))


def confirm(account: Account, task_id: str, **body: object) -> requests.Response:
    return account.request("POST", "/mj/submit/modal", json={"taskId": task_id, **body})


def confirmations(stack: Stack, text: str) -> int:
    """How many confirmations with this prompt have reached the upstream."""
    return sum(submit["path"].endswith("/submit/modal") for submit in stack.submits(text))


def entries(account: Account, task_id: str) -> list[tuple[str, str, str]]:
    """All that was booked for a task, by whichever of its holds, after its opening."""
    references = Entry.objects.filter(reference__startswith=task_id).order_by("id")
    names = list(dict.fromkeys(references.values_list("reference", flat=True)))
    lines = [line for name in names for line in account.entries(name)]
    # What opening has left: the hold of the action, whatever that costs, given back.
    held, given_back = lines[:2]
    assert (held[0], given_back) == ("hold", ("release", "0.00", f"-{held[2]}"))
    return lines[2:]


def status(account: Account, task_id: str) -> str:
    return str(account.fetch(task_id)["status"])


def unique(name: str) -> str:
    """A prompt that the sandbox's journal can be searched for."""
    return f"{name} {timezone.now().timestamp()}"


@pytest.mark.parametrize("beginning", [INPAINT, CUSTOM_ZOOM])
def test_opening_answers_21_and_costs_nothing(upstream: Upstream, beginning: str) -> None:
    account, single = upstream.account, upstream.single
    before = account.wallet
    answer = press(account, single, button(single, beginning), state="mine")
    task = account.fetch(answer.json()["result"])
    proposed = single["properties"]["finalPrompt"] or upstream.grid["prompt"]
    assert answer.status_code == 200
    assert answer.text == (
        '{"code":21,"description":"Waiting for window confirm","result":"'
        + task["id"]
        + '","properties":{"finalPrompt":'
        + json.dumps(proposed, ensure_ascii=False)
        + ',"remix":true}}'
    )
    assert proposed
    assert_task(task)
    assert (task["status"], task["progress"], task["state"]) == ("MODAL", "0%", "mine")
    assert task["properties"]["finalPrompt"] == proposed
    assert task["action"] == ("INPAINT" if beginning == INPAINT else "CUSTOM_ZOOM")
    assert (account.wallet.balance, account.wallet.held) == (before.balance, before.held)
    assert entries(account, task["id"]) == []
    assert account.attempts(task["id"]) == ["modal"]


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"prompt": "a red door"},
        {"maskBase64": examples.NAVY},
        {"prompt": "a red door", "maskBase64": examples.NAVY},
        {"prompt": "", "maskBase64": ""},
        {"prompt": None, "maskBase64": None},
    ],
    ids=["bare", "prompt", "mask", "both", "empty", "null"],
)
def test_a_confirmed_modal_is_drawn_and_paid_once(
    upstream: Upstream, details: dict[str, str]
) -> None:
    account = upstream.account
    task_id = upstream.modal(INPAINT)
    balance = account.wallet.balance
    assert assert_accepted(confirm(account, task_id, **details)) == task_id
    assert account.wallet.held == 300_000 or status(account, task_id) == "SUCCESS"
    task = account.finish(task_id)
    assert_task(task)
    assert (task["status"], task["action"]) == ("SUCCESS", "INPAINT")
    assert task["imageUrl"]
    assert entries(account, task_id) == [HELD, PAID]
    assert (balance - account.wallet.balance, account.wallet.held) == (300_000, 0)
    assert account.attempts(task_id) == ["modal", "accepted"]


def test_the_mask_and_the_prompt_reach_the_upstream(upstream: Upstream) -> None:
    prompt = unique("a red door")
    task_id = upstream.modal(INPAINT)
    confirm(upstream.account, task_id, prompt=f"{prompt} --turbo", maskBase64=examples.NAVY)
    (sent,) = upstream.account.stack.submits(prompt)
    assert sent["body"]["prompt"] == prompt
    # The journal shows the beginning of a picture.
    bare = examples.NAVY.removeprefix("data:image/png;base64,")
    assert bare.startswith(sent["body"]["maskBase64"].removeprefix("data:image/png;base64,"))
    assert sent["body"]["maskBase64"]
    assert sent["body"]["taskId"] != task_id
    assert not {"state", "notifyHook"} & set(sent["body"])
    upstream.account.finish(task_id)


def test_without_a_prompt_the_proposed_one_is_drawn(upstream: Upstream) -> None:
    task_id = upstream.modal(INPAINT)
    before = confirmations(upstream.account.stack, examples.PROMPT)
    assert_accepted(confirm(upstream.account, task_id))
    assert confirmations(upstream.account.stack, examples.PROMPT) == before + 1
    upstream.account.finish(task_id)


def test_a_number_is_an_id_too(upstream: Upstream) -> None:
    task_id = upstream.modal(CUSTOM_ZOOM)
    answer = upstream.account.request("POST", "/mj/submit/modal", json={"taskId": int(task_id)})
    assert assert_accepted(answer) == task_id


def test_a_second_confirmation_counts_once(upstream: Upstream) -> None:
    """While it is drawn, and when it has been drawn."""
    account, prompt = upstream.account, unique("once")
    task_id = upstream.modal()
    for _ in range(2):
        assert assert_accepted(confirm(account, task_id, prompt=prompt)) == task_id
    account.finish(task_id)
    assert assert_accepted(confirm(account, task_id, prompt=prompt)) == task_id
    assert entries(account, task_id) == [HELD, PAID]
    assert confirmations(account.stack, prompt) == 1


def test_many_confirmations_at_once_count_once(upstream: Upstream) -> None:
    account, prompt = upstream.account, unique("at once")
    task_id = upstream.modal()
    answers = together([lambda: confirm(account, task_id, prompt=prompt)] * TWINS)
    assert not raised(answers)
    assert {assert_accepted(answer) for answer in answers} == {task_id}
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert entries(account, task_id) == [HELD, PAID]
    assert confirmations(account.stack, prompt) == 1


def test_too_little_money_leaves_it_open(stack: Stack) -> None:
    """What one key has opened, another one of the tenant may confirm, and pays for."""
    poor = Upstream(stack, Channel.Kind.TRUEAI)
    account = poor.account
    limited = account.new_key(budget="0.25")
    task_id = poor.modal()
    answer = confirm(limited, task_id)
    assert_refused(answer, 402, "quota_not_enough", says="quota_not_enough")
    assert status(account, task_id) == "MODAL"
    assert entries(account, task_id) == []
    assert_accepted(confirm(account, task_id))
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert entries(account, task_id) == [HELD, PAID]
    account.token.refresh_from_db()
    limited.token.refresh_from_db()
    assert (limited.token.spent, limited.token.held) == (0, 0)
    prove(account.tenant.pk)


def test_a_refused_confirmation_is_open_again(upstream: Upstream) -> None:
    account = upstream.account
    task_id = upstream.modal()
    for _ in range(2):
        assert_refused(confirm(account, task_id, prompt="zzfull"), 429, "queue_full", code=23)
        assert status(account, task_id) == "MODAL"
        account.awaken()
    assert account.attempts(task_id) == ["modal", "refused", "refused"]
    assert entries(account, task_id) == [HELD, GIVEN_BACK] * 2
    assert account.wallet.held == 0
    assert_accepted(confirm(account, task_id, prompt="a red door"))
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert entries(account, task_id) == [HELD, GIVEN_BACK] * 2 + [HELD, PAID]


@pytest.mark.parametrize(
    ("word", "http", "kind", "code"),
    [
        ("zzcode3", 503, "no_channel", 9),
        ("zz401", 503, "no_channel", 9),
        ("zz429", 429, "queue_full", 23),
        ("zz500", 502, "upstream_rejected", 9),
    ],
)
def test_refusals_of_a_confirmation_are_in_the_contracts_words(
    upstream: Upstream, word: str, http: int, kind: str, code: int
) -> None:
    task_id = upstream.modal()
    assert_refused(confirm(upstream.account, task_id, prompt=word), http, kind, code=code)
    assert status(upstream.account, task_id) == "MODAL"
    assert entries(upstream.account, task_id) == [HELD, GIVEN_BACK]


@pytest.mark.parametrize("word", ["zzcut", "zzhang"])
def test_an_unanswered_confirmation_is_never_sent_again(upstream: Upstream, word: str) -> None:
    account, prompt = upstream.account, unique(word)
    task_id = upstream.modal()
    assert_accepted(confirm(account, task_id, prompt=prompt))
    assert_accepted(confirm(account, task_id, prompt=prompt))
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert confirmations(account.stack, prompt) == 1
    assert entries(account, task_id) == [HELD, PAID]


def test_a_confirmation_that_was_lost_on_the_way_is_given_back(upstream: Upstream) -> None:
    """The upstream goes on showing the modal: nothing was begun there. It may be tried again."""
    account, prompt = upstream.account, unique("zzdead")
    task_id = upstream.modal()
    assert_accepted(confirm(account, task_id, prompt=prompt))
    assert entries(account, task_id) == [HELD]
    hurry_tasks(task_id)
    wait_until(lambda: account.fetch(task_id)["status"] == "MODAL", what="the open modal")
    assert confirmations(account.stack, prompt) == 1
    assert entries(account, task_id) == [HELD, GIVEN_BACK]
    assert_accepted(confirm(account, task_id, prompt="a pier"))
    assert account.finish(task_id)["status"] == "SUCCESS"


@pytest.mark.parametrize("word", ["zzfail", "zzban"])
def test_a_failing_drawing_is_given_back(upstream: Upstream, word: str) -> None:
    account = upstream.account
    task_id = upstream.modal(INPAINT)
    assert_accepted(confirm(account, task_id, prompt=f"a red door {word}"))
    task = account.finish(task_id)
    assert_task(task)
    assert task["status"] == "FAILURE"
    assert entries(account, task_id) == [HELD, GIVEN_BACK]
    # It is over: to try again is to press the button again.
    assert_refused(confirm(account, task_id), 400, "invalid_request")


def test_nobody_confirms(upstream: Upstream, stack_env: dict[str, str], tmp_path: Path) -> None:
    """It expires, for nothing, and the tenant is told."""
    account, stack = upstream.account, upstream.account.stack
    single, custom_id = upstream.single, button(upstream.single, CUSTOM_ZOOM)
    quick = Stack(
        folder=tmp_path, env=stack_env | {"MODAL_EXPIRY_SECONDS": "0.5"}, drawing_seconds=1
    )
    quick.sandbox_url = stack.sandbox_url
    name = f"{account.tenant.name}-expiry"
    try:
        quick.start("web")
        body = {"taskId": single["id"], "customId": custom_id}
        answer = requests.post(
            f"{quick.url}/mj/submit/action",
            json=body | {"notifyHook": stack.inbox_url(name)},
            headers=account.headers,
            timeout=10,
        )
    finally:
        quick.kill("web")
    assert answer.json()["code"] == 21
    task = account.finish(answer.json()["result"])
    assert_task(task)
    assert (task["status"], "confirmed" in task["failReason"]) == ("FAILURE", True)
    assert entries(account, task["id"]) == []
    (message,) = wait_until(lambda: stack.inbox(name), what="the callback")
    told = json.loads(message["body"])
    assert (told["id"], told["status"]) == (task["id"], "FAILURE")
    assert_refused(confirm(account, task["id"]), 400, "invalid_request")


def test_a_modal_can_be_called_off(upstream: Upstream) -> None:
    account, stack = upstream.account, upstream.account.stack
    name = f"{account.tenant.name}-cancel"
    answer = press(
        account, upstream.single, button(upstream.single, INPAINT), notifyHook=stack.inbox_url(name)
    )
    task_id = answer.json()["result"]
    cancelled = account.request("POST", f"/mj/task/{task_id}/cancel")
    assert assert_accepted(cancelled) == task_id
    task = account.fetch(task_id)
    assert (task["status"], task["failReason"]) == ("CANCEL", "")
    assert entries(account, task_id) == []
    (message,) = wait_until(lambda: stack.inbox(name), what="the callback")
    assert json.loads(message["body"])["status"] == "CANCEL"
    assert_refused(confirm(account, task_id), 400, "invalid_request")
    again = account.request("POST", f"/mj/task/{task_id}/cancel")
    assert_refused(again, 400, "invalid_request")


def test_a_refused_modal_can_be_called_off(upstream: Upstream) -> None:
    account = upstream.account
    task_id = upstream.modal()
    confirm(account, task_id, prompt="zzfull")
    assert_accepted(account.request("POST", f"/mj/task/{task_id}/cancel"))
    assert status(account, task_id) == "CANCEL"
    assert entries(account, task_id) == [HELD, GIVEN_BACK]


def test_what_is_drawn_cannot_be_called_off(upstream: Upstream) -> None:
    account = upstream.account
    task_id = upstream.modal()
    confirm(account, task_id, prompt="zzslow")
    running = account.request("POST", f"/mj/task/{task_id}/cancel")
    assert_refused(running, 400, "invalid_request")
    assert entries(account, task_id) == [HELD]
    slow = account.draw("zzslow")
    for known in (slow, upstream.single["id"]):
        answer = account.request("POST", f"/mj/task/{known}/cancel")
        assert_refused(answer, 400, "invalid_request")
    Task.objects.filter(pk__in=[task_id, slow]).update(deadline_at=timezone.now())
    hurry_tasks(task_id, slow)
    account.finish(task_id)
    account.finish(slow)


@pytest.mark.parametrize(
    ("beginning", "action"),
    [
        ("MJ::JOB::high_variation", "HIGH_VARIATION"),
        ("MJ::JOB::pan_left", "PAN"),
        ("MJ::JOB::reroll", "REROLL"),
        ("MJ::JOB::variation::2", "VARIATION"),
    ],
)
def test_any_button_may_open_a_modal(
    upstream: Upstream, asking: None, publish_prices: Any, beginning: str, action: str
) -> None:
    publish_prices(DEARER.replace("{", '{"mj_high_variation": 0.1,', 1))
    account = upstream.account
    parent = next(
        task
        for task in (upstream.grid, upstream.single)
        if any(b["customId"].startswith(beginning) for b in task["buttons"])
    )
    answer = press(account, parent, button(parent, beginning)).json()
    assert (answer["code"], answer["properties"]["remix"]) == (21, True)
    task_id = answer["result"]
    assert (account.fetch(task_id)["status"], account.wallet.held) == ("MODAL", 0)
    assert entries(account, task_id) == []
    assert_accepted(confirm(account, task_id, prompt="in winter"))
    task = account.finish(task_id)
    assert (task["status"], task["action"]) == ("SUCCESS", action)
    assert entries(account, task_id) == [HELD, PAID]


def test_a_change_that_opens_a_modal(upstream: Upstream, asking: None) -> None:
    body = {"taskId": upstream.grid["id"], "action": "VARIATION", "index": 1}
    answer = upstream.account.request("POST", "/mj/submit/change", json=body).json()
    # trueai asks only where a button was pressed; other relays ask for a change, too.
    assert answer["code"] in (1, 21)
    if answer["code"] == 21:
        assert_accepted(confirm(upstream.account, answer["result"]))
    assert upstream.account.finish(answer["result"])["status"] == "SUCCESS"


def test_an_unanswered_action_becomes_a_modal(upstream: Upstream) -> None:
    """Its answer, code 21, was lost: a poll finds the modal, and it can be confirmed."""
    account = upstream.account
    parent = account.finish(account.draw(f"{unique('a lighthouse')} zznextcut"))
    answer = press(account, parent, "MJ::CustomZoom::1::abc")
    task_id = assert_accepted(answer)
    wait_until(lambda: status(account, task_id) == "MODAL", what="the modal")
    assert entries(account, task_id) == []
    assert account.wallet.held == 0
    assert account.fetch(task_id)["properties"]["finalPrompt"]
    assert_accepted(confirm(account, task_id, prompt="a red door"))
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert entries(account, task_id) == [HELD, PAID]


def test_one_described_prompt_is_drawn_after_its_confirmation(upstream: Upstream) -> None:
    account = upstream.account
    answer = press(account, upstream.description, "MJ::Job::PicReader::2").json()
    assert answer["code"] == 21
    assert answer["properties"]["finalPrompt"]
    task_id = answer["result"]
    assert (status(account, task_id), account.wallet.held) == ("MODAL", 0)
    assert_accepted(confirm(account, task_id))
    task = account.finish(task_id)
    assert (task["status"], task["action"]) == ("SUCCESS", "IMAGINE")
    assert entries(account, task_id) == [HELD, PAID]


def test_all_described_prompts_are_tasks_of_their_own(upstream: Upstream) -> None:
    account = upstream.account
    balance = account.wallet.balance
    answer = press(account, upstream.description, "MJ::Job::PicReader::all", state="mine").json()
    assert (answer["code"], answer["properties"]) == (1, {})
    ids = answer["result"].split(",")
    assert len(set(ids)) == 4
    for task_id in ids:
        task = account.finish(task_id)
        assert (task["status"], task["action"]) == ("SUCCESS", "IMAGINE")
        assert task["state"] == "mine"
        assert entries(account, task_id) == [HELD, PAID]
    assert balance - account.wallet.balance == 4 * 300_000


def test_the_money_may_end_between_the_prompts(upstream: Upstream) -> None:
    account = upstream.account
    limited = account.new_key(budget="0.7")
    answer = press(limited, upstream.description, "MJ::Job::PicReader::all")
    assert answer.status_code == 200, answer.text
    ids = answer.json()["result"].split(",")
    assert len(ids) == 2
    for task_id in ids:
        assert account.finish(task_id)["status"] == "SUCCESS"
    limited.token.refresh_from_db()
    assert (limited.token.spent, limited.token.held) == (600_000, 0)
    refused = press(limited, upstream.description, "MJ::Job::PicReader::all")
    assert_refused(refused, 402, "quota_not_enough")
    # What was opened and could not be paid for is not left behind.
    assert limited.request("GET", "/mj/task/queue").json() == []


def test_all_needs_a_description(upstream: Upstream) -> None:
    answer = press(upstream.account, upstream.grid, "MJ::Job::PicReader::all")
    assert_refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("custom_id", ["MJ::BOOKMARK::abc", "MJ::BOOKMARK"])
def test_a_bookmark_is_free_and_no_task(upstream: Upstream, custom_id: str) -> None:
    account, single = upstream.account, upstream.single
    before = account.written
    assert assert_accepted(press(account, single, custom_id)) == single["id"]
    assert account.written == before


def test_a_modal_is_its_tenants_own(upstream: Upstream, account: Account) -> None:
    task_id = upstream.modal()
    assert_refused(confirm(account, task_id), 404, "task_not_found")
    cancel = account.request("POST", f"/mj/task/{task_id}/cancel")
    assert_refused(cancel, 404, "task_not_found")
    assert status(upstream.account, task_id) == "MODAL"


@pytest.mark.parametrize(
    ("body", "http", "kind"),
    [
        ({}, 400, "invalid_request"),
        ({"taskId": ""}, 400, "invalid_request"),
        ({"taskId": "1"}, 404, "task_not_found"),
        ({"taskId": "{modal}", "prompt": 5}, 400, "invalid_request"),
        ({"taskId": "{modal}", "maskBase64": "no picture"}, 400, "invalid_request"),
        ({"taskId": "{modal}", "maskBase64": "https://a.example/b.png"}, 400, "invalid_request"),
        ({"taskId": "{grid}"}, 400, "invalid_request"),
    ],
)
def test_wrong_confirmations_change_nothing(
    upstream: Upstream, body: dict[str, object], http: int, kind: str
) -> None:
    account, task_id = upstream.account, upstream.modal()
    names = {"{modal}": task_id, "{grid}": upstream.grid["id"]}
    body = {name: names.get(str(value), value) for name, value in body.items()}
    before = account.written
    assert_refused(account.request("POST", "/mj/submit/modal", json=body), http, kind)
    assert account.written == before
    assert status(account, task_id) == "MODAL"


def test_a_price_that_changed_meanwhile_is_the_one_of_the_confirmation(
    upstream: Upstream, publish_prices: Any
) -> None:
    account, task_id = upstream.account, upstream.modal()
    publish_prices(PRICES.replace('"mj_modal": 0.1', '"mj_modal": 0.2'))
    assert_accepted(confirm(account, task_id))
    publish_prices(DEARER)
    account.finish(task_id)
    assert entries(account, task_id)[-1] == ("capture", "-0.20", "-0.20")


def test_a_drained_channel_still_confirms_and_a_disabled_one_does_not(stack: Stack) -> None:
    upstream = Upstream(stack, Channel.Kind.TRUEAI)
    account = upstream.account
    first, second = upstream.modal(), upstream.modal()
    set_state(account, Channel.State.DRAINING)
    assert_accepted(confirm(account, first))
    assert account.finish(first)["status"] == "SUCCESS"
    set_state(account, Channel.State.DISABLED)
    assert_refused(confirm(account, second), 503, "no_channel", code=9)
    assert (status(account, second), entries(account, second)) == ("MODAL", [])
    assert_refused(confirm(account, upstream.grid["id"]), 400, "invalid_request")
    prove(account.tenant.pk)


def set_state(account: Account, state: str) -> None:
    Channel.objects.filter(pk=account.channel.pk).update(state=state)


def test_the_mode_of_the_action_is_the_mode_of_the_modal(upstream: Upstream) -> None:
    account, single = upstream.account, upstream.single
    body = {"taskId": single["id"], "customId": button(single, CUSTOM_ZOOM)}
    answer = account.request("POST", "/mj-relax/mj/submit/action", json=body).json()
    task_id = answer["result"]
    confirmed = account.request("POST", "/mj-turbo/mj/submit/modal", json={"taskId": task_id})
    assert_accepted(confirmed)
    assert account.finish(task_id)["mode"] == "RELAX"


def test_a_confirmed_modal_can_be_continued(upstream: Upstream) -> None:
    account, task_id = upstream.account, upstream.modal()
    assert_accepted(confirm(account, task_id))
    task = account.finish(task_id)
    upscaled = assert_accepted(press(account, task, button(task, "MJ::JOB::upsample::3")))
    assert account.finish(upscaled)["action"] == "UPSCALE"


@pytest.mark.parametrize("custom_id", ["MJ::BOOKMARK::a", "MJ::Job::PicReader::all"])
def test_buttons_of_another_tenants_task_are_unknown(
    upstream: Upstream, account: Account, custom_id: str
) -> None:
    answer = press(account, upstream.single, custom_id)
    assert_refused(answer, 404, "task_not_found")
