"""The breaker of a channel, by a clock that stands still."""

import pytest
from django.conf import LazySettings

from channels import breaker, selection, states
from channels.errors import NoChannel
from channels.models import Channel, ChannelEvent
from common.models import Generation
from tests.channels.conftest import NewChannel
from tests.channels.frozen import FrozenClock

WHY = "it stumbles"


@pytest.fixture(autouse=True)
def numbers(settings: LazySettings) -> None:
    settings.BREAKER_LEAST_RESULTS = 10
    settings.BREAKER_FAULT_SHARE = 0.5
    settings.BREAKER_FIRST_OPEN_SECONDS = 30
    settings.BREAKER_LONGEST_OPEN_SECONDS = 300
    settings.BREAKER_WINDOW_SECONDS = 300


@pytest.mark.parametrize(
    ("results", "faults", "opens"),
    [
        (0, 0, False), (9, 9, False), (10, 4, False), (10, 5, True), (10, 10, True),
        (11, 5, False), (11, 6, True), (1000, 499, False), (1000, 500, True),
    ],
)  # fmt: skip
def test_when_it_opens(results: int, faults: int, opens: bool) -> None:
    assert breaker.should_open(results=results, faults=faults) is opens


def test_how_long_it_stays_open() -> None:
    seconds, last = [], 0.0
    for _ in range(7):
        last = breaker.next_open_seconds(last)
        seconds.append(last)
    assert seconds == [30, 60, 120, 240, 300, 300, 300]


def kinds(channel: Channel) -> list[str]:
    rows = channel.events.exclude(kind=ChannelEvent.Kind.MADE).order_by("pk")
    return [row.kind.removeprefix("breaker_") for row in rows]


def pick(channel: Channel) -> int:
    generation = Generation.objects.get(name="channels").value
    wanted = selection.Wanted(group=channel.groups[0], action="IMAGINE", mode="fast")
    return selection.pick(wanted, generation=generation).id


def test_its_whole_life(new_channel: NewChannel, frozen: FrozenClock) -> None:
    channel = new_channel()
    at = channel.pk
    # (seconds, what is done, whether it has an effect, the state after it)
    life = [
        (0, lambda: breaker.fail(at, why=WHY), False, "closed"),
        (0, lambda: breaker.claim(at), False, "closed"),
        (0, lambda: breaker.close(at), False, "closed"),
        (0, lambda: breaker.open_(at, why=WHY), True, "open"),
        (0, lambda: breaker.open_(at, why=WHY), False, "open"),
        (29, lambda: breaker.claim(at), False, "open"),
        (30, lambda: breaker.claim(at), True, "half_open"),
        (30, lambda: breaker.claim(at), False, "half_open"),
        (31, lambda: breaker.fail(at, why=WHY), True, "open"),
        (31, lambda: breaker.fail(at, why=WHY), False, "open"),
        (90, lambda: breaker.claim(at), False, "open"),
        (91, lambda: breaker.claim(at), True, "half_open"),
        (92, lambda: breaker.fail(at, why=WHY), True, "open"),
        (211, lambda: breaker.claim(at), False, "open"),
        (212, lambda: breaker.claim(at), True, "half_open"),
        (213, lambda: breaker.close(at), True, "closed"),
        (213, lambda: breaker.close(at), False, "closed"),
        # From the beginning.
        (214, lambda: breaker.open_(at, why=WHY), True, "open"),
        (243, lambda: breaker.claim(at), False, "open"),
        (244, lambda: breaker.claim(at), True, "half_open"),
    ]
    for step, (seconds, do, has_effect, state) in enumerate(life):
        frozen.at(seconds)
        assert do() is has_effect, step
        channel.refresh_from_db()
        assert channel.breaker == state, step
    assert kinds(channel) == [
        "opened", "half_opened", "opened", "half_opened", "opened", "half_opened", "closed",
        "opened", "half_opened",
    ]  # fmt: skip
    first = channel.events.filter(kind=ChannelEvent.Kind.OPENED).earliest("pk")
    assert first.text == f"for 30 s: {WHY}"


def test_a_task_that_was_let_through_and_never_heard_of_makes_way_for_another(
    new_channel: NewChannel, frozen: FrozenClock, settings: LazySettings
) -> None:
    settings.UPSTREAM_CONNECT_SECONDS, settings.UPSTREAM_SUBMIT_SECONDS = 5.0, 60.0
    at = new_channel().pk
    breaker.open_(at, why=WHY)
    frozen.at(30)
    assert breaker.claim(at)
    frozen.at(30 + 74)
    assert not breaker.claim(at)
    frozen.at(30 + 75)
    assert breaker.claim(at)


def test_selection_follows_it(new_channel: NewChannel, frozen: FrozenClock) -> None:
    first = new_channel(priority=9)
    second = new_channel(groups=first.groups)
    assert pick(first) == first.pk
    breaker.open_(first.pk, why=WHY)
    frozen.at(29.9)
    assert pick(first) == second.pk
    # Then it is asked first again; who gets it through, room.reserved decides.
    frozen.at(30)
    assert pick(first) == first.pk
    breaker.claim(first.pk)
    assert pick(first) == second.pk
    breaker.close(first.pk)
    assert pick(first) == first.pk


def test_without_another_channel_the_tenant_is_told_when_to_come_back(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel()
    breaker.open_(channel.pk, why=WHY)
    frozen.at(10.5)
    with pytest.raises(NoChannel) as refusal:
        pick(channel)
    assert refusal.value.retry_after == 20


def test_an_operator_who_enables_it_closes_its_breaker(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel()
    breaker.open_(channel.pk, why=WHY)
    breaker.begin_incident(channel.pk)
    assert states.set_state(channel.pk, "enabled", actor="ann")
    channel.refresh_from_db()
    assert (channel.breaker, channel.breaker_until, channel.incident_since) == (
        "closed", None, None
    )  # fmt: skip
    assert not states.set_state(channel.pk, "enabled", actor="ann")


def test_an_incident_ends_when_it_has_been_quiet_for_a_whole_window(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel()
    breaker.open_(channel.pk, why=WHY)
    assert breaker.begin_incident(channel.pk)
    assert not breaker.begin_incident(channel.pk)
    frozen.at(1000)
    assert not breaker.end_incidents(), "it is open"
    breaker.close(channel.pk)
    frozen.at(1200)
    assert not breaker.end_incidents()
    breaker.open_(channel.pk, why=WHY)
    assert not breaker.begin_incident(channel.pk), "it goes on"
    frozen.at(1230)
    breaker.claim(channel.pk)
    breaker.close(channel.pk)
    frozen.at(1530)
    assert not breaker.end_incidents()
    frozen.at(1531)
    (over,) = breaker.end_incidents()
    assert (over.channel_id, over.since.timestamp()) == (channel.pk, frozen.now.timestamp() - 1531)
    assert not breaker.end_incidents()


def test_a_change_that_changes_nothing_makes_nobody_read_the_list_again(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel()
    breaker.open_(channel.pk, why=WHY)
    before = Generation.objects.get(name="channels").value
    assert not breaker.open_(channel.pk, why=WHY)
    assert not breaker.claim(channel.pk)
    assert Generation.objects.get(name="channels").value == before
    assert breaker.close(channel.pk)
    assert Generation.objects.get(name="channels").value > before
