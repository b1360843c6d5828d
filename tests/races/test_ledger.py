"""The ledger under threads: a hold ends once, a top-up is booked once, nobody waits in a circle."""

import random
import time
from collections import Counter
from threading import Event
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection

from billing import ledger
from billing.errors import QuotaNotEnough
from billing.models import Entry
from relay import lifecycle
from relay.models import Task
from tests.accounts import Account
from tests.faults.place import accept, begin
from tests.proofs import prove, prove_money
from tests.races.together import raised, returned, stop, together
from tests.races.updates import success

PRICE = 100_000
HUNT_SECONDS = 3


@pytest.mark.parametrize("round_", range(5))
def test_of_many_ends_of_one_hold_one_wins(bystander: Account, round_: int) -> None:
    reference = str(begin(bystander))
    # Others that stay open: without them the constraint on `held` alone would refuse the second.
    for _ in range(20):
        begin(bystander)
    ends = [
        lambda: ledger.capture(reference=reference, amount=PRICE),
        lambda: ledger.release(reference=reference),
    ] * 6
    random.shuffle(ends)
    results = together(ends)
    assert len(returned(results)) == 1
    assert all(isinstance(error, IntegrityError) for error in raised(results))
    kinds = [kind for kind, *_ in bystander.entries(reference)]
    assert len(kinds) == 2
    wallet = bystander.wallet
    assert wallet.held == 20 * PRICE
    assert wallet.balance == 100_000_000 - (PRICE if kinds[1] == "capture" else 0)
    prove_money(bystander.tenant.pk)


def test_a_top_up_is_booked_once_however_often_it_is_told(bystander: Account) -> None:
    def tell() -> None:
        ledger.topup(
            tenant_id=bystander.tenant.pk,
            amount=5_000_000,
            reference=f"payment of {bystander.tenant.name}",
            actor="shop",
        )

    results = together([tell] * 20)
    assert len(returned(results)) == 1
    assert all(isinstance(error, IntegrityError) for error in raised(results))
    assert bystander.funds == ("105.00", "0.00")
    prove(bystander.tenant.pk)


@pytest.mark.parametrize("amount", [PRICE + 1, 2 * PRICE, -1, -PRICE, 2**62])
def test_a_capture_takes_no_more_than_the_hold_and_gives_nothing(
    bystander: Account, amount: int
) -> None:
    reference = str(begin(bystander))
    with pytest.raises(DatabaseError):
        ledger.capture(reference=reference, amount=amount)
    assert bystander.funds == ("100.00", "0.10")
    assert bystander.entries(reference) == [("hold", "0.00", "0.10")]
    ledger.capture(reference=reference, amount=PRICE // 4)
    assert bystander.funds == ("99.975", "0.00")
    prove_money(bystander.tenant.pk)


@pytest.mark.parametrize("end", [ledger.release, lambda reference: ledger.capture(
    reference=reference, amount=1
)])  # fmt: skip
def test_what_was_never_held_cannot_be_ended(bystander: Account, end: Any) -> None:
    with pytest.raises(LookupError):
        end(reference="no such task")
    prove(bystander.tenant.pk)


def test_holds_in_threads_never_overdraw(bystander: Account) -> None:
    """The statement itself, without web, auth and pool before it: as parallel as it gets."""
    key = bystander.new_key(budget="3")
    results = together([lambda: begin(key)] * 16 + [lambda: begin(bystander)] * 16)
    assert not raised(results)
    results = together([lambda: begin(key)] * 32)
    assert len(returned(results)) == 14
    assert all(isinstance(error, QuotaNotEnough) for error in raised(results))
    prove(bystander.tenant.pk)


def test_the_hold_of_a_key_that_is_just_being_disabled(bystander: Account) -> None:
    """Either the hold comes first, or the key is dead; and money fits in any case."""
    caller = bystander.new_key()

    def disable() -> None:
        type(caller.token).objects.filter(pk=caller.token.pk).update(is_active=False)

    results = together([lambda: begin(caller)] * 10 + [disable])
    disabled = raised(results)
    assert all(type(error).__name__ in ("QuotaNotEnough", "InvalidKey") for error in disabled)
    prove(bystander.tenant.pk)


def test_everything_at_once_on_one_wallet_waits_in_no_circle(bystander: Account) -> None:
    """Holds by three keys, captures, releases, expiries and top-ups for some seconds."""
    keys = [bystander, bystander.new_key(), bystander.new_key(budget="20")]
    over = Event()
    done: Counter[str] = Counter()
    errors: list[Exception] = []

    def repeat(work: Any) -> Any:
        def loop() -> None:
            while not over.is_set():
                try:
                    done[work()] += 1
                except QuotaNotEnough:
                    done["refused"] += 1
                except Exception as error:  # noqa: BLE001  the test judges it
                    errors.append(error)

        return loop

    def submit() -> str:
        begin(random.choice(keys))
        return "begun"

    def end() -> str:
        task = Task.objects.live().filter(tenant=bystander.tenant).order_by("?").first()
        if task is None:
            time.sleep(0.001)
            return "nothing to end"
        if random.random() < 0.5:
            accept(task.pk, f"up-{task.pk}")
            return f"succeeded {lifecycle.apply(task, success(task))}"
        return f"failed {lifecycle.fail(task, 'no')}"

    def top_up() -> str:
        ledger.topup(
            tenant_id=bystander.tenant.pk,
            amount=1_000_000,
            reference=f"hunt {bystander.tenant.name} {random.random()}",
            actor="test",
        )
        time.sleep(0.05)
        return "topped up"

    def is_enough() -> bool:
        return min(done["begun"], done["succeeded True"], done["failed True"]) > 10

    ending = stop(over, lambda: bool(errors) or is_enough(), seconds=HUNT_SECONDS)
    together([*[repeat(submit)] * 4, *[repeat(end)] * 6, repeat(top_up), ending])
    assert not errors, errors[:3]
    assert is_enough(), done
    prove(bystander.tenant.pk)


def test_entries_can_be_neither_changed_nor_removed(bystander: Account) -> None:
    begin(bystander)
    entries = Entry.objects.filter(wallet=bystander.wallet)
    before = list(entries.values())
    for rewrite in (
        lambda: entries.update(amount=1),
        lambda: entries.delete(),
        lambda: _execute("TRUNCATE billing_entry"),
    ):
        with pytest.raises(IntegrityError, match="append-only"):
            rewrite()
    assert list(entries.values()) == before


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
