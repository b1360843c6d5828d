"""The ledger does what a model of it does, to the micro-unit, whatever is asked of it and whenever.

Hypothesis makes the sequences up and, when one fails, looks for the shortest that does
(tests/random/size.py).
"""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing import ledger, tokens
from billing.errors import BillingError
from billing.models import Token, Wallet
from tests import clock
from tests.accounts import Account, open_account
from tests.ledger import hold
from tests.proofs import prove_money
from tests.random import model, size
from tests.stack import Stack

STEPS = 40
OPERATIONS = size.operations(500)
# Close to a month's and a week's end, so that a few steps lead over both.
START = datetime(2026, 5, 29, 22, tzinfo=UTC)
HOURS = (0, 1, 3, 24, 24 * 7, 24 * 31)

prices = st.sampled_from([100_000, 0, 1, 50_000, 100_000, 100_000, 999_999])
amounts = st.sampled_from([1, 100_000, 250_000, 1_000_000])
limits = st.sampled_from([None, 300_000, 100_000, 0, 1_000_000])
picks = st.integers(0, 50)
# Mostly what can be done; now and then what must be refused.
rarely = st.sampled_from([False, False, False, False, True])
_numbers = itertools.count(1)


class LedgerMachine(RuleBasedStateMachine):
    """Two keys and a test key, their two wallets, and the same in the model."""

    stack: Stack

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.holds: list[tuple[str, model.Hold]] = []
        self.accounts: list[Account] = []
        self.keys: list[model.Key] = []
        self.topups: list[str] = []

    @initialize()
    def open(self) -> None:
        clock.set_clock(self.now)
        first = open_account(self.stack, funds="1")
        test_token, test_key = tokens.make(tenant=first.tenant, name="test", is_test=True)
        test = Account(self.stack, first.tenant, test_token, test_key, first.channel)
        self.accounts = [first, first.new_key(), test]
        live, play = model.Wallet(balance=1_000_000), model.Wallet(balance=1_000_000_000)
        self.keys = [model.Key(live), model.Key(live), model.Key(play)]

    # -- What is done ------------------------------------------------------------------------------

    @rule(hours=st.sampled_from(HOURS))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        clock.set_clock(self.now)

    @rule(pick=picks, price=prices, at_once=st.sampled_from([None, None, None, 3, 1, 0]))
    def hold(self, pick: int, price: int, at_once: int | None) -> None:
        number = pick % 3
        expected = model.hold(self.keys[number], price, self.now, at_once=at_once)
        account = self.accounts[number]
        wallet = Wallet.objects.get(tenant=account.tenant, is_test=account.token.is_test)

        def do() -> str:
            return hold(account, price=price, key_concurrency=at_once, wallet_id=wallet.pk)

        reference = self._do(do, expected)
        if isinstance(expected, model.Hold):
            self.holds.append((reference, expected))

    @precondition(lambda self: self.holds)
    @rule(pick=picks, share=st.sampled_from([100, 100, 50, 0, 150]), over=rarely)
    def capture(self, pick: int, share: int, over: bool) -> None:
        """All, a part, nothing, or more than was held; of one that is over too."""
        reference, one = self._pick(pick, lambda one: one.is_open != over)
        amount = one.price * share // 100
        fits = one.is_open and amount <= one.price
        self._do(
            lambda: ledger.capture(reference=reference, amount=amount, channel=1, cost=7),
            None if fits else DatabaseError,
        )
        if fits:
            model.end(one, amount)
            one.captured = amount

    @precondition(lambda self: self.holds)
    @rule(pick=picks, over=rarely)
    def release(self, pick: int, over: bool) -> None:
        reference, one = self._pick(pick, lambda one: one.is_open != over)
        was_open = one.is_open
        self._do(lambda: ledger.release(reference=reference), None if was_open else DatabaseError)
        if was_open:
            model.end(one, 0)
            one.released = True

    @precondition(lambda self: self.holds)
    @rule(
        pick=picks,
        amount=st.sampled_from([None, None, 1, 30_000, 100_000, 0, -1]),
        unpaid=rarely,
    )
    def refund(self, pick: int, amount: int | None, unpaid: bool) -> None:
        reference, one = self._pick(pick, lambda one: bool(one.captured) != unpaid)
        expected = model.refund(one, amount)

        def do() -> int:
            return ledger.refund(reference=reference, amount=amount, actor="test", memo="spoilt")

        given = self._do(do, expected)
        assert given == (expected if isinstance(expected, int) else None)

    @rule(amount=amounts, again=st.booleans())
    def top_up(self, amount: int, again: bool) -> None:
        """With `again`: a payment that is told a second time."""
        is_repeat = again and bool(self.topups)
        reference = self.topups[-1] if is_repeat else self._reference()
        self._do(
            lambda: ledger.topup(reference=reference, amount=amount, **self._whose()),
            DatabaseError if is_repeat else None,
        )
        if not is_repeat:
            self.topups.append(reference)
            model.book(self.keys[0].wallet, amount)

    @rule(amount=amounts, sign=st.sampled_from([1, -1, -1]))
    def adjust(self, amount: int, sign: int) -> None:
        expected = model.book(self.keys[0].wallet, sign * amount)
        self._do(
            lambda: ledger.adjust(
                reference=self._reference(), amount=sign * amount, memo="slip", **self._whose()
            ),
            expected,
        )

    @rule(limit=st.sampled_from([0, 100_000, 2_000_000]))
    def set_credit_limit(self, limit: int) -> None:
        expected = model.book(self.keys[0].wallet, 0, credit_limit=limit)
        self._do(lambda: ledger.set_credit_limit(credit_limit=limit, **self._whose()), expected)

    @rule(pick=picks, period=st.sampled_from(["", *model.PERIODS]), limit=limits)
    def set_budget(self, pick: int, period: str, limit: int | None) -> None:
        key, token = self.keys[pick % 3], self._token(pick)
        if period:
            key.budgets[period] = limit
            token.update(**{f"{period}_budget": limit})
        else:
            key.budget = limit
            token.update(budget=limit)

    @rule(pick=picks, is_disabled=rarely)
    def switch_key(self, pick: int, is_disabled: bool) -> None:
        self.keys[pick % 3].is_active = not is_disabled
        self._token(pick).update(is_active=not is_disabled)

    # -- What must hold ----------------------------------------------------------------------------

    @invariant()
    def the_ledger_is_as_the_model_has_it(self) -> None:
        if not self.keys:
            return
        tenant = self.accounts[0].tenant
        for account, key in zip(self.accounts, self.keys, strict=True):
            assert _stored_key(account.token.pk) == _expected_key(key)
        for wallet in Wallet.objects.filter(tenant=tenant):
            expected = self.keys[2 if wallet.is_test else 0].wallet
            for name, value in vars(expected).items():
                assert getattr(wallet, name) == value, (wallet, name)

    def teardown(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path")
        if self.accounts:
            tenant = self.accounts[0].tenant
            # A budget that was lowered below what is used is no contradiction.
            Token.objects.filter(tenant=tenant).update(budget=None)
            prove_money(tenant.pk)

    # -- How ---------------------------------------------------------------------------------------

    def _do(self, call: Callable[[], Any], expected: object) -> Any:
        """Does it, or is refused as expected; what is refused changes nothing."""
        if not (isinstance(expected, type) and issubclass(expected, BillingError | DatabaseError)):
            return call()
        try:
            with transaction.atomic():
                call()
        except expected:
            return None
        raise AssertionError(f"{expected.__name__} was expected")

    def _pick(self, pick: int, fits: Callable[[model.Hold], bool]) -> tuple[str, model.Hold]:
        """One that fits, any where none does."""
        fitting = [held for held in self.holds if fits(held[1])] or self.holds
        return fitting[-1 - pick % len(fitting)]

    def _token(self, pick: int) -> Any:
        return Token.objects.filter(pk=self.accounts[pick % 3].token.pk)

    def _whose(self) -> dict[str, Any]:
        return {"tenant_id": self.accounts[0].tenant.pk, "actor": "test"}

    def _reference(self) -> str:
        return f"{self.accounts[0].tenant.name}/from outside/{next(_numbers)}"


def _stored_key(pk: int) -> dict[str, Any]:
    token = Token.objects.get(pk=pk)
    names = ["held", "spent", "open_holds"]
    names += [f"{period}_{what}" for period in model.PERIODS for what in ("began", "used")]
    return {name: getattr(token, name) for name in names}


def _expected_key(key: model.Key) -> dict[str, Any]:
    found = {"held": key.held, "spent": key.spent, "open_holds": key.open_holds}
    for period in model.PERIODS:
        found |= {f"{period}_began": key.starts[period], f"{period}_used": key.used[period]}
    return found


# A sequence that fails is shortened for up to five minutes.
@pytest.mark.timeout(1200)
def test_the_ledger_does_what_its_model_does(own_database_url: str, tmp_path: Any) -> None:
    clock.install()
    LedgerMachine.stack = Stack(folder=tmp_path, env={}, drawing_seconds=1)
    print(f"RANDOM_SEED={size.SEED} RANDOM_OPERATIONS={OPERATIONS}")
    run_state_machine_as_test(
        seed(size.SEED)(LedgerMachine),
        settings=settings(
            max_examples=max(2, OPERATIONS // STEPS),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
