"""The site's settings: what an operator sets counts at once everywhere, null takes it back."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.db import transaction

from billing import sign_ups
from billing.models import Entry
from common import ports, site
from common.models import SiteSetting
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, unique
from tests.stack import ROOT


@pytest.fixture
def operator(desk: Desk) -> Iterator[Any]:
    yield desk.operator
    desk.operator.patch("settings", **dict.fromkeys(site.SETTINGS, None))
    assert not SiteSetting.objects.exists()


def test_what_is_set_wins_and_null_goes_back_to_the_environment(operator: Any) -> None:
    before = operator.get("settings")
    assert before["values"] == before["defaults"]
    assert before["changed"] == []
    set_ = operator.patch("settings", site_name="North Star", keep_results=True)
    assert (set_["values"]["site_name"], set_["values"]["keep_results"]) == ("North Star", True)
    assert [row["name"] for row in set_["changed"]] == ["keep_results", "site_name"]
    assert set_["changed"][0]["changed_by"].startswith("operator (mk-")
    assert set_["defaults"] == before["defaults"]
    assert operator.patch("settings", site_name=None, keep_results=None) == before


def test_every_setting_can_be_set_to_what_it_is_shown_as(operator: Any) -> None:
    values = operator.get("settings")["values"]
    shown = operator.patch("settings", **values)
    assert shown["values"] == values
    assert {row["name"] for row in shown["changed"]} == set(site.SETTINGS)


def test_words_and_the_mode_count_from_the_next_submit_on(desk: Desk, operator: Any) -> None:
    account = desk.account
    operator.patch("settings", banned_words="# mine\ntea pot\n", default_mode="relax")
    refused = account.imagine("a Tea  Pot in oil")
    assert (refused.status_code, refused.json()["type"]) == (400, "banned_prompt")
    assert refused.json()["properties"]["bannedWord"] == "Tea  Pot"
    assert desk.owner.get(f"tasks/{account.draw()}")["mode"] == "relax"
    said = requests.get(f"{account.stack.url}/openapi.json", timeout=30).json()["info"]
    assert "the default of this site (`relax`)" in said["description"]
    operator.patch("settings", banned_words="", default_mode="fast")
    assert desk.owner.get(f"tasks/{account.draw('a tea pot')}")["mode"] == "fast"


def test_a_port_and_a_network_count_from_the_next_callback_on(desk: Desk, operator: Any) -> None:
    url = desk.account.stack.inbox_url(unique("inbox"))
    assert desk.owner.post("hooks/test", url=url)["status_code"] == 200
    operator.patch("settings", callback_networks=[])
    refused = desk.owner.post("hooks/test", url=url)
    assert refused["status_code"] is None
    assert "not a public address" in refused["answer"]
    operator.patch("settings", callback_networks=["127.0.0.0/8"])
    assert desk.owner.post("hooks/test", url=url)["status_code"] == 200


def test_the_currency_stays_once_there_is_money(desk: Desk, operator: Any) -> None:
    assert Entry.objects.exists()
    refused = operator.ask("PATCH", "settings", json={"currency": "EUR", "site_name": "x"})
    assert_refused(refused, 409, "conflict", says="entries in the ledger")
    assert operator.get("settings")["changed"] == []
    assert operator.patch("settings", currency="usd")["values"]["currency"] == "USD"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("site_name", "", "blank"),
        ("site_name", "a\u202eb", "printable"),
        ("currency", "EURO", "three letters"),
        ("notice_hook", "ftp://x.example", "http"),
        ("notice_hook", "https://ops.example", "OPERATOR_WEBHOOK_SECRET"),
        ("notice_mails", ["nobody"], "email"),
        ("notice_mails", ["ops@relay.example"], "EMAIL_URL"),
        ("callback_networks", ["10.0.0.0/99"], "network"),
        ("callback_ports", ["0"], "port"),
        ("callback_ports", ["9-8"], "port"),
        ("callback_ports", ["70000"], "port"),
        ("callback_ports", ["\u0661"], "port"),
        ("banned_words", "a\x00b", "null"),
        ("default_mode", "slow", "choice"),
        ("sign_up", "maybe", "choice"),
        ("sign_up_group", "no such group", "no such group"),
        ("sign_up_balance", "-1", "or more"),
        ("sign_up_domains", ["*.example"], "domain"),
        ("no_such", 1, "no such field"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    shared_desk: Desk, field: str, value: Any, says: str
) -> None:
    refused = shared_desk.operator.ask("PATCH", "settings", json={field: value})
    assert_refused(refused, 400, "invalid_request", says=f"{field}")
    assert says.lower() in refused.json()["message"].lower()
    assert not SiteSetting.objects.exists()


def test_who_signs_up_gets_the_group_and_the_money_that_are_set(unseen: None) -> None:
    site.change({"sign_up_balance": 2_500_000, "sign_up_domains": ["relay.example"]}, actor="me")
    tenant = sign_ups.open_tenant(name=unique("newcomer"), actor="somebody")
    (entry,) = Entry.objects.filter(wallet__tenant=tenant)
    assert (entry.kind, entry.amount, entry.actor) == ("adjust", 2_500_000, "somebody")
    assert tenant.group.name == site.value("sign_up_group") == "default"
    assert sign_ups.admits("a@Relay.example")
    assert not sign_ups.admits("relay.example@elsewhere.example")


def test_what_is_taken_back_with_its_transaction_is_forgotten(database: str) -> None:
    with transaction.atomic():
        site.change({"site_name": "never"}, actor="me")
        assert site.value("site_name") == "never"
        transaction.set_rollback(True)
    with transaction.atomic():
        assert site.value("site_name") != "never"
        site.change({"default_mode": "turbo"}, actor="me")
        assert site.value("site_name") != "never"
        transaction.set_rollback(True)


def test_an_unknown_name_is_a_mistake_of_ours(unseen: None) -> None:
    with pytest.raises(KeyError):
        site.value("sight_name")
    with pytest.raises(KeyError):
        site.change({"sight_name": "x"}, actor="me")


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["443", "80", "80"], [80, 443]),
        (["8000-8002", "8001-8003"], [8000, 8001, 8002, 8003]),
        ([], []),
    ],
)
def test_ports_are_read_and_shown_as_people_write_them(
    texts: list[str], numbers: list[int]
) -> None:
    assert ports.read(texts) == numbers
    assert ports.read(ports.shown(numbers)) == numbers


def test_ports_in_a_row_are_shown_as_a_range() -> None:
    assert ports.shown([80, 443, *range(8000, 9001)]) == ["80", "443", "8000-9000"]


def test_the_environment_gives_what_nobody_has_set(stack_env: dict[str, str]) -> None:
    """In a process of its own, as the environment is read when it starts."""
    code = (
        "import django; django.setup(); from common import site;"
        "print(site.value('sign_up'), *site.from_environment())"
    )
    ours = {variable.env for variable in site.SETTINGS.values()}
    plain = {name: value for name, value in stack_env.items() if name not in ours}
    env = plain | {"DJANGO_SETTINGS_MODULE": "relay.settings", "SIGN_UP": "Invitation"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    assert run.stdout.split() == ["invitation", "sign_up"]
