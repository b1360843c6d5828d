"""Channels and credentials that are full, or asked us to wait."""

import pytest

from channels import credentials, rests, selection
from channels.errors import NoRoom
from channels.models import Channel, ChannelEvent, Credential
from common.models import Generation
from tests.channels.conftest import NewChannel
from tests.channels.frozen import FrozenClock

WHY = "HTTP 429"


def pick(channel: Channel) -> selection.Upstream:
    generation = Generation.objects.get(name="channels").value
    wanted = selection.Wanted(group=channel.groups[0], action="IMAGINE", mode="fast")
    return selection.pick(wanted, generation=generation)


def told(channel: Channel) -> list[str]:
    rows = channel.events.filter(kind=ChannelEvent.Kind.RESTS).order_by("pk")
    return [row.text for row in rows]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(None, 5), (0, 1), (0.5, 1), (7, 7), (3600, 3600), (86_400, 3600), (1e9, 3600)],
)
def test_how_long_a_rest_is(asked: float | None, seconds: float) -> None:
    assert rests.length(asked) == seconds


def test_a_resting_channel_gets_nothing_and_says_when_it_wakes(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel(priority=9)
    second = new_channel(groups=channel.groups)
    assert rests.rest(pick(channel), seconds=20, why=WHY)
    assert pick(channel).id == second.pk
    Channel.objects.filter(pk=second.pk).update(state="draining")
    frozen.at(8)
    with pytest.raises(NoRoom) as refusal:
        pick(channel)
    assert refusal.value.retry_after == 12
    frozen.at(20)
    assert pick(channel).id == channel.pk
    assert told(channel) == ["for 20 s: HTTP 429"]


def test_a_longer_rest_is_left_alone_and_a_shorter_one_made_longer(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel()
    upstream = pick(channel)
    # (at, asked for, whether it counts, until)
    for at, asked, counts, until in (
        (0, 20.0, True, 20), (1, 5.0, False, 20), (2, 18.5, False, 20), (3, 60.0, True, 63),
    ):  # fmt: skip
        frozen.at(at)
        assert rests.rest(upstream, seconds=asked, why=WHY) is counts
        channel.refresh_from_db()
        assert channel.rests_until is not None
        assert channel.rests_until.timestamp() - frozen.now.timestamp() + at == until


def test_a_rest_that_goes_on_and_on_is_one_story(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel()
    upstream = pick(channel)
    for second in range(0, 3600, 10):
        frozen.at(second)
        assert rests.rest(upstream, seconds=None, why=WHY)
    assert len(told(channel)) == 1
    frozen.forward(rests.SAME_STORY_SECONDS + 6)
    rests.rest(upstream, seconds=None, why=WHY)
    assert len(told(channel)) == 2


def test_of_several_credentials_only_the_one_rests(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel(secret="one")
    credentials.add(channel, name="two", secret="two", actor="test")
    resting = pick(channel)
    assert rests.rest(resting, seconds=20, why=WHY)
    channel.refresh_from_db()
    assert channel.rests_until is None
    others = {pick(channel).secret for _ in range(30)}
    assert others == {"one", "two"} - {resting.secret}
    assert told(channel) == [f"{resting.credential} for 20 s: HTTP 429"]
    frozen.at(5)
    rests.rest(pick(channel), seconds=30, why=WHY)
    with pytest.raises(NoRoom) as refusal:
        pick(channel)
    assert refusal.value.retry_after == 15
    frozen.at(20)
    assert pick(channel).secret == resting.secret


def test_with_the_others_off_it_is_the_channel_that_rests(
    new_channel: NewChannel, frozen: FrozenClock
) -> None:
    channel = new_channel(secret="one")
    other = credentials.add(channel, name="two", secret="two", actor="test")
    credentials.change(other, is_active=False, actor="test")
    rests.rest(pick(channel), seconds=20, why=WHY)
    channel.refresh_from_db()
    assert channel.rests_until is not None
    assert not Credential.objects.filter(channel=channel, rests_until__isnull=False).exists()
