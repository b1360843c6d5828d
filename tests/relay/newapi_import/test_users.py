"""Balances to the last millionth, names that are taken, and passwords that go on."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import bcrypt
import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError
from django.test import Client

from billing import tenants
from billing.models import Entry, Member, Tenant, Wallet
from relay.newapi_import.tally import to_micro
from tests.relay.newapi_import.conftest import run
from tests.relay.newapi_import.old_sites import PASSWORD, SqliteSite

AMOUNTS = [
    (0, "500000", 0),
    (1, "500000", 2),
    (-1, "500000", -2),
    (123, "1000000", 123),
    (1, "300000", 3),  # 3.33
    (1, "400000", 3),  # 2.5: half up
    (-1, "400000", -3),
    (1, "2000001", 0),  # 0.49...
    (10**15, "500000", 2 * 10**15),
    (7, "0.5", 14_000_000),
]
SKIPPED: list[tuple[dict[str, Any], str]] = [
    ({"quota": 2**62}, "the balance is absurdly large"),
    ({"quota": "plenty"}, "quota is not a whole number"),
    ({"quota": b"\x00\xff"}, "quota is not a whole number"),
    ({"quota": 1.5}, "quota is not a whole number"),
    ({"quota": float("inf")}, "quota is not a whole number"),
    ({"group": "g" * 65}, "the name of the group is too long"),
    ({"status": "on"}, "status is not a whole number"),
    ({"id": -4}, "the number is not a whole one above zero"),
]


@pytest.mark.parametrize(("quota", "per_unit", "micro"), AMOUNTS)
def test_quota_becomes_micro_units_half_up(quota: int, per_unit: str, micro: int) -> None:
    assert to_micro(quota, Decimal(per_unit)) == micro


def test_the_sites_own_quota_per_unit_counts_and_rounding_is_told(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.option("QuotaPerUnit", "300000")
    site.user(1, "old-alice", quota=1)
    site.user(2, "old-bob", quota=1)
    report = imported(site)
    assert Wallet.objects.get(tenant__name="old-alice").balance == 3
    assert "rounding: -0.667 millionths" in report
    assert ["imported", "2", "0.000007"] in [line.split() for line in report.splitlines()]
    assert ["wallets", "0.000006"] in [line.split() for line in report.splitlines()]


@pytest.mark.parametrize("said", ["0", "-1", "NaN", "1e-9", "five"])
def test_a_quota_per_unit_that_is_none_is_refused(
    unseen: None, site: SqliteSite, said: str
) -> None:
    site.option("QuotaPerUnit", said)
    site.user(1, "old-alice", quota=1)
    with pytest.raises(CommandError, match=r"QuotaPerUnit is not a number.*Nothing was imported"):
        run(site, "--write")


@pytest.mark.parametrize(("row", "why"), SKIPPED)
def test_a_user_that_cannot_be_kept_is_skipped_with_its_keys(
    imported: Callable[..., str], site: SqliteSite, row: dict[str, Any], why: str
) -> None:
    broken = {"id": 1, "username": "old-broken"} | row
    site.user(**broken)
    site.user(2, "old-alice", quota=500_000)
    site.token(1, broken["id"], "Kk1" * 16)
    site.token(2, 2, "Kk2" * 16)
    report = imported(site)
    assert f"1  users skipped: {why}\n" in report
    assert "1  keys skipped: the user is deleted or not imported\n          key 1\n" in report
    assert list(Tenant.objects.filter(name__startswith="old-").values_list("name", flat=True)) == [
        "old-alice"
    ]


def test_money_that_is_skipped_is_in_the_sums(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.user(1, "old-alice", quota=500_000, group="g" * 65)
    site.user(2, "old-bob", quota=250_000)
    figures = [line.split() for line in imported(site).splitlines()]
    assert ["all", "users", "750,000", "1.50"] in figures
    assert ["skipped", "500,000", "1.00"] in figures
    assert ["imported", "250,000", "0.50"] in figures


def test_a_name_that_is_taken_here_gets_another_one(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    mine = tenants.create(name="old-taken")
    get_user_model().objects.create(username="old-person")
    site.user(1, "old-taken", quota=500_000)
    site.user(2, "old-person")
    report = imported(site)
    assert Wallet.objects.live(mine.pk).balance == 0
    assert Wallet.objects.get(tenant__name="old-taken-newapi-1").balance == 1_000_000
    assert Member.objects.get(tenant__name="old-person").user.username == "old-person-newapi-2"
    assert "user 1 (old-taken)" in report
    assert "user 2 (old-person-newapi-2)" in report


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("", "newapi-1"),
        (None, "newapi-1"),
        ("old\x00\u202ealice\n", "oldalice"),
        ("n" * 150, "n" * 100),
        ("张三", "张三"),
        ("old%alice_' OR 1=1", "old%alice_' OR 1=1"),
        (b"old-\xff", "old-\ufffd"),
    ],
)
def test_any_name_is_made_one_that_can_be_kept(
    imported: Callable[..., str], site: SqliteSite, said: Any, name: str
) -> None:
    site.user(1, said)
    imported(site)
    assert Entry.objects.get(reference="newapi-user-1").wallet.tenant.name == name


def test_users_are_told_apart_whatever_they_are_called(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    """One name there may be several here: the old index did not see what we leave out."""
    for id, name in enumerate(["old-a", "old-a\x00", "old-a ", "ｏｌｄ-a"], start=1):
        site.user(id, name, quota=id)
    imported(site)
    entries = Entry.objects.filter(reference__startswith="newapi-user-").order_by("id")
    assert [entry.amount for entry in entries] == [2, 4, 6, 8]
    people = Member.objects.filter(tenant__in=entries.values("wallet__tenant"))
    assert len({member.user.username for member in people}) == 4


def test_people_sign_in_with_the_password_they_know(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.user(1, "old-alice", email="alice@example.com")
    site.user(2, "old-bob", status=2)
    imported(site)
    alice = get_user_model().objects.get(username="old-alice")
    assert alice.email == "alice@example.com"
    assert alice.password.startswith("bcrypt$$2a$")
    browser = Client()
    answer = browser.post("/console/account/login/", {"login": "old-alice", "password": PASSWORD})
    assert answer.status_code == 302
    # The first sign-in has replaced the hash by one of our own.
    alice.refresh_from_db()
    assert alice.password.startswith("pbkdf2_sha256$")
    assert authenticate(username="old-alice", password=PASSWORD) == alice
    assert authenticate(username="old-bob", password=PASSWORD) is None


@pytest.mark.parametrize("password", ["wrong", "", "x" * 100, "nul\x00", "ü" * 40])
def test_a_wrong_password_is_wrong_and_crashes_nothing(
    imported: Callable[..., str], site: SqliteSite, password: str
) -> None:
    site.user(1, "old-alice")
    imported(site)
    assert authenticate(username="old-alice", password=password) is None


@pytest.mark.parametrize(
    "stored",
    [
        "",
        PASSWORD,
        "$2a$10$short",
        "$2a$31$" + "a" * 53,  # would take hours to check
        "$2a$04$" + "!" * 53,
        "bcrypt$$2a$04$" + "a" * 53,
        "md5$a$b",
        b"\x00\x01",
    ],
)
def test_a_password_in_any_other_form_lets_nobody_in(
    imported: Callable[..., str], site: SqliteSite, stored: Any
) -> None:
    site.user(1, "old-alice", password=stored)
    report = imported(site)
    assert "1  users without a password that can be carried over\n          user 1\n" in report
    assert not get_user_model().objects.get(username="old-alice").has_usable_password()


def test_a_hash_that_only_looks_right_lets_nobody_in_and_crashes_nothing(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    site.user(1, "old-alice", password="$2a$04$" + "z" * 53)
    imported(site)
    assert authenticate(username="old-alice", password=PASSWORD) is None


def test_all_writings_of_bcrypt_are_known(imported: Callable[..., str], site: SqliteSite) -> None:
    secret = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, prefix=b"2b")).decode()
    site.user(1, "old-b", password=secret)
    site.user(2, "old-y", password=secret.replace("$2b$", "$2y$", 1))
    imported(site)
    for name in ("old-b", "old-y"):
        assert authenticate(username=name, password=PASSWORD) is not None, name
