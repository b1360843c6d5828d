"""How quick channels are: hours are added up once, and figures are the same before and after."""

from datetime import UTC, datetime, timedelta

import pytest

from channels.models import Channel
from common.partitions import weeks
from relay.models import Attempt, AttemptHour
from relay.watch import speeds
from relay.watch.speeds import Speed, Speeds
from tests.accounts import Account

NOW = datetime.now(UTC)
THIS_HOUR = NOW.replace(minute=0, second=0, microsecond=0)
CLOSED = THIS_HOUR - timedelta(hours=3)
TASK = weeks.id_at(NOW)


def attempt(account: Account, at: datetime, *, milliseconds: int | None, **fields: object) -> None:
    number = Attempt.objects.filter(task_id=TASK).count() + 1
    told = {"outcome": Attempt.Outcome.REFUSED, **fields}
    Attempt.objects.create(
        task_id=TASK, channel=account.channel, number=number, milliseconds=milliseconds,
        created_at=at, **told,
    )  # fmt: skip


def read(account: Account) -> Speeds:
    return speeds.read([account.channel.pk])[account.channel.pk]


@pytest.fixture
def fresh(bystander: Account) -> Account:
    AttemptHour.objects.all().delete()
    return bystander


def test_an_hour_that_is_over_is_added_up_once(fresh: Account) -> None:
    for milliseconds in (100, 200, 300, 400, 4000):
        attempt(fresh, CLOSED + timedelta(minutes=5), milliseconds=milliseconds)
    attempt(fresh, CLOSED + timedelta(minutes=59), milliseconds=None, is_fault=True)
    attempt(fresh, CLOSED, milliseconds=None, outcome=Attempt.Outcome.SENDING)
    assert speeds.close_hours() > 0
    assert speeds.close_hours() == 0
    hour = read(fresh).hours[CLOSED]
    assert (hour.number, hour.good, hour.faults, hour.success_rate) == (6, 0, 1, 0)
    assert hour.quantile(0.5) == pytest.approx(300, rel=0.1)
    assert hour.quantile(0.95) == pytest.approx(4000, rel=0.1)
    assert read(fresh).last_day.number == 6
    assert read(fresh).last_hour.number == 0


def test_the_present_hour_counts_as_it_goes(fresh: Account) -> None:
    speeds.close_hours()
    attempt(fresh, NOW, milliseconds=80, outcome=Attempt.Outcome.MODAL)
    attempt(fresh, NOW, milliseconds=90)
    found = read(fresh)
    assert (found.last_hour.number, found.last_hour.success_rate) == (2, 0.5)
    assert (found.last_day.number, found.hours[THIS_HOUR].number) == (2, 2)


def test_a_channel_without_attempts_has_no_rate_and_no_latency(fresh: Account) -> None:
    found = read(fresh)
    assert found.last_day == Speed()
    assert (found.last_day.success_rate, found.last_day.quantile(0.5)) == (None, None)
    assert len(found.hours) == speeds.HOURS


def test_what_is_old_goes(fresh: Account) -> None:
    for days, _ in enumerate("ab"):
        AttemptHour.objects.create(
            hour=THIS_HOUR - timedelta(days=days * speeds.KEEP_DAYS, hours=1),
            channel=Channel.objects.get(pk=fresh.channel.pk),
            bucket=1, number=1, good=1, faults=0,
        )  # fmt: skip
    assert speeds.sweep() == 1
    assert AttemptHour.objects.count() == 1
