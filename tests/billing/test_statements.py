"""Statements: whatever they show is what the entries come to."""

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from billing import ledger, periods, statements, tenants, usage
from billing.models import Entry, UsageMark
from billing.periods import Period
from billing.statements import Drawn, Statement
from tests.accounts import Account
from tests.ledger import hold
from tests.traffic import spread, top_up, wild

PERIODS = [
    Period(date(2026, 2, 1), date(2026, 2, 28)),
    Period(date(2026, 3, 1), date(2026, 3, 31)),
    Period(date(2026, 2, 26), date(2026, 3, 5)),
    Period(date(2026, 3, 1), date(2026, 3, 1)),
    Period(date(2026, 3, 5), date(2026, 3, 5)),
    Period(date(2000, 1, 1), date(2025, 12, 31)),
    Period(date(2026, 4, 1), date(2999, 12, 31)),
]
_INSIDE = """FROM billing_entry WHERE wallet_id = %(wallet)s
    AND created_at >= %(from)s AND created_at < %(to)s"""


def query(statement: str, account: Account, period: Period) -> list[tuple[Any, ...]]:
    """The entries themselves, without anything of ours."""
    began = datetime(period.first.year, period.first.month, period.first.day, tzinfo=UTC)
    ended = datetime(period.last.year, period.last.month, period.last.day, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {"wallet": account.wallet.pk, "from": began, "to": ended + timedelta(days=1)},
        )
        return cursor.fetchall()


def make(account: Account, period: Period) -> Statement:
    return statements.statement(tenant_id=account.tenant.pk, period=period)


def figures(drawn: Drawn) -> tuple[int, ...]:
    return (
        drawn.captured.number,
        drawn.captured.amount,
        drawn.refunded.number,
        drawn.refunded.amount,
        drawn.released.number,
    )


_FIGURES = """count(*) FILTER (WHERE kind = 'capture'),
    coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint,
    count(*) FILTER (WHERE kind = 'refund'),
    coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::bigint,
    count(*) FILTER (WHERE kind = 'release')"""


def assert_is_the_entries(account: Account, period: Period) -> None:
    statement = make(account, period)
    before = query(
        """SELECT coalesce(sum(amount), 0)::bigint, coalesce(sum(held), 0)::bigint
           FROM billing_entry WHERE wallet_id = %(wallet)s AND created_at < %(from)s""",
        account,
        period,
    )
    assert [(statement.opening_balance, statement.opening_held)] == before
    inside = query(
        f"SELECT kind, count(*), sum(amount)::bigint, sum(held)::bigint {_INSIDE} GROUP BY kind",
        account,
        period,
    )
    shown = [(kind, s.number, s.amount, s.held) for kind, s in statement.kinds.items() if s.number]
    assert sorted(shown) == sorted(inside)
    assert statement.closing_balance == before[0][0] + sum(line[2] for line in inside)
    assert statement.closing_held == before[0][1] + sum(line[3] for line in inside)

    by_key = query(
        f"SELECT token_id, {_FIGURES} {_INSIDE} AND token_id IS NOT NULL GROUP BY 1",
        account,
        period,
    )
    names = statement.key_names
    assert sorted((key.name, *figures(key)) for key in statement.by_key) == sorted(
        (names[key], *rest) for key, *rest in by_key
    )
    by_action = query(
        f"SELECT price_name, mode, {_FIGURES} {_INSIDE} AND token_id IS NOT NULL GROUP BY 1, 2",
        account,
        period,
    )
    shown_actions = [(line.name, line.mode, *figures(line)) for line in statement.by_action]
    assert sorted(shown_actions) == sorted(by_action)
    # And everything again with everything.
    for drawn in (statement.by_key, statement.by_action):
        assert sum(line.net for line in drawn) == statement.drawn.net
    kinds = statement.kinds
    assert statement.drawn.net == kinds["capture"].amount + kinds["refund"].amount
    assert statement.total.amount == (
        statement.drawn.net + kinds["topup"].amount + kinds["adjust"].amount
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_statement_is_the_sum_of_the_entries(bystander: Account, seed: int) -> None:
    """Of those that were rolled up and those that were not, in one."""
    dice = random.Random(seed)
    keys = [bystander, bystander.new_key(), bystander.new_key()]
    wild(keys, steps=40, dice=dice)
    spread(bystander.wallet, first=date(2026, 2, 26), last=date(2026, 3, 2))
    for period in PERIODS:
        assert_is_the_entries(bystander, period)
    usage.roll_up()
    mark = UsageMark.objects.get(wallet=bystander.wallet).entry_id
    wild(keys, steps=40, dice=dice)
    spread(bystander.wallet, first=date(2026, 3, 1), last=date(2026, 3, 5), after=mark)
    for period in PERIODS:
        assert_is_the_entries(bystander, period)
    usage.roll_up()
    for period in PERIODS:
        assert_is_the_entries(bystander, period)


def test_one_statement_goes_on_where_the_one_before_ended(bystander: Account) -> None:
    wild([bystander], steps=60, dice=random.Random(7))
    spread(bystander.wallet, first=date(2026, 2, 26), last=date(2026, 3, 5))
    days = [date(2026, 2, 25) + timedelta(days=number) for number in range(10)]
    each = [make(bystander, Period(day, day)) for day in days]
    assert each[0].opening_balance == 0
    for one, following in pairwise(each):
        assert one.closing_balance == following.opening_balance
        assert one.closing_held == following.opening_held
    wallet = bystander.wallet
    assert (each[-1].closing_balance, each[-1].closing_held) == (wallet.balance, wallet.held)


def test_a_statement_tells_whether_the_period_is_over(bystander: Account) -> None:
    today = datetime.now(UTC).date()
    assert not make(bystander, Period(today, today)).is_final
    assert not make(bystander, Period(date(2026, 1, 1), date(2999, 1, 1))).is_final
    yesterday = today - timedelta(days=1)
    assert make(bystander, Period(yesterday, yesterday)).is_final


def test_test_money_is_on_no_statement(bystander: Account) -> None:
    tenants.open_test_wallet(bystander.tenant)
    usage.roll_up()
    today = datetime.now(UTC).date()
    statement = make(bystander, Period(today, today))
    assert (statement.kinds["topup"].number, statement.closing_balance) == (1, 100_000_000)


def test_a_refund_is_shown_as_such(bystander: Account) -> None:
    """On the day it was given, not on that of the drawing."""
    reference = hold(bystander)
    ledger.capture(reference=reference, amount=100_000)
    spread(bystander.wallet, first=date(2026, 3, 1), last=date(2026, 3, 1))
    last = Entry.objects.filter(wallet=bystander.wallet).latest("id").pk
    ledger.refund(reference=reference, amount=30_000, actor="test", memo="was blurred")
    spread(bystander.wallet, first=date(2026, 3, 2), last=date(2026, 3, 2), after=last)
    first, second = (
        make(bystander, Period(date(2026, 3, day), date(2026, 3, day))) for day in (1, 2)
    )
    assert figures(first.drawn) == (1, -100_000, 0, 0, 0)
    assert figures(second.drawn) == (0, 0, 1, 30_000, 0)
    assert (first.closing_balance, second.closing_balance) == (99_900_000, 99_930_000)


@pytest.mark.parametrize("page", [1, 7, 5_000])
def test_line_by_line_it_is_each_entry_once_in_its_order(
    bystander: Account, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries lie exactly at the first and at the last moment of their days."""
    monkeypatch.setattr(statements, "ENTRIES_PER_PAGE", page)
    wild([bystander, bystander.new_key()], steps=20, dice=random.Random(3))
    spread(bystander.wallet, first=date(2026, 3, 1), last=date(2026, 3, 4))
    for period in [*PERIODS, Period(date(2026, 3, 2), date(2026, 3, 4))]:
        shown = statements.entries(tenant_id=bystander.tenant.pk, period=period)
        lines = [(line.id, line.kind, line.amount, line.balance_after) for line in shown]
        wanted = f"SELECT id, kind, amount, balance_after {_INSIDE} ORDER BY id"
        assert lines == query(wanted, bystander, period)


def test_who_reads_slowly_keeps_no_connection(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "ENTRIES_PER_PAGE", 2)
    for amount in (1, 2, 3, 4):
        top_up(account, amount)
    today = datetime.now(UTC).date()
    lines = statements.entries(tenant_id=account.tenant.pk, period=Period(today, today))
    shown = []
    for line in lines:
        assert connection.connection is None
        shown.append(line.amount)
    assert shown[1:] == [1, 2, 3, 4]


def test_an_entry_that_had_to_wait_for_the_wallet_is_not_left_out(bystander: Account) -> None:
    """Its time is before midnight, its place is behind one from after midnight."""
    wild([bystander], steps=10, dice=random.Random(3))
    spread(bystander.wallet, first=date(2026, 3, 1), last=date(2026, 3, 1))
    ids = []
    for first in (date(2026, 3, 2), date(2026, 3, 1), date(2026, 3, 2)):
        last = Entry.objects.filter(wallet=bystander.wallet).latest("id").pk
        reference = hold(bystander)
        spread(bystander.wallet, first=first, last=first, after=last)
        ids.append(Entry.objects.get(reference=reference).pk)
    for day, wanted in ((1, [ids[1]]), (2, [ids[0], ids[2]])):
        period = Period(date(2026, 3, day), date(2026, 3, day))
        shown = [line.id for line in statements.entries(
            tenant_id=bystander.tenant.pk, period=period
        )]  # fmt: skip
        assert [entry for entry in shown if entry in ids] == wanted


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("2026-03-02", "2026-03-01", "ends before it begins"),
        ("1999-12-31", "2026-03-01", "lies between 2000-01-01 and 2999-12-31"),
        ("2026-03-01", "9999-12-31", "lies between"),
        ("2026-02-30", "2026-03-01", "'2026-02-30' is not a day like"),
        ("", "2026-03-01", "'' is not a day like"),
        ("2026-03-01\x00", "2026-03-01", "is not a day like"),
        ("2026-03-01", "2026-03-01T00:00", "is not a day like"),
    ],
)
def test_a_period_that_is_none_is_refused(first: str, last: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        periods.parse(first, last)
