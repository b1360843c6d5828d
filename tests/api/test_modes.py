"""Speed modes end to end (tenant-api, section 1): decided once, priced, sent, shown, settled."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from billing import books
from billing.models import Token
from channels.models import Channel
from tests.accounts import Account, open_account, open_channel
from tests.api.shapes import assert_accepted, assert_refused
from tests.api.upstreams import Upstream
from tests.prices import PRICES, publish, rule
from tests.proofs import prove
from tests.stack import Stack

# What an imagine costs in each mode, in 1/100.
CENTS = {"fast": 10, "relax": 4, "turbo": 20}
PRICE = {mode: f"{cents / 100:.2f}" for mode, cents in CENTS.items()}


@pytest.fixture(scope="module", autouse=True)
def prices_by_mode(database: str) -> Iterator[None]:
    """Imagines have a price for each mode, upscales one for relax beside the usual one."""
    imagines = [rule("mj_imagine", price, mode) for mode, price in PRICE.items()]
    publish(*imagines, rule("mj_upscale", "0.01", "relax"))
    yield
    books.publish_json(PRICES, memo="tests")


def imagine(account: Account, prefix: str = "/mj", **body: object) -> requests.Response:
    body = {"prompt": "a lighthouse", **body}
    return account.request("POST", f"{prefix}/submit/imagine", json=body)


def flag(mode: str) -> str:
    return f"a lighthouse --{mode}"


@pytest.fixture(scope="module")
def stock(stack: Stack) -> Iterator[Account]:
    account = open_account(stack)
    yield account
    prove(account.tenant.pk)


@pytest.fixture
def turbo_key(stock: Account) -> Account:
    """Another key, which draws in turbo unless something else is said."""
    key = stock.new_key()
    Token.objects.filter(pk=key.token.pk).update(default_mode="turbo")
    return key


# Each row says several modes in different places; the first place in the list counts.
PLACES: list[tuple[str, dict[str, Any]]] = [
    ("/{}/mj", {}),
    ("/mj", {"model": "mj-{}"}),
    ("/mj", {"mode": "{}"}),
    ("/mj", {"accountFilter": {"modes": ["{}"]}}),
    ("/mj", {"prompt": "a lighthouse --{}"}),
]
NAMES = ["path", "model", "mode", "filter", "flag"]


def said(place: int, mode: str) -> tuple[str, dict[str, Any]]:
    prefix, body = PLACES[place]
    word = mode if place in (0, 1, 4) else mode.upper()

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner) for inner in value]
        return value.replace("{}", word)

    return prefix.replace("{}", mode), fill(body)


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        pytest.param(upper, lower, id=f"{NAMES[upper]}-{[*NAMES, 'key'][lower]}")
        for upper in range(5)
        for lower in range(upper + 1, 6)
    ],
)
def test_of_two_places_the_first_counts(
    stock: Account, turbo_key: Account, upper: int, lower: int
) -> None:
    """Relax above, turbo below: of every pair of places the upper one wins."""
    prefix, body = said(upper, "relax")
    below = said(lower, "turbo")[1] if lower < len(PLACES) else {}
    account = turbo_key if lower == len(PLACES) else stock
    task_id = assert_accepted(imagine(account, prefix, **(below | body)))
    assert account.fetch(task_id)["mode"] == "RELAX"
    assert stock.entries(task_id)[0] == ("hold", "0.00", PRICE["relax"])


@pytest.mark.parametrize("place", range(5), ids=NAMES)
@pytest.mark.parametrize("mode", CENTS)
def test_a_mode_is_priced_drawn_and_shown(stock: Account, place: int, mode: str) -> None:
    prefix, body = said(place, mode)
    task = stock.finish(assert_accepted(imagine(stock, prefix, **body)))
    assert (task["mode"], task["status"]) == (mode.upper(), "SUCCESS")
    assert task["prompt"] == "a lighthouse"
    assert stock.entries(task["id"]) == [
        ("hold", "0.00", PRICE[mode]),
        ("capture", f"-{PRICE[mode]}", f"-{PRICE[mode]}"),
    ]


@pytest.mark.parametrize(
    ("prefix", "mode"),
    [
        ("/mj", "FAST"),
        ("/v1/mj", "FAST"),
        ("/fast/mj", "FAST"),
        ("/mj-fast/mj", "FAST"),
        ("/relax/mj", "RELAX"),
        ("/mj-relax/mj", "RELAX"),
        ("/turbo/mj", "TURBO"),
        ("/mj-turbo/mj", "TURBO"),
        ("//mj-turbo//mj", "TURBO"),
    ],
)
def test_prefixes(stock: Account, prefix: str, mode: str) -> None:
    task_id = assert_accepted(imagine(stock, prefix))
    # A task is found under any prefix, whatever it was bought under.
    assert stock.request("GET", f"/mj-relax/mj/task/{task_id}/fetch").json()["mode"] == mode


@pytest.mark.parametrize(
    ("body", "mode"),
    [
        ({}, "FAST"),
        ({"mode": "relax"}, "RELAX"),
        ({"mode": " Turbo "}, "TURBO"),
        ({"model": "MJ-RELAX"}, "RELAX"),
        # Words that are no mode count as not said.
        ({"mode": "quick", "prompt": flag("relax")}, "RELAX"),
        ({"model": "mj_imagine", "mode": "RELAX"}, "RELAX"),
        ({"model": 5, "mode": ["RELAX"]}, "FAST"),
        ({"accountFilter": {"modes": []}, "prompt": flag("relax")}, "RELAX"),
        ({"accountFilter": {"modes": ["RELAX", "TURBO"]}}, "RELAX"),
        ({"accountFilter": {"modes": "RELAX"}}, "FAST"),
        ({"accountFilter": "RELAX"}, "FAST"),
        # As some clients write: beside the filter instead of in it.
        ({"modes": ["TURBO"]}, "TURBO"),
        ({"accountFilter": {"remark": "a"}, "modes": ["TURBO"]}, "TURBO"),
        ({"prompt": flag("relax") + " --turbo"}, "RELAX"),
        ({"prompt": "a lighthouse —turbo"}, "TURBO"),
        ({"prompt": "--RELAX a lighthouse"}, "RELAX"),
        # No flags: a part of a word, and a word without dashes.
        ({"prompt": "a lighthouse --fastest relax"}, "FAST"),
    ],
)
def test_words_for_a_mode(stock: Account, body: dict[str, Any], mode: str) -> None:
    task_id = assert_accepted(imagine(stock, **body))
    assert stock.fetch(task_id)["mode"] == mode


def test_the_keys_default_and_the_sites(turbo_key: Account) -> None:
    assert turbo_key.fetch(turbo_key.draw())["mode"] == "TURBO"
    Token.objects.filter(pk=turbo_key.token.pk).update(default_mode="")
    assert turbo_key.fetch(turbo_key.draw())["mode"] == "FAST"


def test_a_prompt_of_flags_alone_is_empty(stock: Account) -> None:
    before = stock.written["tasks"]
    answer = imagine(stock, prompt="--turbo --relax")
    assert_refused(answer, 400, "invalid_request", says="prompt")
    assert stock.written["tasks"] == before


def test_a_follow_up_has_a_mode_of_its_own(stock: Account) -> None:
    """An upscale has a price for relax, and one for every other mode."""
    parent = stock.finish(stock.draw(mode="TURBO"))
    body = {"taskId": parent["id"], "action": "UPSCALE", "index": 1}
    for prefix, mode, price in (("/mj-relax/mj", "RELAX", "0.01"), ("/turbo/mj", "TURBO", "0.05")):
        answer = stock.request("POST", f"{prefix}/submit/change", json=body)
        task = stock.finish(assert_accepted(answer))
        assert task["mode"] == mode
        assert stock.entries(task["id"])[0] == ("hold", "0.00", price)


@pytest.mark.parametrize("kind", [Channel.Kind.TRUEAI, Channel.Kind.NEWAPI])
@pytest.mark.parametrize("mode", CENTS)
def test_the_mode_is_in_the_path(stack: Stack, kind: str, mode: str) -> None:
    """And nowhere else that could contradict it."""
    account = Upstream(stack, kind).account
    prompt = f"a pier of {account.tenant.name}"
    body = {"accountFilter": {"modes": ["TURBO", "FAST"], "remark": "x"}}
    other = "turbo" if mode == "fast" else "fast"
    text = f"{prompt} --{other} --ar 2:3"
    answer = imagine(account, f"/mj-{mode}/mj", prompt=text, mode=other.upper(), **body)
    task = account.finish(assert_accepted(answer))
    (sent,) = account.stack.submits(prompt)
    assert f"/mj-{mode}/mj/submit/imagine" in sent["path"]
    assert sent["body"]["prompt"] == f"{prompt} --ar 2:3"
    filters = sent["body"].get("accountFilter") or {}
    assert filters.get("modes", [mode.upper()]) == [mode.upper()]
    assert not {"mode", "model", "modes"} & set(sent["body"])
    assert task["mode"] == mode.upper()


@pytest.mark.parametrize("mode", CENTS)
def test_the_mode_is_a_flag_at_midjourney_proxy(stock: Account, mode: str) -> None:
    prompt = f"a pier in {mode}"
    text = f"{prompt} --turbo --fast --relax"
    task = stock.finish(assert_accepted(imagine(stock, f"/{mode}/mj", prompt=text)))
    (sent,) = stock.stack.submits(prompt)
    assert sent["path"].endswith("/midjourney-proxy/mj/submit/imagine")
    assert sent["body"]["prompt"] == f"{prompt} --{mode}"
    for text in (task["prompt"], task["promptEn"], task["description"]):
        assert "--" not in text


def test_filters_are_passed_on_with_the_decided_mode(stack: Stack) -> None:
    account = Upstream(stack, Channel.Kind.TRUEAI).account
    Channel.objects.filter(pk=account.channel.pk).update(pass_filters=True)
    prompt = f"a quay of {account.tenant.name}"
    given = {"modes": ["TURBO"], "remix": True, "channelId": "", "hidden": "x"}
    assert_accepted(imagine(account, "/mj-relax/mj", prompt=prompt, accountFilter=given))
    (sent,) = account.stack.submits(prompt)
    assert sent["body"]["accountFilter"]["modes"] == ["RELAX"]
    assert sent["body"]["accountFilter"]["remix"] is True
    assert "hidden" not in sent["body"]["accountFilter"]


@pytest.mark.parametrize("bought", CENTS)
@pytest.mark.parametrize("drawn", CENTS)
def test_the_cheaper_price_is_captured(stack: Stack, bought: str, drawn: str) -> None:
    """trueai ends in the mode that it had an account for."""
    account = _trueai(stack)
    answer = imagine(account, f"/mj-{bought}/mj", prompt=f"a lighthouse zz{drawn}")
    task = account.finish(assert_accepted(answer))
    paid = PRICE[min(bought, drawn, key=lambda mode: CENTS[mode])]
    assert (task["status"], task["mode"]) == ("SUCCESS", drawn.upper())
    assert account.entries(task["id"]) == [
        ("hold", "0.00", PRICE[bought]),
        ("capture", f"-{paid}", f"-{PRICE[bought]}"),
    ]
    assert account.funds == (f"{Decimal(100) - Decimal(paid):.2f}", "0.00")
    prove(account.tenant.pk)


def test_a_mode_without_a_price_of_its_own_costs_what_was_bought(stack: Stack) -> None:
    """An upscale has one price for fast and turbo."""
    account = _trueai(stack)
    parent = account.finish(account.draw("a lighthouse zznextturbo"))
    body = {"taskId": parent["id"], "action": "UPSCALE", "index": 1}
    task = account.finish(
        assert_accepted(account.request("POST", "/mj-fast/mj/submit/change", json=body))
    )
    assert account.entries(task["id"])[-1] == ("capture", "-0.05", "-0.05")


def test_a_drawing_that_fails_in_another_mode_costs_nothing(stack: Stack) -> None:
    account = _trueai(stack)
    answer = imagine(account, "/mj-turbo/mj", prompt="zzrelax zzfail")
    task = account.finish(assert_accepted(answer))
    assert (task["status"], account.funds) == ("FAILURE", ("100.00", "0.00"))
    prove(account.tenant.pk)


def test_a_channel_of_one_mode_draws_no_other(account: Account) -> None:
    change(account, modes=["relax"])
    task = account.finish(assert_accepted(imagine(account, "/relax/mj")))
    before = account.written
    for prefix in ("/mj", "/turbo/mj"):
        answer = imagine(account, prefix)
        assert_refused(answer, 503, "no_channel", code=9)
        assert int(answer.headers["Retry-After"]) > 0
    assert account.written == before
    # It has made the parent, so it also continues it, however that is asked for.
    body = {"taskId": task["id"], "action": "UPSCALE", "index": 1}
    assert_accepted(account.request("POST", "/mj/submit/change", json=body))


def test_each_mode_has_its_channel(account: Account) -> None:
    change(account, modes=["relax"])
    group = account.tenant.name
    swift = open_channel(account.stack, group=group, modes=["fast", "turbo"], priority=9)
    prompts = {mode: f"{mode} for {group}" for mode in CENTS}
    for mode, prompt in prompts.items():
        assert_accepted(imagine(account, f"/{mode}/mj", prompt=prompt))
        expected = account.channel.pk if mode == "relax" else swift.pk
        assert account.last_task.channel_id == expected


def test_a_channel_of_some_actions_does_no_other(account: Account) -> None:
    change(account, actions=["DESCRIBE"])
    assert_refused(account.imagine(), 503, "no_channel", code=9)
    assert account.funds == ("100.00", "0.00")
    change(account, actions=["DESCRIBE", "IMAGINE"])
    assert_accepted(account.imagine())


def test_a_channel_serves_its_groups_alone(account: Account) -> None:
    change(account, groups=["somebody else"])
    assert_refused(account.imagine(), 503, "no_channel", code=9)
    change(account, groups=["somebody else", account.tenant.name])
    assert_accepted(account.imagine())


def change(account: Account, **fields: object) -> None:
    Channel.objects.filter(pk=account.channel.pk).update(**fields)


def _trueai(stack: Stack) -> Account:
    account = Upstream(stack, Channel.Kind.TRUEAI).account
    account.channel.refresh_from_db()
    return account
