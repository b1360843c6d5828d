"""What becomes of a channel, row by row."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError

from billing.models import PriceBook, PriceRule
from channels.models import Channel
from tests.relay.newapi_import.conftest import run
from tests.relay.newapi_import.old_sites import ONE_API, SqliteSite

ROWS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"kind": "midjourney_proxy", "state": "enabled", "actions": ["IMAGINE"]}, ""),
    ({"type": 5}, {"kind": "trueai"}, ""),
    ({"status": 2}, {"state": "disabled"}, ""),
    ({"status": 3}, {"state": "disabled"}, ""),
    ({"weight": 0}, {"weight": 1}, ""),
    ({"weight": 2**40, "priority": -(2**40)}, {"weight": 2**31 - 1, "priority": -(2**31)}, ""),
    ({"weight": None, "priority": None}, {"weight": 1, "priority": 0}, ""),
    ({"group": " a, b ,a,"}, {"groups": ["a", "b"]}, ""),
    ({"group": ""}, {"groups": [], "state": "disabled"}, "they have no group"),
    ({"group": None}, {"groups": ["default"]}, ""),
    ({"base_url": "http://up.example:8080/sub/"}, {"base_url": "http://up.example:8080/sub"}, ""),
]
SKIPPED: list[tuple[dict[str, Any], str]] = [
    ({"base_url": ""}, "they have no address of their own"),
    ({"base_url": None}, "they have no address of their own"),
    ({"base_url": "ftp://up.example"}, "the address is not one of the web"),
    ({"base_url": "https://up.example/\x00"}, "the address is not one of the web"),
    ({"base_url": "https://" + "u" * 500}, "the address is not one of the web"),
    ({"type": 1, "models": "gpt-4o"}, "they do not list a model that draws"),
    ({"models": None}, "they do not list a model that draws"),
    ({"type": 1}, "they draw, but are of no Midjourney type"),
    ({"type": "two"}, "type is not a whole number"),
    ({"group": "g" * 65}, "the name of a group is too long"),
    ({"key": "a\x00b"}, "the key has signs in it that nobody can send"),
    ({"key": "good\nschlüssel"}, "the key has signs in it that nobody can send"),
]


@pytest.mark.parametrize(("row", "expected", "finding"), ROWS)
def test_a_midjourney_channel_comes_over(
    imported: Callable[..., str],
    site: SqliteSite,
    row: dict[str, Any],
    expected: dict[str, Any],
    finding: str,
) -> None:
    site.channel(1, "old-mj", **row)
    report = imported(site)
    channel = Channel.objects.get(name="old-mj")
    assert {name: getattr(channel, name) for name in expected} == expected
    assert finding in report
    assert ("findings" in report) == bool(finding)


@pytest.mark.parametrize(
    ("key", "credentials"),
    [
        ("one\ntwo\n\n one\nthree", {"main": "one", "key 2": "two", "key 3": "three"}),
        ("", {}),
    ],
)
def test_each_key_of_a_channel_becomes_a_credential(
    imported: Callable[..., str], site: SqliteSite, key: str, credentials: dict[str, str]
) -> None:
    site.channel(1, "old-mj", key=key)
    assert "findings" not in imported(site)
    found = Channel.objects.get(name="old-mj").credentials.all()
    assert {one.name: one.secret for one in found} == credentials


@pytest.mark.parametrize(("row", "why"), SKIPPED)
def test_any_other_channel_is_skipped_and_said(
    imported: Callable[..., str], site: SqliteSite, row: dict[str, Any], why: str
) -> None:
    site.channel(1, "old-mj", **row)
    report = imported(site)
    assert f"1  channels skipped: {why}" in report
    assert not Channel.objects.filter(name="old-mj").exists()


def test_the_operator_may_say_what_kind_they_are(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.channel(1, "old-mj")
    site.channel(2, "old-plus", type=5)
    imported(site, "--kind", "newapi")
    kinds = Channel.objects.filter(name__startswith="old-").values_list("kind", flat=True)
    assert set(kinds) == {"newapi"}


def test_channels_of_one_name_are_told_apart_in_every_run(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    for id in (1, 2, 3):
        site.channel(id, "old-mj", base_url=f"https://up{id // 2}.example", key=f"secret {id}")
    site.channel(4, "")
    imported(site)
    names = ["newapi-4", "old-mj", "old-mj-newapi-2", "old-mj-newapi-3"]
    found = Channel.objects.filter(name__in=names).order_by("name")
    assert [channel.name for channel in found] == names
    secrets = [list(channel.credentials.all()) for channel in found]
    assert [[one.secret for one in own] for own in secrets][1:] == [
        ["secret 1"], ["secret 2"], ["secret 3"]
    ]  # fmt: skip
    figures = [line.split() for line in imported(site).splitlines()]
    assert ["channels", "4", "0", "4", "0", "0"] in figures


def test_a_channel_whose_name_is_taken_here_comes_switched_off(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    Channel.objects.create(name="old-mj", kind="trueai", base_url="https://mine.example")
    site.channel(1, "old-mj")
    assert "another one has their name here" in imported(site)
    assert Channel.objects.get(name="old-mj-newapi-1").state == "disabled"
    assert Channel.objects.get(name="old-mj").base_url == "https://mine.example"
    assert ["channels", "1", "0", "1", "0", "0"] in [
        line.split() for line in imported(site).splitlines()
    ]


BROKEN_OPTIONS = [
    ("ModelPrice", '{"mj_imagine": 0.1,\n "mj_blend": }', "line 2, column 14"),
    ("ModelPrice", '{"mj_imagine": "free"}', "line 1, column 16: the price of mj_imagine"),
    ("ModelPrice", '{"mj_imagine": -1}', "line 1, column 16: the price of mj_imagine is negative"),
    ("ModelPrice", "[" * 5000, "line 1, column"),
    ("ModelPrice", '{"mj_imagine": 1e999999999}', "line 1, column 16"),
    ("GroupRatio", '{"default": 1', "line 1, column 14"),
    ("GroupRatio", '{"default": NaN}', "line 1, column 13"),
    ("GroupGroupRatio", '{"vip": 1}', "line 1, column 9"),
    ("UserUsableGroups", "nonsense", "line 1, column 1"),
    ("group_ratio_setting.group_special_usable_group", '{"vip": []}', "line 1, column 9"),
]


@pytest.mark.parametrize(("option", "text", "where"), BROKEN_OPTIONS)
def test_settings_that_cannot_be_read_are_said_and_nothing_changes(
    unseen: None, site: SqliteSite, option: str, text: str, where: str
) -> None:
    site.channel(1, "old-mj")
    site.option(option, text)
    with pytest.raises(CommandError) as refused:
        run(site, "--write")
    assert f"option {option}: {where}" in str(refused.value)
    assert not Channel.objects.filter(name="old-mj").exists()


def test_settings_that_are_not_needed_do_not_hinder(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.option("ModelPrice", "nonsense")
    site.option("Notice", b"\xff\x00")
    site.option("Footer", None)
    site.channel(1, "old-mj")
    imported(site, "--skip-prices")
    assert Channel.objects.filter(name="old-mj").exists()


def test_one_apis_ratios_come_without_prices_it_does_not_know(
    imported: Callable[..., str], site: SqliteSite, tmp_path: Any
) -> None:
    site = SqliteSite(tmp_path / "really-one-api.db", ONE_API)
    site.option("GroupRatio", '{"default": 1, "old-vip": 0.5}')
    before = PriceBook.objects.in_force()
    assert before is not None
    imported(site)
    draft = PriceBook.objects.latest("id")
    assert draft.ratios.filter(group__name="old-vip").exists()
    # The prices are those that are in force here.
    lines = [
        set(PriceRule.objects.filter(book=book).values_list("name", "amount"))
        for book in (before, draft)
    ]
    assert lines[0] == lines[1]
