"""The caps of a channel, counted from its tasks and attempts."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from channels import selection
from channels.errors import NoRoom
from channels.models import Channel
from common.partitions import weeks
from relay.models import Attempt, Task
from relay.submits import room
from relay.weeks import spans
from tests.accounts import Account
from tests.faults.place import begin

# Of the channel, one attempt a minute for two days; of another, as many this minute.
PAST = """
INSERT INTO relay_attempt (task_id, channel_id, number, outcome, is_fault, answer, created_at)
SELECT %(id)s - minute, %(channel)s, 1, 'accepted', false, '', now() - minute * interval '1 minute'
FROM generate_series(1, 2880) minute
UNION ALL
SELECT %(id)s - 10000 - place, %(other)s, 1, 'accepted', false, '', now()
FROM generate_series(1, 2880) place
"""


def has_room(account: Account, **caps: int | None) -> bool:
    none = {"concurrency": None, "rpm": None, "queue_depth": None}
    Channel.objects.filter(pk=account.channel.pk).update(**none | caps)
    upstream = selection.load(account.channel.pk)
    try:
        with room.reserved(upstream):
            pass
    except NoRoom:
        assert not room.has_room(upstream)
        return False
    assert room.has_room(upstream)
    return True


@pytest.fixture
def busy(bystander: Account) -> Account:
    """Five tasks: one ended, one drawn, one queued, two not heard of yet."""
    ids = [begin(bystander) for _ in range(5)]
    Task.objects.filter(pk=ids[0]).update(status="SUCCESS", next_poll_at=None)
    Task.objects.filter(pk=ids[1]).update(status="IN_PROGRESS")
    Task.objects.filter(pk=ids[2]).update(status="SUBMITTED")
    return bystander


@pytest.mark.parametrize(
    ("caps", "fits"),
    [
        ({}, True),
        ({"concurrency": 5}, True),
        ({"concurrency": 4}, False),
        ({"concurrency": 0}, False),
        ({"queue_depth": 4}, True),
        ({"queue_depth": 3}, False),
        ({"queue_depth": 0}, False),
        ({"rpm": 6}, True),
        ({"rpm": 5}, False),
        ({"rpm": 0}, False),
        ({"concurrency": 5, "queue_depth": 4, "rpm": 6}, True),
        ({"concurrency": 4, "queue_depth": 4, "rpm": 6}, False),
        ({"concurrency": 5, "queue_depth": 3, "rpm": 6}, False),
        ({"concurrency": 5, "queue_depth": 4, "rpm": 5}, False),
        ({"concurrency": 2**31 - 1, "queue_depth": 2**31 - 1, "rpm": 2**31 - 1}, True),
    ],
)
def test_what_fits(busy: Account, caps: dict[str, int], fits: bool) -> None:
    assert has_room(busy, **caps) is fits


def test_a_minute_later_there_is_room_again(busy: Account) -> None:
    assert not has_room(busy, rpm=5)
    Attempt.objects.filter(channel=busy.channel).update(
        created_at=timezone.now() - timedelta(seconds=61)
    )
    assert has_room(busy, rpm=1)


def test_other_channels_do_not_count(busy: Account) -> None:
    other = Channel.objects.create(name="other", kind="trueai", base_url="http://x.example")
    account = Account(busy.stack, busy.tenant, busy.token, busy.key, other)
    assert has_room(account, concurrency=1, rpm=1, queue_depth=1)


def test_the_submits_of_a_minute_are_found_without_all_that_were_before(busy: Account) -> None:
    other = Channel.objects.create(name="other", kind="trueai", base_url="http://x.example")
    with connection.cursor() as cursor:
        # Of an hour ago: nobody else has ids of that time.
        newest = weeks.id_at(timezone.now() - timedelta(hours=1))
        cursor.execute(PAST, {"id": newest, "channel": busy.channel.pk, "other": other.pk})
        cursor.execute("ANALYZE relay_attempt")
        asked = {"channel": busy.channel.pk, "rpm": 10, **spans.tried_within(60)._asdict()}
        cursor.execute(f"EXPLAIN {room._RECENT}", asked)
        plan = [row[0] for row in cursor.fetchall()]
    condition = next(line for line in plan if "Index Cond" in line)
    assert "channel_id" in condition
    assert "created_at" in condition
