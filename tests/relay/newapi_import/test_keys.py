"""What becomes of a key, row by row; nothing may be allowed here that was refused there."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from billing import tokens
from billing.models import Tenant, Token
from tests.relay.newapi_import.old_sites import SqliteSite

KEY = "Kk7" * 16
PAST, FUTURE = 1_700_000_000, 4_000_000_000
OFF = "keys switched off: "
LIMITED = {"model_limits_enabled": True}
# The row there, what the key has here, and a finding in the report.
ROWS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"is_active": True, "budget": None, "expires_at": None, "actions": []}, ""),
    ({"status": 2}, {"is_active": False}, OFF + "they were disabled"),
    ({"status": 9}, {"is_active": False}, OFF + "their status is not known"),
    ({"status": 3, "expired_time": PAST}, {"is_active": True}, ""),
    ({"status": 3}, {"is_active": False}, OFF + "marked as expired"),
    ({"status": 4, "unlimited_quota": False}, {"is_active": True, "budget": 0}, ""),
    ({"status": 4}, {"is_active": False}, OFF + "marked as used up"),
    (
        {"unlimited_quota": False, "remain_quota": 500_001, "used_quota": 99},
        {"budget": 1_000_002, "spent": 0},
        "",
    ),
    ({"unlimited_quota": False, "remain_quota": -5}, {"budget": 0}, ""),
    ({"unlimited_quota": False, "remain_quota": 2**62}, {"budget": 2**53}, "absurdly large budget"),
    ({"expired_time": PAST}, {"expires_at": datetime.fromtimestamp(PAST, UTC)}, ""),
    ({"expired_time": FUTURE}, {"expires_at": datetime.fromtimestamp(FUTURE, UTC)}, ""),
    ({"expired_time": 0}, {"expires_at": datetime(1970, 1, 1, tzinfo=UTC)}, ""),
    ({"expired_time": 2**62}, {"expires_at": None}, ""),
    ({"model_limits": "mj_imagine"}, {"actions": []}, ""),
    (LIMITED | {"model_limits": "gpt-4o,mj_imagine"}, {"actions": ["IMAGINE"]}, ""),
    (
        LIMITED | {"model_limits": "mj_modal,mj_inpaint,mj_custom_zoom"},
        {"actions": ["CUSTOM_ZOOM", "INPAINT"]},
        "",
    ),
    (LIMITED | {"model_limits": "mj_modal"}, {"is_active": False}, "models that draw nothing here"),
    (LIMITED | {"model_limits": "gpt-4o"}, {"is_active": False}, "models that draw nothing here"),
    (LIMITED, {"is_active": False}, "models that draw nothing here"),
    (
        {"allow_ips": "192.0.2.7\n 10.1.2.3/8 \r\n2001:db8::/32\n\n192.0.2.7"},
        {"addresses": ["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"], "is_active": True},
        "",
    ),
    (
        {"allow_ips": "192.0.2.7\nlocalhost"},
        {"addresses": ["192.0.2.7"], "is_active": False},
        "something that is no address",
    ),
    ({"allow_ips": "*"}, {"addresses": [], "is_active": False}, "something that is no address"),
    ({"group": "auto"}, {"group": None, "is_active": True}, "keys of the group auto"),
    ({"group": "vip"}, {"group": "vip", "is_active": True}, ""),
    ({"group": "old-home"}, {"group": "old-home", "is_active": True}, ""),
    ({"group": "staff"}, {"group": "staff", "is_active": False}, "may not be used by their user"),
    ({"name": "a\x00b\n" + "c" * 200}, {"name": "ab" + "c" * 98}, ""),
    ({"name": None}, {"name": "key 1"}, ""),
]
SKIPPED: list[tuple[Any, dict[str, Any], str]] = [
    ("", {}, "there is no key"),
    (None, {}, "there is no key"),
    ("with blank", {}, "the key has signs in it that nobody can send"),
    ("schlüssel", {}, "the key has signs in it that nobody can send"),
    ("nul\x00nul", {}, "the key has signs in it that nobody can send"),
    (b"\xff\xfe\x00", {}, "the key has signs in it that nobody can send"),
    (KEY, {"user_id": 77}, "the user is deleted or not imported"),
    (KEY, {"expired_time": "soon"}, "expired_time is not a whole number"),
    (KEY, {"unlimited_quota": "perhaps"}, "unlimited_quota is neither true nor false"),
    (KEY, {"remain_quota": 1e300, "unlimited_quota": False}, "remain_quota is absurdly large"),
    (KEY, {"remain_quota": 0.5, "unlimited_quota": False}, "remain_quota is not a whole number"),
    (KEY, {"group": "g" * 65}, "the name of the group is too long"),
]


@pytest.mark.parametrize(("row", "expected", "finding"), ROWS)
def test_a_key_comes_over_with_all_its_restrictions(
    imported: Callable[..., str],
    site: SqliteSite,
    row: dict[str, Any],
    expected: dict[str, Any],
    finding: str,
) -> None:
    site.user(1, "old-alice", group="old-home")
    site.token(1, 1, KEY, **row)
    report = imported(site, "--skip-prices")
    key = Token.objects.select_related("group").get(digest=tokens.digest(KEY))
    found = {name: getattr(key, name) for name in expected}
    if "group" in found:
        found["group"] = key.group.name if key.group else None
    assert found == expected
    if finding:
        assert finding in report
    else:
        assert "findings" not in report


@pytest.mark.parametrize(("key", "fields", "why"), SKIPPED)
def test_a_key_that_cannot_work_is_skipped_and_the_next_one_is_not(
    imported: Callable[..., str], site: SqliteSite, key: Any, fields: dict[str, Any], why: str
) -> None:
    site.user(1, "old-alice")
    site.token(**({"id": 1, "user_id": 1, "key": key} | fields))
    site.token(2, 1, "Kk8" * 16)
    report = imported(site, "--skip-prices")
    assert f"1  keys skipped: {why}\n          key 1\n" in report
    assert [token.name for token in Token.objects.filter(tenant__name="old-alice")] == ["key 2"]


def test_a_key_works_as_it_was_typed_whatever_its_form(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.user(1, "old-alice")
    forms = {1: "Aa1" * 16, 2: "b" * 32, 3: "sk-" + "Cc3" * 16, 4: "test-dddd-eeee", 5: "x"}
    for id, key in forms.items():
        site.token(id, 1, key)
    imported(site)
    for id, key in forms.items():
        typed = key if key.startswith("sk-") else f"sk-{key}"
        assert tokens.authenticate(typed).token_name == f"key {id}"
    assert tokens.authenticate("b" * 32).token_name == "key 2"
    shown = dict(Token.objects.filter(tenant__name="old-alice").values_list("name", "prefix"))
    assert shown["key 1"] == "sk-Aa1Aa1Aa"
    assert shown["key 5"] == "sk-"


def test_the_same_key_twice_counts_once(imported: Callable[..., str], site: SqliteSite) -> None:
    site.user(1, "old-alice")
    site.token(1, 1, KEY)
    site.token(2, 1, f"sk-{KEY}")
    assert "1  keys skipped: the same key is there twice\n          key 2\n" in imported(site)


def test_a_key_of_another_tenant_here_is_not_touched(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.user(1, "old-alice")
    site.token(1, 1, KEY)
    imported(site)
    report = imported(site, "--label", "second")
    assert "1  keys skipped: another tenant has the same key\n          key 1\n" in report
    assert tokens.authenticate(KEY).tenant_id == Tenant.objects.get(name="old-alice").pk


def test_which_groups_a_key_may_name_is_what_the_sites_settings_say(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.option("UserUsableGroups", '{"default": "", "vip": "", "slow": ""}')
    site.option(
        "group_ratio_setting.group_special_usable_group",
        '{"old-home": {"-:vip": "", "+:staff": "", "lab": ""}}',
    )
    site.user(1, "old-alice", group="old-home")
    groups = ["default", "slow", "vip", "staff", "lab", "old-home", "other"]
    for id, group in enumerate(groups, start=1):
        site.token(id, 1, f"{id}" * 48, group=group)
    imported(site)
    keys = Token.objects.filter(tenant__name="old-alice").select_related("group")
    shut = {key.group.name for key in keys if key.group and not key.is_active}
    assert shut == {"vip", "other"}
