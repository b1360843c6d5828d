"""How quick channels are: hours are added up once, and figures are the same before and after."""

from datetime import UTC, datetime, timedelta

import pytest

from channels.models import Channel
from common.partitions import weeks
from relay.models import Attempt, AttemptHour
from relay.watch import speeds
from relay.watch.speeds import Speed, Speeds
from tests.accounts import Account


def hour(*, ago: int = 0) -> datetime:
    """When it began."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=ago)


def attempt(account: Account, at: datetime, *, milliseconds: int | None, **fields: object) -> None:
    task_id = weeks.id_at(hour())
    number = Attempt.objects.filter(task_id=task_id).count() + 1
    told = {"outcome": Attempt.Outcome.REFUSED, **fields}
    Attempt.objects.create(
        task_id=task_id, channel=account.channel, number=number, milliseconds=milliseconds,
        created_at=at, **told,
    )  # fmt: skip


def read(account: Account) -> Speeds:
    return speeds.read([account.channel.pk])[account.channel.pk]


@pytest.fixture
def fresh(bystander: Account) -> Account:
    AttemptHour.objects.all().delete()
    return bystander


def test_an_hour_that_is_over_is_added_up_once(fresh: Account) -> None:
    closed = hour(ago=3)
    for milliseconds in (100, 200, 300, 400, 4000):
        attempt(fresh, closed + timedelta(minutes=5), milliseconds=milliseconds)
    attempt(fresh, closed + timedelta(minutes=59), milliseconds=None, is_fault=True)
    attempt(fresh, closed, milliseconds=None, outcome=Attempt.Outcome.SENDING)
    assert speeds.close_hours() > 0
    assert speeds.close_hours() == 0
    found = read(fresh).hours[closed]
    assert (found.number, found.good, found.faults, found.success_rate) == (6, 0, 1, 0)
    assert found.quantile(0.5) == pytest.approx(300, rel=0.1)
    assert found.quantile(0.95) == pytest.approx(4000, rel=0.1)
    assert read(fresh).last_day.number == 6
    assert read(fresh).last_hour.number == 0


def test_the_present_hour_counts_as_it_goes(fresh: Account) -> None:
    speeds.close_hours()
    now = datetime.now(UTC)
    attempt(fresh, now, milliseconds=80, outcome=Attempt.Outcome.MODAL)
    attempt(fresh, now, milliseconds=90)
    found = read(fresh)
    assert (found.last_hour.number, found.last_hour.success_rate) == (2, 0.5)
    assert (found.last_day.number, found.hours[hour()].number) == (2, 2)


def test_a_channel_without_attempts_has_no_rate_and_no_latency(fresh: Account) -> None:
    found = read(fresh)
    assert found.last_day == Speed()
    assert (found.last_day.success_rate, found.last_day.quantile(0.5)) == (None, None)
    assert len(found.hours) == speeds.HOURS


def test_what_is_old_goes(fresh: Account) -> None:
    for days, _ in enumerate("ab"):
        AttemptHour.objects.create(
            hour=hour(ago=1 + 24 * days * speeds.KEEP_DAYS),
            channel=Channel.objects.get(pk=fresh.channel.pk),
            bucket=1, number=1, good=1, faults=0,
        )  # fmt: skip
    assert speeds.sweep() == 1
    assert AttemptHour.objects.count() == 1
