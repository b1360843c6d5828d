"""The roll-up while money moves: nothing is left out, nothing counts twice, whoever dies."""

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from django.db import OperationalError, connection, transaction

from billing import ledger, usage
from billing.models import Entry, UsageDay
from billing.proofs import PROOFS
from common.proofs import look
from tests.accounts import Account, open_account
from tests.ledger import hold
from tests.races.together import raised, stop, together
from tests.stack import Stack
from tests.traffic import draw, top_up

SECONDS = 2
WALLETS = 12
(ROLL_UP,) = [
    proof for proof in PROOFS for promise in proof.promises if "daily roll-up" in promise.text
]


def contradictions() -> list[str]:
    """What the doctor says at this moment: one statement, so one snapshot."""
    return [finding for verdict in look(ROLL_UP, limit=5) for finding in verdict.findings]


def rolled(account: Account) -> int:
    numbers = UsageDay.objects.filter(wallet=account.wallet).values_list("number", flat=True)
    return sum(numbers)


def booked(account: Account) -> int:
    return Entry.objects.filter(wallet=account.wallet).count()


def test_an_entry_that_is_committed_after_younger_ones_of_others_is_counted(
    bystander: Account, tmp_path: Path
) -> None:
    """Its id is smaller than one that has been rolled up already, of another wallet."""
    other = open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1))
    is_held, may_commit = Event(), Event()

    def slow() -> None:
        with transaction.atomic():
            hold(bystander)
            is_held.set()
            may_commit.wait(20)

    def quick() -> None:
        is_held.wait(20)
        hold(other)
        usage.roll_up()
        assert (rolled(bystander), rolled(other)) == (1, 2)
        may_commit.set()

    assert not raised(together([slow, quick]))
    first = Entry.objects.get(wallet=bystander.wallet, kind="hold")
    assert first.pk < Entry.objects.get(wallet=other.wallet, kind="hold").pk
    usage.roll_up()
    assert (rolled(bystander), rolled(other)) == (2, 2)
    assert contradictions() == []


def test_many_roll_ups_at_once_count_each_entry_once(bystander: Account) -> None:
    for _ in range(30):
        hold(bystander)
    counted = together([usage.roll_up] * 8)
    assert not raised(counted)
    # What one leaves to another, that one has done when both are over.
    assert rolled(bystander) == booked(bystander) == 31
    assert sum(counted) >= 31
    assert contradictions() == []


def test_money_moves_in_many_wallets_while_it_is_rolled_up_rebuilt_and_killed(
    bystander: Account, tmp_path: Path
) -> None:
    stack = Stack(folder=tmp_path, env={}, drawing_seconds=1)
    accounts = [bystander, *(open_account(stack) for _ in range(WALLETS - 1))]
    over = Event()
    done: Counter[str] = Counter()
    wrong: list[str] = []
    backends: dict[str, int] = {}
    victims = ("roll up", "roll up too", "rebuild")
    everything = (*victims, "move", "several", "prove", "kill")

    def repeat(name: str, work: Callable[[], object]) -> Callable[[], None]:
        def loop() -> None:
            while not over.is_set():
                try:
                    backends[name] = backend()
                    work()
                    done[name] += 1
                except OperationalError:
                    done[f"{name} killed"] += 1
                    connection.close()

        return loop

    def move() -> None:
        # Half of it in one wallet, so that there is a queue for its lock.
        account = random.choice([bystander, random.choice(accounts)])
        draw(account, dice=random.Random())
        top_up(account, 1_000)

    def several_in_one_transaction() -> None:
        account, other = sorted(random.sample(accounts, 2), key=lambda one: one.wallet.pk)
        with transaction.atomic():
            hold(account)
            time.sleep(random.random() / 100)
            ledger.release(reference=hold(other))

    def kill() -> None:
        victim = random.choice(victims)
        before = done[victim]
        time.sleep(random.random() / 10)
        # Each gets through between two kills, however slow the machine is.
        while done[victim] == before and not over.is_set():
            time.sleep(0.001)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backends.get(victim, 0)])

    def is_enough() -> bool:
        killed = sum(done[f"{victim} killed"] for victim in victims)
        return killed > 0 and min(done[name] for name in everything) > 5

    calls = [
        *[repeat("move", move)] * 4,
        repeat("several", several_in_one_transaction),
        repeat("roll up", usage.roll_up),
        repeat("roll up too", usage.roll_up),
        repeat("rebuild", lambda: usage.rebuild(random.choice(accounts).wallet.pk)),
        repeat("prove", lambda: wrong.extend(contradictions())),
        repeat("kill", kill),
        stop(over, is_enough, seconds=SECONDS),
    ]
    assert not raised(together(calls))
    assert wrong == []
    assert is_enough(), done
    usage.roll_up()
    assert contradictions() == []
    assert [rolled(account) for account in accounts] == [booked(account) for account in accounts]


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        row: Any = cursor.fetchone()
    return int(row[0])
