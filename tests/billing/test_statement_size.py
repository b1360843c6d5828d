"""Statements of a wallet with a million entries: quick, and in little memory."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction

from billing import statement_files, statements, usage
from billing.periods import Period
from common import sql
from tests.accounts import Account, open_account
from tests.stack import Stack

ENTRIES = 1_000_000
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
LAST_DAYS = Period(date(2026, 3, 29), date(2026, 3, 31))
# The ledger itself would take half an hour.
_FILL = """
INSERT INTO billing_entry (
    wallet_id, kind, reference, drawing, amount, held, balance_after, held_after, token_id,
    price_name, mode, channel, actor, memo, created_at
)
SELECT %(wallet)s, kind, %(wallet)s || '#' || number / 2, 0,
       CASE kind WHEN 'hold' THEN 0 ELSE -1 END,
       CASE kind WHEN 'hold' THEN 1 ELSE -1 END, 0, 0, %(token)s, 'mj_' || number / 2 %% 9,
       (ARRAY['fast', 'relax', 'turbo'])[1 + number / 2 %% 3], NULLIF(number %% 2 * 7, 0), '', '',
       timestamptz '2026-03-01 00:00 UTC' + number * interval '31 day' / %(entries)s
FROM (
    SELECT number, CASE number %% 2 WHEN 0 THEN 'hold' ELSE 'capture' END AS kind
    FROM generate_series(0, %(entries)s - 1) number
) entry ORDER BY number
"""


@pytest.fixture(scope="module")
def giant(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    # So much takes its time on a busy machine.
    with transaction.atomic(), sql.patient():
        stack = Stack(folder=tmp_path_factory.mktemp("giant"), env={}, drawing_seconds=1)
        account = open_account(stack, funds="0")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            numbers = {"wallet": account.wallet.pk, "token": account.token.pk, "entries": ENTRIES}
            cursor.execute(_FILL, numbers)
            cursor.execute("SET LOCAL session_replication_role = origin")
            cursor.execute("ANALYZE billing_entry")
        yield account
        transaction.set_rollback(True)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.monotonic()
    value = call()
    return time.monotonic() - began, value


@pytest.mark.alone
def test_a_month_with_a_million_entries_is_not_added_up_anew(giant: Account) -> None:
    def march() -> statements.Statement:
        return statements.statement(tenant_id=giant.tenant.pk, period=MARCH)

    entry_by_entry, _ = timed(march)
    assert usage.rebuild(giant.wallet.pk) == ENTRIES
    seconds, statement = timed(march)
    assert seconds < entry_by_entry / 2
    assert statement.closing_balance == -ENTRIES // 2
    assert statement.total.number == ENTRIES


def seconds_to_the_first_lines(account: Account, period: Period) -> float:
    began = time.monotonic()
    next(statement_files.make(format="entries", tenant_id=account.tenant.pk, period=period).pieces)
    return time.monotonic() - began


@pytest.mark.alone
def test_the_days_before_are_not_looked_at(giant: Account) -> None:
    pages = ENTRIES / statements.ENTRIES_PER_PAGE
    of_all = seconds_to_the_first_lines(giant, MARCH) * pages
    assert seconds_to_the_first_lines(giant, LAST_DAYS) < of_all / 4


def test_the_lines_come_in_little_memory(giant: Account) -> None:
    file = statement_files.make(format="entries", tenant_id=giant.tenant.pk, period=LAST_DAYS)
    tracemalloc.start()
    try:
        lines = sum(piece.count(b"\n") for piece in file.pieces)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert abs(lines - ENTRIES * 3 / 31) < 10
    assert peak < 20 * 1024 * 1024
