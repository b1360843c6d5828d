"""What a channel still serves in each of its states, and who switches it."""

import pytest

from channels import selection, states
from channels.errors import NoChannel
from channels.models import Channel, ChannelEvent
from channels.states import SERVES, Service
from common.models import Generation
from tests.channels.conftest import NewChannel

# The promise, in words: what is said in README and openapi.json.
PROMISED = {
    "enabled": {"new work", "follow-ups", "polling"},
    "draining": {"follow-ups", "polling"},
    "disabled": {"polling"},
}


def gets_new_work(channel: Channel) -> bool:
    generation = Generation.objects.get(name="channels").value
    wanted = selection.Wanted(group=channel.groups[0], action="IMAGINE", mode="fast")
    try:
        return selection.pick(wanted, generation=generation).id == channel.pk
    except NoChannel:
        return False


@pytest.mark.parametrize("state", Channel.State.values)
def test_what_each_state_serves(new_channel: NewChannel, state: str) -> None:
    assert {service.value for service in SERVES[state]} == PROMISED[state]
    channel = new_channel(state=state)
    upstream = selection.load(channel.pk)
    assert gets_new_work(channel) is (Service.NEW_WORK in SERVES[state])
    assert upstream.follows_up is (Service.FOLLOW_UPS in SERVES[state])


@pytest.mark.parametrize("before", Channel.State.values)
@pytest.mark.parametrize("after", Channel.State.values)
def test_every_change_of_state_is_kept_with_who_and_why(
    new_channel: NewChannel, before: str, after: str
) -> None:
    channel = new_channel(state=before)
    changed = states.set_state(channel.pk, after, actor="ann", reason="a holiday")
    assert changed is (before != after)
    channel.refresh_from_db()
    assert (channel.state, channel.reason) == (after, "a holiday" if changed else "")
    told = [(row.kind, row.text, row.actor) for row in channel.events.order_by("pk")[1:]]
    assert told == ([(after, "a holiday", "ann")] if changed else [])


def test_a_reason_may_be_as_long_and_as_strange_as_it_likes(new_channel: NewChannel) -> None:
    channel = new_channel()
    assert states.set_state(channel.pk, "disabled", actor="", reason="x\x00y" * 1000)
    channel.refresh_from_db()
    assert len(channel.reason) == 500
    assert ChannelEvent.objects.filter(channel=channel, kind="disabled").count() == 1
