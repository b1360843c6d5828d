"""Channels that many work with at the same moment: each change of a breaker or a credential is made
once."""

import itertools
from collections import Counter
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from billing.models import Notice
from channels import breaker, credentials, rests, selection
from channels.errors import NoRoom, Refusal, Rejected
from channels.models import Channel
from common.partitions import weeks
from relay.models import Attempt
from relay.submits import room, verdicts
from tests.accounts import open_account, open_channel
from tests.races.together import raised, together
from tests.stack import Stack

THREADS = 20
_tasks = itertools.count(weeks.id_at(timezone.now()))


@pytest.fixture
def channel(own_database_url: str, tmp_path: Path) -> Channel:
    stack = Stack(folder=tmp_path, env={}, drawing_seconds=1)
    return open_channel(stack, group="races")


def events(channel: Channel) -> list[str]:
    return [row.kind for row in channel.events.order_by("pk")]


def notices(channel: Channel) -> list[str]:
    rows = Notice.objects.filter(data__channel_id=channel.pk).order_by("pk")
    return [row.kind for row in rows]


def test_twenty_who_see_the_same_faults_open_it_once(
    channel: Channel, settings: LazySettings
) -> None:
    settings.BREAKER_LEAST_RESULTS = 10
    for _ in range(THREADS):
        Attempt.objects.create(
            task_id=next(_tasks), channel=channel, outcome="refused", is_fault=True
        )
    fault = Rejected("HTTP 500", refusal=Refusal.OTHER, next_channel=True, is_fault=True)
    upstream = selection.load(channel.pk)
    results = together([lambda: verdicts.refused(upstream, fault)] * THREADS)
    assert raised(results) == []
    assert (events(channel), notices(channel)) == (["breaker_opened"], ["channel.opened"])


def test_of_twenty_one_is_let_through(channel: Channel) -> None:
    breaker.open_(channel.pk, why="a test")
    Channel.objects.filter(pk=channel.pk).update(breaker_until=timezone.now())
    upstream = selection.load(channel.pk)

    def try_it() -> bool:
        with room.reserved(upstream):
            return True

    results = together([try_it] * THREADS)
    assert results.count(True) == 1
    assert all(isinstance(no, room.NotLetThrough) for no in raised(results))
    assert events(channel) == ["breaker_opened", "breaker_half_opened"]


def test_who_is_let_through_and_comes_to_nothing_makes_way_at_once(channel: Channel) -> None:
    """Its tenant has no money, for example."""
    breaker.open_(channel.pk, why="a test")
    Channel.objects.filter(pk=channel.pk).update(breaker_until=timezone.now())
    upstream = selection.load(channel.pk)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), room.reserved(upstream):
            raise ZeroDivisionError
    with room.reserved(upstream):
        pass
    assert events(channel) == ["breaker_opened", "breaker_half_opened"]


def test_its_success_and_its_failure_at_once_end_in_one_of_the_two(channel: Channel) -> None:
    breaker.open_(channel.pk, why="a test")
    Channel.objects.filter(pk=channel.pk).update(breaker_until=timezone.now())
    assert breaker.claim(channel.pk)
    results = together(
        [lambda: breaker.close(channel.pk), lambda: breaker.fail(channel.pk, why="a test")] * 10
    )
    assert raised(results) == []
    channel.refresh_from_db()
    assert channel.breaker == "closed", "a success counts for more, whoever came first"
    assert events(channel).count("breaker_closed") == 1


def test_twenty_refusals_of_three_credentials_end_in_one_disabling(channel: Channel) -> None:
    for name in ("one", "two", "three"):
        credentials.add(channel, name=name, secret=name, actor="test")
    upstreams = [selection.load(channel.pk, own.pk) for own in channel.credentials.all()]
    no = Rejected("HTTP 401", refusal=Refusal.BAD_CREDENTIAL, next_channel=True)
    results = together([lambda u=u: verdicts.refused(u, no) for u in upstreams * 7])
    assert raised(results) == []
    kinds = Counter(events(channel))
    assert kinds == {"credential_made": 3, "credential_off": 3, "disabled": 1}
    told = Counter(notices(channel))
    assert told == {"channel.credential_refused": 2, "channel.disabled": 1}


def test_twenty_who_are_told_to_wait_are_one_rest(channel: Channel) -> None:
    upstream = selection.load(channel.pk)
    results = together([lambda: rests.rest(upstream, seconds=30, why="HTTP 429")] * THREADS)
    assert results.count(True) == 1
    assert events(channel) == ["rests"]


def test_a_refusal_a_rest_and_an_opening_do_not_wait_for_each_other_in_a_circle(
    channel: Channel,
) -> None:
    credentials.add(channel, name="one", secret="one", actor="test")
    upstream = selection.load(channel.pk)
    results = together(
        [
            lambda: credentials.refused(upstream, why="HTTP 401"),
            lambda: rests.rest(upstream, seconds=30, why="HTTP 429"),
            lambda: breaker.open_(channel.pk, why="a test"),
            lambda: breaker.close(channel.pk),
        ]
        * 6
    )
    assert raised(results) == []


def test_a_queue_that_is_full_is_full(own_database_url: str, tmp_path: Path) -> None:
    account = open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1))
    Channel.objects.filter(pk=account.channel.pk).update(queue_depth=0)
    upstream = selection.load(account.channel.pk)
    with pytest.raises(NoRoom), room.reserved(upstream):
        raise AssertionError
