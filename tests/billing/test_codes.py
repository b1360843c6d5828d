"""Redemption codes: shown once, good once, and silent about what is not the asker's."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.utils import timezone

from billing import codes, money, tokens
from billing.errors import CodeRefused
from billing.models import CodeBatch, Entry, RedemptionCode, Tenant, Wallet
from tests.accounts import open_tenant

pytestmark = pytest.mark.usefixtures("unseen")


@pytest.fixture
def tenant(unseen: None) -> Tenant:
    return open_tenant(funds="0")[0]


def make(count: int = 1, **fields: Any) -> tuple[CodeBatch, list[str]]:
    usual = {"name": "spring", "amount": 5_000_000, "expires_at": None, "actor": "bob"}
    return codes.make(count=count, **usual | fields)


def redeem(code: str, tenant: Tenant) -> int:
    return codes.redeem(code, tenant=tenant, actor="alice")


def refused(code: str, tenant: Tenant) -> str:
    before = balance(tenant)
    with pytest.raises(CodeRefused) as error:
        redeem(code, tenant)
    assert balance(tenant) == before
    return str(error.value)


def balance(tenant: Tenant) -> str:
    return money.text(Wallet.objects.live(tenant.pk).balance)


def test_a_code_tops_a_balance_up(tenant: Tenant) -> None:
    batch, (code,) = make()
    assert redeem(code, tenant) == 5_000_000
    row = RedemptionCode.objects.get(batch=batch)
    entry = Entry.objects.get(wallet__tenant=tenant)
    assert (entry.kind, entry.reference, entry.actor) == ("topup", f"code-{row.pk}", "alice")
    assert (row.redeemed_by_id, balance(tenant)) == (tenant.pk, "5.00")


def test_a_code_is_easy_to_read_and_hard_to_guess() -> None:
    _, made = make(200)
    assert len(set(made)) == 200
    for code in made:
        assert re.fullmatch(r"([2-9A-HJKMNP-Z]{4}-){7}[2-9A-HJKMNP-Z]{4}", code)
    # What is left when the group that is shown is known: more than 128 bits.
    assert len(codes.ALPHABET) ** (32 - codes.SHOWN_CHARS) > 2**128


def test_only_a_hash_of_a_code_is_kept() -> None:
    batch, (code,) = make()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row::text FROM billing_redemptioncode row WHERE batch_id = %s", [
            batch.pk
        ])  # fmt: skip
        (kept,) = cursor.fetchone()
    assert code[:4] in kept
    for group in code.split("-")[1:]:
        assert group not in kept
    row = RedemptionCode.objects.get(batch=batch)
    assert bytes(row.digest) != tokens.digest(code)
    assert bytes(row.digest) != tokens.digest(codes.tidy(code))


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: f"  {code.replace('-', ' ')}\r\n",
        lambda code: code.replace("-", " – "),
        lambda code: code.replace("-", "\u2011"),
        lambda code: "".join(chr(ord(char) + 0xFEE0) for char in code),
        lambda code: f"\ufeff{code}\u200b",
    ],
)
def test_a_code_may_be_typed_in_any_way(tenant: Tenant, typed: Callable[[str], str]) -> None:
    _, (code,) = make()
    assert redeem(typed(code), tenant) == 5_000_000


@pytest.mark.parametrize(
    "code",
    ["", "x", "\x00", "\ud800", "ß" * 32, "0" * 32, "A" * 31, "A" * 33, "A" * 10**6, "%", "A" * 32],
)
def test_what_is_no_code_is_refused(tenant: Tenant, code: str) -> None:
    assert refused(code, tenant) == "this code is not valid"


def test_who_redeems_twice_is_told_when_he_did(tenant: Tenant) -> None:
    batch, (code,) = make()
    redeem(code, tenant)
    moment = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    RedemptionCode.objects.filter(batch=batch).update(redeemed_at=moment)
    said = "you have redeemed this code already, at 2026-03-04 05:06 UTC"
    assert refused(code, tenant) == said
    codes.disable_batch(batch)
    assert refused(code, tenant) == said


def test_a_code_that_somebody_else_has_redeemed_tells_nothing(tenant: Tenant) -> None:
    batch, (code,) = make(expires_at=timezone.now() + timedelta(days=1))
    redeem(code, open_tenant(funds="0")[0])
    assert refused(code, tenant) == "this code is not valid"
    CodeBatch.objects.filter(pk=batch.pk).update(expires_at=timezone.now() - timedelta(days=1))
    assert refused(code, tenant) == "this code is not valid"


def test_an_expired_code(tenant: Tenant) -> None:
    batch, (code,) = make(expires_at=timezone.now() + timedelta(days=1))
    past = CodeBatch.objects.filter(pk=batch.pk)
    past.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused(code, tenant) == "this code has expired"
    past.update(is_active=False)
    assert refused(code, tenant) == "this code is not valid"


def test_a_disabled_batch(tenant: Tenant) -> None:
    batch, made = make(3)
    redeem(made[0], tenant)
    assert codes.disable_batch(batch) == 2
    assert refused(made[1], tenant) == "this code is not valid"


def test_a_disabled_code(tenant: Tenant) -> None:
    batch, (used, stopped, good) = make(3)
    redeem(used, tenant)
    by_prefix = {row.prefix: row for row in RedemptionCode.objects.filter(batch=batch)}
    assert not codes.disable(by_prefix[used[:4]])
    assert codes.disable(by_prefix[stopped[:4]])
    assert refused(stopped, tenant) == "this code is not valid"
    assert redeem(good, tenant) == 5_000_000


def test_a_refusal_is_logged_without_the_code(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    code = "ABCD" + "-EFGH" * 7
    refused(code, tenant)
    refused("\n2026 forged line", tenant)
    assert f"tenant {tenant.pk} (alice) could not redeem ABCD…" in caplog.text
    assert "EFGH" not in caplog.text
    assert "forged" not in caplog.text


def test_money_that_cannot_be_booked_leaves_the_code_good(tenant: Tenant) -> None:
    batch, (code,) = make()
    Wallet.objects.filter(tenant=tenant).update(is_test=True)
    with pytest.raises(Wallet.DoesNotExist), transaction.atomic():
        redeem(code, tenant)
    assert RedemptionCode.objects.get(batch=batch).redeemed_at is None
    Wallet.objects.filter(tenant=tenant).update(is_test=False)
    assert redeem(code, tenant) == 5_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": -1},
        {"count": 10_001},
        {"amount": 0},
        {"amount": -5},
        {"amount": 2**60},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "x\x00"},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_a_batch_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    before = CodeBatch.objects.count()
    with pytest.raises(ValueError, match=r"batch|amount|expired"):
        make(**{"count": 1} | wrong)
    assert CodeBatch.objects.count() == before


def test_the_command_prints_the_codes_once_as_csv(
    tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("make_codes", "fair, hall 3", "3", "2.5", expires="2099-12-31", actor="bob")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["amount"] for row in rows] == ["2.50"] * 3
    assert {row["expires"] for row in rows} == {"2099-12-31T00:00:00+00:00"}
    assert redeem(rows[2]["code"], tenant) == 2_500_000
    batch = CodeBatch.objects.get(name="fair, hall 3")
    assert (batch.created_by, batch.codes.count()) == ("bob", 3)


@pytest.mark.parametrize(
    ("count", "amount", "expires"),
    [
        ("0", "1", None),
        ("1", "NaN", None),
        ("1", "-1", None),
        ("1", "1", "soon"),
        ("1", "1", "2020-01-01"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(
    count: str, amount: str, expires: str | None
) -> None:
    with pytest.raises(CommandError):
        call_command("make_codes", "x", count, amount, expires=expires)
