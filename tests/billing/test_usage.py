"""The daily roll-up: always what the entries up to the mark come to, and what shows that."""

import random
from collections.abc import Callable
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection
from django.db.models import F

from billing import tenants, usage
from billing.models import Entry, UsageDay, UsageMark
from billing.proofs import PROOFS
from common.proofs import look
from tests.accounts import Account
from tests.ledger import hold
from tests.stack import wait_until
from tests.traffic import CHANNELS, spread, top_up, wild

FIRST, LAST = date(2026, 2, 27), date(2026, 3, 2)
_FROM_THE_ENTRIES = """
SELECT date(timezone('UTC', created_at)), kind, token_id, price_name, mode, channel,
       count(*), sum(amount)::bigint, sum(held)::bigint, coalesce(sum(cost), 0)::bigint,
       count(*) FILTER (WHERE kind = 'capture' AND cost IS NULL)
FROM billing_entry WHERE wallet_id = %s AND id <= %s GROUP BY 1, 2, 3, 4, 5, 6
"""


def rolled(account: Account) -> list[tuple[Any, ...]]:
    days = UsageDay.objects.filter(wallet=account.wallet)
    return list(
        days.values_list(
            "day", "kind", "token", "price_name", "mode", "channel",
            "number", "amount", "held", "cost", "cost_unknown",
        )
    )  # fmt: skip


def expected(account: Account, *, up_to: int = 2**62) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_FROM_THE_ENTRIES, [account.wallet.pk, up_to])
        return cursor.fetchall()


def assert_rolled(account: Account) -> None:
    assert sorted(map(str, rolled(account))) == sorted(map(str, expected(account)))


def findings(account: Account) -> list[str]:
    """What the doctor says about this tenant's days."""
    promise = "the daily roll-up is the sum of the entries"
    verdicts = [verdict for proof in PROOFS for verdict in look(proof, limit=10_000)]
    (told,) = [verdict.findings for verdict in verdicts if verdict.promise == promise]
    return [finding for finding in told if f"wallet {account.wallet.pk}, " in finding]


@pytest.fixture
def busy(bystander: Account) -> Account:
    """A tenant with two keys and some days of every kind of entry."""
    wild([bystander, bystander.new_key()], steps=80, dice=random.Random(4))
    spread(bystander.wallet, first=FIRST, last=LAST)
    return bystander


def test_the_days_are_the_entries_added_up(busy: Account) -> None:
    assert usage.roll_up() >= Entry.objects.filter(wallet=busy.wallet).count()
    assert_rolled(busy)
    days = UsageDay.objects.filter(wallet=busy.wallet)
    assert set(days.values_list("day", flat=True)) == {
        FIRST, date(2026, 2, 28), date(2026, 3, 1), LAST,
    }  # fmt: skip
    assert set(days.values_list("kind", flat=True)) == set(Entry.Kind.values)
    assert set(days.filter(kind="refund").values_list("channel", flat=True)) == set(CHANNELS)
    assert findings(busy) == []


def test_what_comes_later_is_added_and_nothing_is_added_twice(busy: Account) -> None:
    usage.roll_up()
    before = rolled(busy)
    assert usage.roll_up() == 0
    assert rolled(busy) == before
    wild([busy], steps=20, dice=random.Random(5))
    assert usage.roll_up() > 20
    assert_rolled(busy)
    # More of the same group: figures are added to its line.
    lines = UsageDay.objects.filter(wallet=busy.wallet).count()
    top_up(busy, 1)
    top_up(busy, 2)
    assert usage.roll_up() == 2
    assert UsageDay.objects.filter(wallet=busy.wallet).count() <= lines + 1
    assert_rolled(busy)


def test_test_money_is_rolled_up_apart(bystander: Account) -> None:
    live, test = bystander.wallet, tenants.open_test_wallet(bystander.tenant)
    usage.roll_up()
    assert UsageDay.objects.get(wallet=live).amount == 100_000_000
    assert UsageDay.objects.get(wallet=test).amount == tenants.TEST_MONEY


def test_much_news_is_taken_on_in_pieces(busy: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a piece were 7 entries long; the mark moves with each."""
    monkeypatch.setattr(usage, "ENTRIES_PER_GO", 7)
    monkeypatch.setattr(usage, "WALLETS_PER_GO", 3)
    count = Entry.objects.filter(wallet=busy.wallet).count()
    assert usage.roll_up() >= count > 100
    assert_rolled(busy)


def test_a_piece_that_fails_leaves_mark_and_days_as_they_were(busy: Account) -> None:
    """One more does not fit into the number: the statement fails after it has read the entries."""
    hold(busy)
    usage.roll_up()
    UsageDay.objects.filter(wallet=busy.wallet).update(number=2**31 - 1)
    mark = UsageMark.objects.get(wallet=busy.wallet).entry_id
    before = rolled(busy)
    hold(busy)
    with pytest.raises(DataError, match="out of range"):
        usage.roll_up()
    assert rolled(busy) == before
    assert UsageMark.objects.get(wallet=busy.wallet).entry_id == mark


TAMPERINGS: dict[str, Callable[[Any], object]] = {
    "a changed number": lambda days: days.update(number=F("number") + 1),
    "a changed amount": lambda days: days.update(amount=F("amount") - 1),
    "a changed held amount": lambda days: days.update(held=F("held") + 1),
    "a changed cost": lambda days: days.update(cost=F("cost") + 1),
    "a changed count of unknowns": lambda days: days.update(cost_unknown=F("cost_unknown") + 1),
    "another day": lambda days: days.update(day=date(2020, 1, 1)),
    "another channel": lambda days: days.update(channel=999),
    "no key": lambda days: days.update(token=None),
    "another mode": lambda days: days.update(mode="other"),
    "a lost line": lambda days: days.delete(),
}  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_the_doctor_finds(busy: Account, tampering: str) -> None:
    usage.roll_up()
    assert findings(busy) == []
    line = UsageDay.objects.filter(wallet=busy.wallet, kind="capture").first()
    assert line is not None
    TAMPERINGS[tampering](UsageDay.objects.filter(pk=line.pk))
    assert findings(busy)
    usage.rebuild(busy.wallet.pk)
    assert findings(busy) == []
    assert_rolled(busy)


@pytest.mark.parametrize("entry_id", [0, 2**40])
def test_the_doctor_finds_a_mark_that_was_moved(busy: Account, entry_id: int) -> None:
    """Too low: entries would be counted again. Too high: the next ones would not be counted."""
    usage.roll_up()
    UsageMark.objects.filter(wallet=busy.wallet).update(entry_id=entry_id)
    hold(busy)
    usage.roll_up()
    assert findings(busy)


def test_an_entry_before_the_mark_is_found_when_it_was_never_counted(busy: Account) -> None:
    last = Entry.objects.filter(wallet=busy.wallet).latest("id")
    UsageMark.objects.create(wallet=busy.wallet, entry_id=last.pk)
    assert findings(busy)


def test_rebuild_usage_does_it_from_the_command_line(busy: Account) -> None:
    usage.roll_up()
    UsageDay.objects.filter(wallet=busy.wallet).update(amount=F("amount") + 1)
    said = StringIO()
    call_command("rebuild_usage", busy.tenant.name, stdout=said)
    number = Entry.objects.filter(wallet=busy.wallet).count()
    assert said.getvalue() == f"{number} entries added up anew\n"
    assert_rolled(busy)
    UsageDay.objects.filter(wallet=busy.wallet).delete()
    call_command("rebuild_usage", stdout=said)
    assert_rolled(busy)
    with pytest.raises(CommandError, match="there is no tenant nobody"):
        call_command("rebuild_usage", "nobody", stdout=said)


def test_the_running_product_rolls_up_by_itself(account: Account) -> None:
    account.finish(account.draw())
    count = Entry.objects.filter(wallet=account.wallet).count()

    def all_rolled() -> bool:
        days = UsageDay.objects.filter(wallet=account.wallet)
        return sum(days.values_list("number", flat=True)) == count == 3

    wait_until(all_rolled, what="the roll-up")
    assert_rolled(account)
