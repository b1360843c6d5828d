"""A chain of two relays: ours, another one of us behind it, and the sandbox's trueai behind that.

The inner relay is a product of its own with a database of its own; all that the outer one has of
it is an address and a key.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.db import connection
from django.db.models import F

from billing import books, ledger, money
from billing.models import Token
from channels.models import Channel
from relay.api.schema import examples
from relay.models import Task
from relay.watch import proofs
from tests.accounts import Account, open_account
from tests.api.shapes import assert_accepted, assert_refused, assert_task
from tests.faults import servers
from tests.faults.place import open_place
from tests.prices import PRICES
from tests.proofs import prove
from tests.stack import Stack, wait_until

# What the inner relay asks for; the outer one has the usual prices.
INNER_PRICES = PRICES.replace("0.1,", "0.03,").replace("0.05", "0.01")
FUNDS = "50"


@dataclass
class Chain:
    """`outer` is our customer, `inner` is us as a customer of the relay behind us."""

    outer: Account
    inner: Account
    inner_database: str

    @contextmanager
    def inside(self) -> Iterator[Account]:
        """Meanwhile this process reads and writes what the inner relay knows."""
        before = connection.settings_dict["NAME"]
        servers._switch(self.inner_database)
        try:
            yield self.inner
        finally:
            servers._switch(before)

    def funds(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """(balance, held) at the outer relay and at the inner one."""
        with self.inside() as inner:
            behind = inner.funds
        return self.outer.funds, behind

    def settled(self, task_id: str) -> dict[str, Any]:
        """The task once it has ended at both."""
        task = self.outer.finish(task_id)
        with self.inside() as inner:
            wait_until(lambda: inner.wallet.held == 0, what="the end at the inner relay")
        return task

    def inner_task(self, task_id: str) -> Task:
        """What the inner relay calls a task of the outer one."""
        inner_id = Task.objects.get(pk=task_id).upstream_id
        with self.inside():
            return Task.objects.select_related("channel").get(pk=inner_id)

    def submit(self, route: str, **body: object) -> requests.Response:
        return self.outer.request("POST", f"/mj/submit/{route}", json=body)


@pytest.fixture(scope="module")
def two_relays(
    stack: Stack, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Account, str]]:
    """The inner relay, with us as its customer, and the name of its database."""
    folder = tmp_path_factory.mktemp("inner")
    outer_name = connection.settings_dict["NAME"]
    with servers.own_database(database) as url:
        inner_name = connection.settings_dict["NAME"]
        books.publish_json(INNER_PRICES, memo="the inner relay's")
        with open_place(folder, url) as place:
            inner = open_account(
                place.stack, funds=FUNDS, channel_url=f"{place.stack.sandbox_url}/trueai"
            )
            Channel.objects.update(kind=Channel.Kind.TRUEAI)
            servers._switch(outer_name)
            try:
                yield inner, inner_name
            finally:
                servers._switch(inner_name)


@pytest.fixture
def chain(stack: Stack, two_relays: tuple[Account, str]) -> Iterator[Chain]:
    inner, inner_database = two_relays
    outer = open_account(stack, channel_url=inner.stack.url)
    Channel.objects.filter(pk=outer.channel.pk).update(kind=Channel.Kind.NEWAPI)
    outer.give_secret(inner.key)
    chain = Chain(outer, inner, inner_database)
    with chain.inside() as behind:
        refill(behind, FUNDS)
        behind.awaken()
    yield chain
    prove(outer.tenant.pk)
    assert not [found for _, found in proofs.run() if found]
    with chain.inside() as behind:
        prove(behind.tenant.pk)
        assert not [found for _, found in proofs.run() if found]


def refill(account: Account, amount: str) -> None:
    """Its balance is `amount` from now on."""
    missing = money.to_micro(amount) - account.wallet.balance
    if missing > 0:
        reference = f"refill-{account.last_task.pk}"
        ledger.topup(tenant_id=account.tenant.pk, amount=missing, reference=reference, actor="test")


def assert_hidden(chain: Chain, task_id: str, shown: str) -> None:
    """Nothing of what stands behind us is in what our customer sees."""
    inner = chain.inner_task(task_id)
    upstream = inner.channel.base_url.partition("//")[2].partition("/")[0]
    inner_host = chain.inner.stack.url.partition("//")[2]
    for secret in (str(inner.pk), inner.upstream_id, chain.inner.key, upstream, inner_host):
        assert secret
        assert secret not in shown, (secret, shown)


def test_a_picture_and_its_upscale_through_two_relays(chain: Chain) -> None:
    name = f"{chain.outer.tenant.name}-chain"
    hook = chain.outer.stack.inbox_url(name)
    answer = chain.submit("imagine", prompt="a pier", state="mine", notifyHook=hook)
    task_id = assert_accepted(answer)
    task = chain.settled(task_id)
    assert_task(task)
    assert (task["status"], task["state"], task["progress"]) == ("SUCCESS", "mine", "100%")
    assert chain.funds() == (("99.90", "0.00"), ("49.97", "0.00"))
    picture = requests.get(task["imageUrl"], timeout=10)
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/png")

    messages = wait_until(
        lambda: [json.loads(m["body"]) for m in chain.outer.stack.inbox(name)
                 if '"SUCCESS"' in m["body"]],
        what="the callback",
    )  # fmt: skip
    assert [(told["id"], told["state"]) for told in messages] == [(task_id, "mine")]
    assert_hidden(chain, task_id, json.dumps([task, messages]))
    assert chain.inner_task(task_id).state != "mine"

    upscaled = chain.settled(
        assert_accepted(chain.submit("change", taskId=task_id, action="UPSCALE", index=2))
    )
    assert (upscaled["status"], upscaled["action"]) == ("SUCCESS", "UPSCALE")
    assert task_id in upscaled["description"]
    assert_hidden(chain, upscaled["id"], json.dumps(upscaled))
    assert chain.funds() == (("99.85", "0.00"), ("49.96", "0.00"))


def test_a_variation_and_an_inpaint_with_a_mask_through_two_relays(chain: Chain) -> None:
    grid = chain.settled(chain.outer.draw("a pier"))
    vary = next(b["customId"] for b in grid["buttons"] if b["label"] == "V1")
    varied = chain.settled(
        assert_accepted(chain.submit("action", taskId=grid["id"], customId=vary))
    )
    assert (varied["status"], varied["action"]) == ("SUCCESS", "VARIATION")
    single = chain.settled(
        assert_accepted(chain.submit("simple-change", content=f"{varied['id']} U1"))
    )
    assert chain.funds() == (("99.75", "0.00"), ("49.93", "0.00"))

    inpaint = next(b["customId"] for b in single["buttons"] if "::Inpaint::" in b["customId"])
    answer = chain.submit("action", taskId=single["id"], customId=inpaint)
    opened = answer.json()
    assert (answer.status_code, opened["code"], opened["properties"]["remix"]) == (200, 21, True)
    assert isinstance(opened["properties"]["finalPrompt"], str)
    task_id = opened["result"]
    assert chain.outer.fetch(task_id)["status"] == "MODAL"
    assert chain.inner_task(task_id).status == "MODAL"
    assert chain.funds() == (("99.75", "0.00"), ("49.93", "0.00"))

    for _ in range(2):
        confirmed = chain.submit(
            "modal", taskId=task_id, prompt="a red door on it", maskBase64=examples.NAVY
        )
        assert assert_accepted(confirmed) == task_id
    task = chain.settled(task_id)
    assert (task["status"], task["action"]) == ("SUCCESS", "INPAINT")
    assert chain.funds() == (("99.65", "0.00"), ("49.90", "0.00"))
    assert_hidden(chain, task_id, json.dumps([opened, task]))
    (sent,) = chain.inner.stack.submits("a red door on it")
    assert sent["body"]["maskBase64"]


def test_a_failure_costs_neither_anything(chain: Chain) -> None:
    task = chain.settled(chain.outer.draw("zzfail"))
    assert_task(task)
    assert (task["status"], chain.funds()) == ("FAILURE", (("100.00", "0.00"), ("50.00", "0.00")))
    assert_hidden(chain, task["id"], json.dumps(task))


def test_a_banned_prompt_is_named_through_two_relays(chain: Chain) -> None:
    """A trueai of today takes it and fails it; an older one, and the others, refuse it."""
    _turn(chain, trueai_version="9.5")
    try:
        answer = chain.outer.imagine("a pier zzban")
    finally:
        _turn(chain, trueai_version="11.10")
    properties = {"promptEn": "a pier zzban", "bannedWord": "zzban"}
    assert_refused(answer, 400, "banned_prompt", code=24, properties=properties)
    assert chain.outer.last_task.status == "FAILURE"
    task = chain.settled(chain.outer.draw("a pier zzban"))
    assert task["status"] == "FAILURE"
    assert chain.funds() == (("100.00", "0.00"), ("50.00", "0.00"))


@pytest.mark.parametrize(
    ("word", "status", "kind", "code"),
    [
        ("zzfull", 429, "queue_full", 23),
        ("zzcode3", 503, "no_channel", 9),
        ("zz500", 502, "upstream_rejected", 9),
    ],
)
def test_a_refusal_far_behind_frees_the_money_of_both(
    chain: Chain, word: str, status: int, kind: str, code: int
) -> None:
    answer = chain.outer.imagine(f"a pier {word}")
    assert_refused(answer, status, kind, code=code)
    assert chain.outer.last_task.status == "FAILURE"
    with chain.inside() as inner:
        assert (inner.last_task.status, inner.wallet.held) == ("FAILURE", 0)
    assert chain.funds() == (("100.00", "0.00"), ("50.00", "0.00"))


def test_an_answer_that_is_cut_far_behind_is_no_second_drawing(chain: Chain) -> None:
    prompt = f"a pier of {chain.outer.tenant.name} zzcut"
    task = chain.settled(assert_accepted(chain.outer.imagine(prompt)))
    assert task["status"] == "SUCCESS"
    assert len(chain.inner.stack.submits(prompt)) == 1
    assert chain.funds() == (("99.90", "0.00"), ("49.97", "0.00"))


def test_our_own_purse_there_is_not_our_customers(chain: Chain) -> None:
    """The inner relay says 402 to us; who asks us has money, and is told that nobody can draw."""
    with empty_purse(chain):
        with chain.inside() as inner:
            before = inner.written
        answer = chain.outer.imagine()
        assert_refused(answer, 503, "no_channel", code=9)
        assert "quota" not in answer.text
        assert int(answer.headers["Retry-After"]) > 0
        with chain.inside() as inner:
            assert inner.written == before
    assert chain.outer.last_task.status == "FAILURE"
    assert chain.funds() == (("100.00", "0.00"), ("50.00", "0.00"))


def test_a_modal_waits_until_our_purse_there_is_full_again(chain: Chain) -> None:
    grid = chain.settled(chain.outer.draw("a pier"))
    zoom = {"taskId": grid["id"], "customId": "MJ::CustomZoom::1::abc"}
    task_id = chain.submit("action", **zoom).json()["result"]
    with empty_purse(chain):
        answer = chain.submit("modal", taskId=task_id, prompt="a pier, from above")
        assert_refused(answer, 503, "no_channel", code=9)
        assert chain.outer.fetch(task_id)["status"] == "MODAL"
        assert chain.funds() == (("99.90", "0.00"), ("49.97", "0.00"))
    again = chain.submit("modal", taskId=task_id, prompt="a pier, from above")
    assert assert_accepted(again) == task_id
    assert chain.settled(task_id)["status"] == "SUCCESS"
    assert chain.funds() == (("99.80", "0.00"), ("49.94", "0.00"))


def test_what_we_refuse_never_reaches_the_relay_behind_us(chain: Chain) -> None:
    with chain.inside() as inner:
        before = inner.written
    poor = chain.outer.new_key(budget="0.01")
    assert_refused(poor.imagine(), 402, "quota_not_enough")
    assert_refused(chain.submit("imagine"), 400, "invalid_request")
    with chain.inside() as inner:
        assert inner.written == before


def test_the_seed_and_the_mode_go_through(chain: Chain) -> None:
    answer = chain.outer.request(
        "POST", "/mj-relax/mj/submit/imagine", json={"prompt": "a pier --turbo"}
    )
    task = chain.settled(assert_accepted(answer))
    assert task["mode"] == "RELAX"
    assert chain.inner_task(task["id"]).mode == "relax"
    seed = chain.outer.request("GET", f"/mj/task/{task['id']}/image-seed").json()
    assert (seed["code"], seed["result"].isdigit()) == (1, True)


def _turn(chain: Chain, **switches: object) -> None:
    url = f"{chain.inner.stack.sandbox_url}/sandbox/control"
    answer = requests.post(url, json=switches, timeout=5)
    assert answer.status_code == 200, answer.text


@contextmanager
def empty_purse(chain: Chain) -> Iterator[None]:
    """What our key at the inner relay may spend is spent."""
    with chain.inside() as inner:
        key = Token.objects.filter(pk=inner.token.pk)
        key.update(budget=F("spent"))
    try:
        yield
    finally:
        with chain.inside():
            key.update(budget=None)
