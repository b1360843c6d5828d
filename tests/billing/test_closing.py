"""Days that are closed: reports say the same before and after, and whatever changes such a day."""

import random
from datetime import date, timedelta
from itertools import combinations

import pytest
from django.db.models import Max
from django.utils import timezone

from billing import books, closing, drafts, preview, reports, usage
from billing.drafts import Rule
from billing.models import EarnedDay, EarnedKey, EarnedKeyAction, EarnedKeyChannel, Entry
from billing.periods import Period
from billing.proofs import PROOFS
from billing.reports import DIMENSIONS, Report
from common.proofs import look
from relay import actions
from tests.accounts import Account
from tests.traffic import spread, wild

# Of a time in which nobody else in this database does anything.
PERIOD = Period(date(2012, 3, 1), date(2012, 3, 4))
PROMISES = {
    "closed days are the sum of the days",
    "closed days of keys are the sum of the days",
    "closed days of keys and actions are the sum of the days",
    "closed days of keys and channels are the sum of the days",
}


@pytest.fixture
def busy(bystander: Account) -> Account:
    """Has drawn for some days, long ago, and all is rolled up."""
    closing.forget()
    draw_then(bystander, PERIOD.first, PERIOD.last, steps=60)
    usage.roll_up()
    return bystander


def draw_then(account: Account, first: date, last: date, *, steps: int) -> None:
    """As if it had been on those days."""
    newest = Entry.objects.filter(wallet=account.wallet).aggregate(id=Max("id"))["id"]
    wild([account], steps=steps, dice=random.Random(7))
    spread(account.wallet, first=first, last=last, after=newest or 0)


def all_reports() -> list[Report]:
    splits = [by for size in range(4) for by in combinations(DIMENSIONS, size)]
    return [reports.report(by=by, period=PERIOD) for by in splits]


def findings() -> list[str]:
    verdicts = [verdict for proof in PROOFS for verdict in look(proof, limit=100)]
    told = [verdict for verdict in verdicts if verdict.promise in PROMISES]
    assert len(told) == len(PROMISES)
    return [finding for verdict in told for finding in verdict.findings]


def test_reports_are_the_same_when_their_days_are_closed(busy: Account) -> None:
    before = all_reports()
    assert before[0].total.captures > 0
    assert closing.close_days() > 0
    assert EarnedDay.objects.filter(day__range=PERIOD).exists()
    assert EarnedKey.objects.filter(day__range=PERIOD, wallet=busy.wallet).exists()
    assert all_reports() == before
    assert findings() == []


def test_previews_are_the_same_when_their_days_are_closed(busy: Account) -> None:
    """Also when some are and others are not."""
    book = books.draft(origin=None, actor="test")
    drafts.replace_rules(book, [Rule("mj_*", 1000), Rule("mj_imagine", 700, "relax")])
    days = preview.Days(*PERIOD)

    def shown() -> preview.Preview:
        return preview.of(book, days=days, names_of=actions.names_of)

    before = shown()
    assert before.total.number > before.total.refused > 0 < before.total.would_earn
    closing.close_days()
    assert shown() == before
    for table in (EarnedDay, EarnedKey, EarnedKeyAction, EarnedKeyChannel):
        table._default_manager.filter(day__gt=PERIOD.first).delete()
    assert closing.closed_until() == PERIOD.first
    assert shown() == before


def test_they_are_read_from_the_closed_days(busy: Account) -> None:
    closing.close_days()
    EarnedDay.objects.filter(day__range=PERIOD).update(captures=1000)
    EarnedKey.objects.filter(day__range=PERIOD).update(captures=2000)
    EarnedKeyAction.objects.filter(day__range=PERIOD).update(captures=3000)
    EarnedKeyChannel.objects.filter(day__range=PERIOD).update(captures=5000)
    by_mode = reports.report(by=("mode",), period=PERIOD)
    by_key = reports.report(by=("key",), period=PERIOD)
    assert by_mode.total.captures % 1000 == 0 < by_mode.total.captures
    assert by_key.total.captures % 2000 == 0 < by_key.total.captures
    of_action = reports.report(by=("tenant", "action"), period=PERIOD)
    of_channel = reports.report(by=("channel", "key"), period=PERIOD)
    assert of_action.total.captures % 3000 == 0 < of_action.total.captures
    assert of_channel.total.captures % 5000 == 0 < of_channel.total.captures
    assert len(findings()) > 0


def test_the_line_that_ends_the_closed_days_is_none_of_a_report(busy: Account) -> None:
    closing.close_days()
    last = closing.closed_until()
    assert last is not None
    assert EarnedDay.objects.filter(day=last, captures=0, releases=0).exists()
    for by in (("day",), ("channel",), ("day", "action", "mode")):
        lines = reports.report(by=by, period=Period(PERIOD.first, last)).lines
        assert lines
        assert all(line.figures != reports.Figures() for line in lines)
    (total,) = reports.report(by=(), period=Period(last, last)).lines
    assert total.values == ()


def test_the_last_days_stay_open(busy: Account) -> None:
    closing.close_days()
    today = timezone.now().date()
    assert closing.closed_until() == today - timedelta(days=closing.OPEN_DAYS)


def test_what_is_closed_is_not_closed_again(busy: Account) -> None:
    closing.close_days()
    assert closing.close_days() == 0


def test_nothing_is_closed_before_what_is_not_rolled_up(busy: Account) -> None:
    draw_then(busy, date(2012, 3, 3), date(2012, 3, 3), steps=3)
    closing.close_days()
    closed = closing.closed_until()
    assert closed is not None
    assert closed < date(2012, 3, 3)


def test_an_entry_of_a_closed_day_opens_all_again(busy: Account) -> None:
    closing.close_days()
    draw_then(busy, PERIOD.first, PERIOD.last, steps=20)
    expected = all_reports()
    usage.roll_up()
    assert closing.closed_until() is None
    assert all_reports() == expected
    closing.close_days()
    assert all_reports() == expected
    assert findings() == []


def test_a_rebuild_opens_all_again(busy: Account) -> None:
    before = all_reports()
    closing.close_days()
    usage.rebuild(busy.wallet.pk)
    assert closing.closed_until() is None
    assert all_reports() == before
