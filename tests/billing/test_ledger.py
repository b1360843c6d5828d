"""The ledger's six promises, and what the database itself refuses, whoever asks."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from billing import books, ledger, money
from billing.errors import QuotaNotEnough
from billing.models import Entry, GroupRatio, PriceRule, Token, Wallet
from tests.accounts import Account
from tests.faults.place import begin

HELD = ("hold", "0.00", "0.10")
PAID = ("capture", "-0.10", "-0.10")
GIVEN_BACK = ("release", "0.00", "-0.10")


def refused(statement: Callable[[], object], promise: str = "") -> None:
    """The database refuses it, naming the promise, and nothing of it stays."""
    with pytest.raises(IntegrityError, match=promise), transaction.atomic():
        statement()


def key_totals(account: Account) -> tuple[int, int]:
    token = Token.objects.get(pk=account.token.pk)
    return token.held, token.spent


def test_hold_and_capture(bystander: Account) -> None:
    reference = str(begin(bystander))
    assert bystander.funds == ("100.00", "0.10")
    assert key_totals(bystander) == (100_000, 0)
    ledger.capture(reference=reference, amount=100_000)
    assert bystander.entries(reference) == [HELD, PAID]
    assert bystander.funds == ("99.90", "0.00")
    assert key_totals(bystander) == (0, 100_000)


def test_hold_and_release(bystander: Account) -> None:
    reference = str(begin(bystander))
    ledger.release(reference=reference)
    assert bystander.entries(reference) == [HELD, GIVEN_BACK]
    assert bystander.funds == ("100.00", "0.00")
    assert key_totals(bystander) == (0, 0)


def test_a_capture_may_be_less_than_the_hold(bystander: Account) -> None:
    """The upstream drew in a cheaper mode."""
    reference = str(begin(bystander))
    ledger.capture(reference=reference, amount=40_000)
    assert bystander.entries(reference)[-1] == ("capture", "-0.04", "-0.10")
    assert bystander.funds == ("99.96", "0.00")
    assert key_totals(bystander) == (0, 40_000)


def test_a_capture_is_never_more_than_the_hold(bystander: Account) -> None:
    reference = str(begin(bystander))
    refused(lambda: ledger.capture(reference=reference, amount=100_001), "moves_money")
    refused(lambda: ledger.capture(reference=reference, amount=-1), "moves_money|spent")
    assert bystander.entries(reference) == [HELD]
    assert bystander.funds == ("100.00", "0.10")


@pytest.mark.parametrize("first", [ledger.release, lambda **kw: ledger.capture(amount=1, **kw)])
@pytest.mark.parametrize("second", [ledger.release, lambda **kw: ledger.capture(amount=1, **kw)])
def test_a_hold_ends_once(
    bystander: Account, first: Callable[..., None], second: Callable[..., None]
) -> None:
    reference = str(begin(bystander))
    # Held money of another task must not make a second end possible.
    begin(bystander)
    first(reference=reference)
    after = (bystander.entries(reference), bystander.funds, key_totals(bystander))
    refused(lambda: second(reference=reference), "hold_ends_once|entry_happens_once")
    assert (bystander.entries(reference), bystander.funds, key_totals(bystander)) == after


def test_what_was_never_held_cannot_end(bystander: Account) -> None:
    for end in (ledger.release, lambda **kw: ledger.capture(amount=1, **kw)):
        with pytest.raises(LookupError):
            end(reference="no such hold")
    assert bystander.entries() == [("topup", "100.00", "0.00")]


def test_no_money_no_hold(bystander: Account) -> None:
    Token.objects.filter(pk=bystander.token.pk).update(budget=99_999)
    with pytest.raises(QuotaNotEnough, match=r"quota_not_enough.*budget"):
        begin(bystander)
    Token.objects.filter(pk=bystander.token.pk).update(budget=None)
    Wallet.objects.filter(tenant=bystander.tenant, is_test=False).update(
        held=bystander.wallet.balance
    )
    with pytest.raises(QuotaNotEnough, match=r"quota_not_enough.*balance"):
        begin(bystander)
    assert bystander.written["tasks"] == 0


def test_a_topup_is_booked_once_per_reference(bystander: Account) -> None:
    book: dict[str, Any] = {
        "tenant_id": bystander.tenant.pk,
        "reference": "invoice 7",
        "actor": "test",
    }
    ledger.topup(amount=5_000_000, **book)
    refused(lambda: ledger.topup(amount=5_000_000, **book), "entry_happens_once")
    assert bystander.funds == ("105.00", "0.00")
    assert bystander.entries("invoice 7") == [("topup", "5.00", "0.00")]


@pytest.mark.parametrize("amount", [0, -1])
def test_a_topup_is_positive(bystander: Account, amount: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        ledger.topup(tenant_id=bystander.tenant.pk, amount=amount, reference="minus", actor="test")


def test_a_topup_needs_a_wallet(bystander: Account) -> None:
    with pytest.raises(Wallet.DoesNotExist):
        ledger.topup(tenant_id=2**40, amount=1, reference="nobody", actor="test")


# -- what the database refuses ---------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_entry SET memo = 'x'",
        "UPDATE billing_entry SET amount = 0 WHERE reference = 'no such reference'",
        "DELETE FROM billing_entry",
        "DELETE FROM billing_entry WHERE reference = 'no such reference'",
        "TRUNCATE billing_entry",
        "TRUNCATE billing_entry CASCADE",
        "TRUNCATE billing_wallet CASCADE",
    ],
)
@pytest.mark.usefixtures("unseen")
def test_the_ledger_is_append_only(statement: str) -> None:
    def rewrite() -> None:
        with connection.cursor() as cursor:
            # It may wait for a running stack, but not for long.
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            cursor.execute(statement)

    refused(rewrite, "append-only")


def test_the_orm_cannot_rewrite_the_ledger_either(bystander: Account) -> None:
    entry = Entry.objects.filter(wallet=bystander.wallet).get()
    refused(lambda: Entry.objects.filter(pk=entry.pk).update(memo="x"), "append-only")
    entry.memo = "x"
    refused(entry.save, "append-only")
    refused(entry.delete, "append-only")


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        ({"balance": -1}, "wallet_is_not_overdrawn"),
        ({"held": 100_000_001}, "wallet_is_not_overdrawn"),
        ({"held": -1}, "wallet_held_is_not_negative"),
        ({"credit_limit": -1}, "wallet_credit_limit_is_not_negative"),
    ],
)
def test_a_wallet_cannot_be_overdrawn(
    bystander: Account, change: dict[str, int], promise: str
) -> None:
    wallet = Wallet.objects.filter(tenant=bystander.tenant, is_test=False)
    refused(lambda: wallet.update(**change), promise)


def test_a_wallet_can_be_overdrawn_to_its_credit_limit(bystander: Account) -> None:
    wallet = Wallet.objects.filter(tenant=bystander.tenant, is_test=False)
    wallet.update(credit_limit=5, balance=-5)
    refused(lambda: wallet.update(balance=-6), "wallet_is_not_overdrawn")


@pytest.mark.parametrize("field", ["held", "spent"])
def test_the_totals_of_a_key_are_not_negative(bystander: Account, field: str) -> None:
    token = Token.objects.filter(pk=bystander.token.pk)
    refused(lambda: token.update(**{field: -1}), f"token_{field}_is_not_negative")


@pytest.mark.parametrize(
    ("kind", "amount", "held"),
    [
        ("hold", 1, 1),
        ("hold", 0, -1),
        ("capture", 1, -1),
        ("capture", -2, -1),
        ("release", -1, -1),
        ("release", 0, 1),
        ("topup", 0, 0),
        ("topup", -1, 0),
        ("topup", 1, 1),
        ("refund", -1, 0),
        ("refund", 1, 1),
        ("adjust", 1, 1),
        ("gift", 1, 0),
    ],
)
def test_an_entry_moves_money_as_its_kind_says(
    bystander: Account, kind: str, amount: int, held: int
) -> None:
    refused(
        lambda: Entry.objects.create(
            wallet=bystander.wallet,
            kind=kind,
            reference="made up",
            drawing=0,
            amount=amount,
            held=held,
            balance_after=0,
            held_after=0,
        ),
        "entry_moves_money_as_its_kind_says",
    )


def test_a_price_is_not_negative(bystander: Account) -> None:
    book, group = books.draft(origin=None, actor="test"), bystander.tenant.group
    refused(
        lambda: PriceRule.objects.create(book=book, name="mj_imagine", amount=-1),
        "price_is_not_negative",
    )
    refused(
        lambda: GroupRatio.objects.create(book=book, group=group, ratio=-1),
        "group_ratio_is_not_negative",
    )


def test_who_has_money_cannot_be_deleted(bystander: Account) -> None:
    begin(bystander)
    for row in (bystander.tenant, bystander.token, bystander.channel, bystander.wallet):
        with pytest.raises(ProtectedError), transaction.atomic():
            row.delete()


def test_more_money_than_there_are_numbers_is_refused(bystander: Account) -> None:
    """The largest amount that can be typed in, often enough, breaks nothing."""

    def flood() -> None:
        for number in range(2000):
            ledger.topup(
                tenant_id=bystander.tenant.pk,
                amount=money.LARGEST,
                reference=f"flood {number}",
                actor="test",
            )

    with pytest.raises(DataError), transaction.atomic():
        flood()
    assert bystander.funds == ("100.00", "0.00")
