"""Entries of old weeks go when all that they say is added up; the books are proven as before."""

from datetime import date, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from billing import carrying, closing, ledger, periods, statement_files, statements, usage
from billing.errors import EntriesGone, NothingCaptured
from billing.models import (
    CarriedDay,
    CarriedWeek,
    EarnedDay,
    Entry,
    Tenant,
    UsageDay,
    UsageTotal,
    Wallet,
)
from common.partitions import dropping, parts, weeks
from relay.operators import refunds
from relay.weeks import old_weeks, retention
from tests.races.together import raised, together
from tests.weeks.past import (
    KEEP,
    doctor,
    drop,
    drop_all,
    drop_tasks,
    mondays,
    tasks_of,
    wrong,
)

SUM = "a wallet is the sum of its entries"


def old() -> list[date]:
    limit = timezone.now() - timedelta(days=KEEP["KEEP_ENTRIES_DAYS"])
    return [day for day in mondays(retention.ENTRIES) if weeks.begin(day + weeks.WEEK) <= limit]


def rows(model: Any) -> list[tuple[Any, ...]]:
    names = [field.attname for field in model._meta.fields if field.attname != "id"]
    return sorted(model.objects.values_list(*names), key=repr)


def test_old_entries_go_and_all_sums_stay(past: None) -> None:
    going, until = old(), weeks.first_id(old()[-1] + weeks.WEEK)
    before, wallets = Entry.objects.count(), rows(Wallet)
    gone = Entry.objects.filter(drawing__gt=0, drawing__lt=until).count()
    from_outside = Entry.objects.filter(drawing=0).count()
    assert (wrong(), gone > 1000) == ([], True)
    drop_all()
    assert wrong() == []
    assert Entry.objects.count() == before - gone
    assert Entry.objects.filter(drawing=0).count() == from_outside > 0
    assert sum(CarriedWeek.objects.values_list("number", flat=True)) == gone
    assert sorted(CarriedWeek.objects.values_list("monday", flat=True)) == going
    assert rows(Wallet) == wallets


def test_they_may_go_in_several_steps(past: None, settings: Any) -> None:
    settings.KEEP_ENTRIES_DAYS = 45
    drop_all()
    assert wrong() == []
    first = CarriedWeek.objects.count()
    settings.KEEP_ENTRIES_DAYS = 21
    drop_all()
    assert wrong() == []
    assert CarriedWeek.objects.count() > first > 0


def test_statements_and_reports_of_a_dropped_time_tell_the_same(past: None) -> None:
    days = rows(UsageDay), rows(UsageTotal), rows(EarnedDay)
    told = [_statement(tenant) for tenant in Tenant.objects.all()]
    assert sum(statement.total.number for statement in told) > 0
    drop_all()
    assert [_statement(tenant) for tenant in Tenant.objects.all()] == told
    assert (rows(UsageDay), rows(UsageTotal), rows(EarnedDay)) == days


def _statement(tenant: Tenant) -> statements.Statement:
    first = old()[0] if old() else min(CarriedWeek.objects.values_list("monday", flat=True))
    period = periods.period(first, first + timedelta(days=13))
    found = statements.statement(tenant_id=tenant.pk, period=period)
    return statements.Statement(**(vars(found) | {"made_at": period.ended}))


def test_usage_is_made_anew_with_what_was_carried(past: None) -> None:
    days = rows(UsageDay), rows(UsageTotal), rows(EarnedDay)
    drop_all()
    out = StringIO()
    call_command("rebuild_usage", stdout=out)
    assert out.getvalue() == f"{Entry.objects.count()} entries added up anew\n"
    closing.close_days()
    assert (rows(UsageDay), rows(UsageTotal), rows(EarnedDay)) == days
    assert wrong() == []


def test_single_entries_of_a_dropped_time_are_refused_and_others_are_told(past: None) -> None:
    tenant = Tenant.objects.order_by("pk")[0]
    first = old()[0]
    whole = periods.period(first, timezone.now().date())
    before = len(list(statements.entries(tenant_id=tenant.pk, period=whole)))
    drop_all()
    until = carrying.dropped_until()
    assert until is not None
    text = f"first: single entries up to {until} are not kept any more, only their sums"
    for format in ("csv", "pdf"):
        statement_files.make(format=format, tenant_id=tenant.pk, period=whole)
    with pytest.raises(EntriesGone) as refusal:
        statement_files.make(format="entries", tenant_id=tenant.pk, period=whole)
    assert str(refusal.value) == text
    with pytest.raises(CommandError, match=text):
        call_command("statement", tenant.name, str(first), str(whole.last), format="entries")
    kept = periods.period(until + timedelta(days=1), whole.last)
    lines = list(statements.entries(tenant_id=tenant.pk, period=kept))
    assert 0 < len(lines) < before
    assert lines[-1].balance_after == Wallet.objects.live(tenant.pk).balance


def test_lines_that_go_while_they_are_read_are_missed(past: None) -> None:
    tenant = Tenant.objects.order_by("pk")[0]
    period = periods.period(old()[0], timezone.now().date())
    reading = statements.entries(tenant_id=tenant.pk, period=period)
    drop_all()
    with pytest.raises(EntriesGone):
        list(reading)


def test_entries_stay_as_long_as_their_tasks(past: None, settings: Any) -> None:
    settings.KEEP_TASKS_DAYS = 10_000
    assert drop()[0] == (old()[0], old_weeks.STILL_TASKS)
    assert not CarriedWeek.objects.exists()


def test_a_late_refund_keeps_the_entries_of_its_week(past: None) -> None:
    monday = old()[0]
    task = tasks_of(monday).filter(status="SUCCESS")[0]
    refunds.refund(task, amount=1, actor="Alice", memo="bad picture")
    found = [week for week in old_weeks.drop() if week.what == old_weeks.ENTRIES]
    assert "(a refund?)" in found[0].why
    assert found[0].monday == monday
    assert monday in mondays(retention.ENTRIES)
    assert wrong() == []


def test_entries_that_are_not_added_up_yet_stay(past: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_usagemark SET entry_id = 0")
        cursor.execute("DELETE FROM billing_usageday")
        cursor.execute("DELETE FROM billing_usagehour")
        cursor.execute("DELETE FROM billing_usagetotal")
    found = [week.why for week in old_weeks.drop() if week.what == old_weeks.ENTRIES]
    assert found[0] == "there are entries that are not added up by days yet"
    usage.roll_up()
    closing.close_days()
    drop_all()
    assert wrong() == []


def test_days_that_are_not_closed_yet_stay(past: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_earnedday WHERE day >= %s", [old()[0]])
    found = [week.why for week in old_weeks.drop() if week.what == old_weeks.ENTRIES]
    assert "is not closed yet" in found[0]


def test_budgets_of_a_key_that_has_not_drawn_since_are_still_proven(past: None) -> None:
    """Its day, week and month are those of its last hold, which is gone."""
    day = old()[1] + timedelta(days=2)
    with connection.cursor() as cursor:
        for period in ("day", "week", "month"):
            cursor.execute(
                f"""
                UPDATE billing_token token SET {period}_began = date_trunc('{period}', %s::date),
                    {period}_used = coalesce((
                        SELECT sum(line.held - line.amount) FROM billing_entry hold
                        JOIN billing_entry line USING (reference)
                        WHERE hold.kind = 'hold' AND hold.token_id = token.id
                          AND date_trunc('{period}', hold.created_at AT TIME ZONE 'UTC')
                              = date_trunc('{period}', %s::date)
                    ), 0)""",
                [day, day],
            )
    assert wrong() == []
    drop_all()
    assert wrong() == []
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_carriedkey SET month_used = month_used + 1 WHERE month_used > 0"
        )
        assert cursor.rowcount >= 1
    assert wrong() == ["a key's day, week and month are what their holds came to"]


def test_two_at_once_carry_each_week_once(own_past: str) -> None:
    drop_tasks()
    going = old()
    assert raised(together([drop, drop, drop])) == []
    drop()
    assert sorted(CarriedWeek.objects.values_list("monday", flat=True)) == going
    assert old() == []
    assert doctor() == (0, [])


def test_what_was_added_up_is_forgotten_when_the_entries_cannot_go(
    own_past: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads the table all the time."""
    monkeypatch.setattr(dropping, "TRIES", 1)
    drop_tasks()
    before = Entry.objects.count()
    with psycopg.connect(own_past) as reader:
        reader.execute("SELECT 1 FROM billing_entry LIMIT 1")
        found = [week for week in old_weeks.drop() if week.what == old_weeks.ENTRIES]
    assert found[0].why == dropping.BUSY
    assert not CarriedWeek.objects.exists()
    assert not CarriedDay.objects.exists()
    assert Entry.objects.count() == before
    assert doctor() == (0, [])


def test_nothing_more_is_refunded_of_what_is_gone(past: None) -> None:
    paid = Entry.objects.filter(kind="capture", drawing__gt=0).earliest("id")
    drop_all()
    with pytest.raises(NothingCaptured, match=paid.reference):
        ledger.refund(reference=paid.reference, amount=1, actor="Alice", memo="late")
    assert wrong() == []


# -- What contradicts is found all the same --------------------------------------------------------

_KEYS = "a key is the sum of its entries"
_STOOD = "what was carried and what stayed is how a wallet stood after its last carried entry"
_WEEKS = "carried weeks and carried days come to the same"
_ROLLED = "the daily roll-up is the sum of the entries"
_DROPPED = "what is known of the tasks of a dropped week is what the ledger tells"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE billing_carriedday SET amount = amount + 1 WHERE {a_payment}",
         {SUM, _KEYS, _STOOD, _WEEKS, _ROLLED}),
        ("UPDATE billing_carriedday SET number = number + 1 WHERE {a_hold}",
         {"a wallet counts its open holds", "a key counts its open holds", _WEEKS, _ROLLED}),
        ("UPDATE billing_carriedday SET cost = cost + 1 WHERE {a_payment}", {_ROLLED}),
        ("UPDATE billing_carriedday SET day = day - 100 WHERE {a_payment}", {_ROLLED}),
        ("DELETE FROM billing_carriedday WHERE {a_payment}",
         {SUM, _KEYS, _STOOD, _WEEKS, _ROLLED, "nothing that was carried is held any more",
          "a wallet counts its open holds", "a key counts its open holds"}),
        ("UPDATE billing_carriedwallet SET balance_after = balance_after + 1"
         " WHERE wallet_id = (SELECT min(wallet_id) FROM billing_carriedwallet)",
         {_STOOD, "every entry follows from the one before"}),
        ("UPDATE billing_carriedwallet SET last_id = 0"
         " WHERE wallet_id = (SELECT min(wallet_id) FROM billing_carriedwallet)",
         {_STOOD, "every entry follows from the one before"}),
        ("DELETE FROM billing_carriedwallet"
         " WHERE wallet_id = (SELECT min(wallet_id) FROM billing_carriedwallet)",
         {_STOOD, "every entry follows from the one before"}),
        ("UPDATE billing_carriedweek SET paid = paid + 1 WHERE {a_week}", {_WEEKS, _DROPPED}),
        ("DELETE FROM billing_carriedweek WHERE {a_week}", {_WEEKS, _DROPPED}),
        ("UPDATE relay_droppedweek SET holds = holds + 1 WHERE {a_week}", {_DROPPED}),
        ("DELETE FROM relay_droppedweek WHERE monday = (SELECT max(monday) FROM relay_droppedweek)",
         {"every hold belongs to a task of its wallet's tenant"}),
        ("UPDATE billing_wallet SET balance = balance + 1"
         " WHERE id = (SELECT min(wallet_id) FROM billing_carriedwallet)", {SUM}),
        ("UPDATE billing_token SET spent = spent + 1"
         " WHERE id = (SELECT min(token_id) FROM billing_carriedday)", {_KEYS}),
        ("UPDATE billing_usageday SET number = number + 1"
         " WHERE day = (SELECT min(day) FROM billing_carriedday WHERE kind = 'release')"
         " AND kind = 'release'",
         {_ROLLED}),
    ],
)  # fmt: skip
def test_who_changes_what_was_carried_is_found_out(
    past: None, change: str, found: set[str]
) -> None:
    chosen = {
        "a_payment": "id = (SELECT min(id) FROM billing_carriedday WHERE kind = 'capture'"
        " AND wallet_id = (SELECT min(id) FROM billing_wallet WHERE NOT is_test))",
        "a_hold": "id = (SELECT min(id) FROM billing_carriedday WHERE kind = 'hold')",
        "a_week": "monday = (SELECT min(monday) FROM billing_carriedweek)",
    }
    drop_all()
    assert wrong() == []
    with connection.cursor() as cursor:
        cursor.execute(change.format(**chosen))
        assert cursor.rowcount >= 1
    # (Roll-ups of closed days are the sum of days that were changed.)
    assert {promise for promise in wrong() if not promise.startswith("closed days")} == found


def test_a_part_that_comes_back_is_found_out(past: None) -> None:
    """As after a restore of one table alone."""
    monday = old()[0]
    name, bounds = parts.name_of(retention.ENTRIES, monday), weeks.first_id(monday)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE kept AS SELECT * FROM {name}")
        drop_all()
        parts.attach(retention.ENTRIES, name, since=monday, until=monday + weeks.WEEK)
        cursor.execute(f"INSERT INTO billing_entry SELECT * FROM kept WHERE drawing >= {bounds}")
    assert {"entries of a carried week are gone", SUM, _ROLLED} <= set(wrong())
