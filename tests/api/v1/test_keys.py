"""The life of an API key through the management API, over the running product."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from django.utils import timezone

from billing.models import Token
from relay.api.v1.keys import bounds
from tests.accounts import Account, open_channel
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk
from tests.stack import wait_until


def with_key(desk: Desk, key: str) -> Account:
    """The same tenant as the key's holder."""
    account = desk.account
    return Account(account.stack, account.tenant, account.token, key, account.channel)


def draws(desk: Desk, key: str) -> bool:
    answer = with_key(desk, key).imagine()
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


def test_a_key_is_made_replaced_and_stopped_at_once(desk: Desk) -> None:
    made = desk.roles["developer"].post("keys", name="shop")
    first, number = made["key"], made["details"]["id"]
    assert first.startswith(made["details"]["prefix"])
    assert draws(desk, first)

    rotated = desk.owner.post(f"keys/{number}/rotate", overlap_seconds=60)
    second = rotated["key"]
    assert rotated["details"]["id"] == number
    assert rotated["details"]["old_key_until"] is not None
    assert draws(desk, first)
    assert draws(desk, second)

    third = desk.owner.post(f"keys/{number}/rotate", overlap_seconds=0)["key"]
    assert [draws(desk, key) for key in (first, second, third)] == [False, False, True]

    assert not desk.site["support"].post(f"{desk.base}keys/{number}/disable")["is_active"]
    assert not draws(desk, third)
    assert desk.owner.post(f"keys/{number}/enable")["is_active"]
    assert draws(desk, third)


def test_the_overlap_ends_by_itself(desk: Desk) -> None:
    made = desk.owner.post("keys", name="shop")
    desk.owner.post(f"keys/{made['details']['id']}/rotate", overlap_seconds=1)
    wait_until(lambda: not draws(desk, made["key"]), what="the end of the overlap")


def test_no_key_is_ever_shown_again(desk: Desk) -> None:
    key = desk.owner.post("keys", name="shop")["key"]
    assert key not in desk.owner.ask("GET", "keys").text
    assert Token.objects.filter(tenant=desk.tenant).count() == 2


def test_a_test_key_draws_with_play_money_only(desk: Desk) -> None:
    stack, tenant = desk.account.stack, desk.tenant
    assert_refused(
        desk.owner.ask("POST", "test-wallet/refill"), 409, "conflict", says="no test wallet"
    )
    open_channel(stack, group=tenant.name, is_test=True)
    made = desk.owner.post("keys", name="trial", is_test=True)
    assert made["key"].startswith("sk-test-")
    account = with_key(desk, made["key"])
    account.finish(account.draw())
    funds = desk.owner.get("wallet")
    assert (funds["balance"], funds["test"]["balance"]) == ("100.00", "999.90")
    assert desk.owner.post("test-wallet/refill")["balance"] == "1999.90"
    kinds = [row["kind"] for row in desk.owner.get("entries", test="true")["data"]]
    assert kinds == ["topup", "capture", "hold", "topup"]
    assert [row["kind"] for row in desk.owner.get("entries")["data"]] == ["topup"]


def test_a_key_tells_what_is_left_of_its_budgets_and_until_when(desk: Desk) -> None:
    made = desk.owner.post("keys", name="shop", budget="1.00", day_budget="0.15")
    account = with_key(desk, made["key"])
    account.finish(account.draw())
    shown = desk.owner.get(f"keys/{made['details']['id']}")
    assert (shown["budget"], shown["spent"], shown["left"]) == ("1.00", "0.10", "0.90")
    day, month = shown["periods"]["day"], shown["periods"]["month"]
    assert (day["budget"], day["used"], day["left"]) == ("0.15", "0.10", "0.05")
    assert (month["budget"], month["used"], month["left"]) == (None, "0.10", None)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert day["resets_at"] == f"{tomorrow}T00:00:00Z"
    assert_refused(account.imagine(), 402, "quota_not_enough", says="budget")
    desk.owner.patch(f"keys/{shown['id']}", day_budget=None)
    account.draw()


def test_what_was_used_in_a_period_that_is_over_is_not_shown(desk: Desk) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    keys = Token.objects.filter(pk=desk.account.token.pk)
    keys.update(day_began=yesterday, day_used=5, day_budget=7)
    day = desk.owner.get(f"keys/{desk.account.token.pk}")["periods"]["day"]
    assert (day["used"], day["left"]) == ("0.00", "0.000007")


@pytest.mark.parametrize(
    ("period", "day", "began", "ends"),
    [
        ("day", "2024-02-28", "2024-02-28", "2024-02-29"),
        ("week", "2026-11-22", "2026-11-16", "2026-11-23"),
        ("week", "2026-11-23", "2026-11-23", "2026-11-30"),
        ("month", "2024-02-29", "2024-02-01", "2024-03-01"),
        ("month", "2026-12-31", "2026-12-01", "2027-01-01"),
    ],
)
def test_when_a_period_began_and_ends(period: str, day: str, began: str, ends: str) -> None:
    parsed = datetime.fromisoformat(day).date()
    assert [str(bound) for bound in bounds(period, parsed)] == [began, ends]


SET: dict[str, Any] = {
    "name": "another name",
    "expires_at": "2099-01-01T00:00:00Z",
    "image_setting": "origin",
    "default_mode": "relax",
    "hook": "https://shop.example/hook",
    "actions": ["IMAGINE", "UPSCALE"],
    "modes": ["fast", "relax"],
    "addresses": ["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"],
    "rpm": 60,
    "concurrency": 3,
    "queue_seconds": 10,
    "budget": "25.00",
    "day_budget": "1.50",
    "week_budget": "5.00",
    "month_budget": "0.000001",
}


def test_every_field_of_a_key_is_set_and_shown(desk: Desk) -> None:
    path = f"keys/{desk.account.token.pk}"
    shown = desk.owner.patch(path, **SET)
    plain = {name: value for name, value in SET.items() if not name.startswith(Token.PERIODS)}
    assert {name: shown[name] for name in plain} == plain
    for period in Token.PERIODS:
        assert shown["periods"][period]["budget"] == SET[f"{period}_budget"]
    assert desk.owner.patch(path) == desk.owner.get(path)


def test_money_that_moves_meanwhile_is_not_overwritten_by_a_change(desk: Desk) -> None:
    path = f"keys/{desk.account.token.pk}"
    desk.account.draw("zzslow")
    assert desk.owner.patch(path, name="renamed")["held"] == "0.10"
    desk.owner.patch(path, budget="50.00")
    assert desk.owner.get(path)["held"] == "0.10"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "name:"),
        ("name", "a\x00b", "name:"),
        ("name", "x" * 101, "name:"),
        ("name", 7, "name:"),
        ("expires_at", "yesterday", "expires_at:"),
        ("actions", ["FLY"], "actions.0:"),
        ("actions", "IMAGINE", "actions:"),
        ("modes", ["FAST"], "modes.0:"),
        ("addresses", ["10.0.0.1/8"], "addresses.0:"),
        ("addresses", ["shop.example"], "addresses.0:"),
        ("addresses", ["1.2.3.4"] * 101, "addresses:"),
        ("hook", "ftp://shop.example", "hook:"),
        ("hook", "https://user@shop.example", "hook:"),
        ("rpm", -1, "rpm:"),
        ("rpm", 10**30, "rpm:"),
        ("rpm", True, "rpm:"),
        ("rpm", 1.5, "rpm:"),
        ("concurrency", "many", "concurrency:"),
        ("budget", 10, "budget:"),
        ("budget", "-1", "budget:"),
        ("budget", "0.0000001", "budget:"),
        ("budget", "99999999999", "budget:"),
        ("budget", "NaN", "budget:"),
        ("default_mode", "warp", "default_mode:"),
        ("image_setting", None, "image_setting:"),
        ("held", "0.00", "held: there is no such field"),
        ("spent", "0.00", "spent: there is no such field"),
        ("tenant", 1, "tenant: there is no such field"),
        ("digest", "x", "digest: there is no such field"),
        ("is_active", False, "is_active: there is no such field"),
        ("is_test", True, "is_test: there is no such field"),
    ],
)
def test_a_wrong_field_is_refused_by_name(
    shared_desk: Desk, field: str, value: Any, says: str
) -> None:
    path = f"keys/{shared_desk.account.token.pk}"
    answer = shared_desk.owner.ask("PATCH", path, json={field: value})
    assert_refused(answer, 400, "invalid_request", says=says)


def test_a_tenant_does_not_choose_whose_prices_it_pays(desk: Desk) -> None:
    path = f"keys/{desk.account.token.pk}"
    for body in ({"group": "default"}, {"group": None}):
        assert_refused(desk.owner.ask("PATCH", path, json=body), 403, "role_not_allowed")
    body = {"name": "mine", "group": "default"}
    assert_refused(desk.owner.ask("POST", "keys", json=body), 403, "role_not_allowed")
    group = desk.operator.post("groups", name=f"{desk.tenant.name}-vip")["name"]
    assert desk.operator.patch(desk.base + path, group=group)["group"] == group
    assert desk.operator.patch(desk.base + path, group=None)["group"] is None
    unknown = desk.operator.ask("PATCH", desk.base + path, json={"group": "nobody"})
    assert_refused(unknown, 400, "invalid_request", says="group: there is no such group")


def test_only_json_objects_are_bodies(shared_desk: Desk) -> None:
    for data in (b"[]", b"{", b"7", b'"x"', b"name=x"):
        answer: requests.Response = shared_desk.owner.ask("POST", "keys", data=data)
        assert_refused(answer, 400, "invalid_request", says="body")
