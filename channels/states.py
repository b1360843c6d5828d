"""The states of a channel: what each still serves, who changes them; when and why is kept."""

import enum

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from channels.history import fitting, tell
from channels.models import Channel, ChannelEvent, Credential

# What the first credential of a channel is called.
FIRST = "main"


class Service(enum.Enum):
    NEW_WORK = "new work"
    # Upscales, variations, confirmations, seeds: what only the channel of the parent can do.
    FOLLOW_UPS = "follow-ups"
    # Whatever happens to a channel, what it draws is looked at until it ends.
    POLLING = "polling"


SERVES: dict[str, frozenset[Service]] = {
    Channel.State.ENABLED: frozenset(Service),
    Channel.State.DRAINING: frozenset({Service.FOLLOW_UPS, Service.POLLING}),
    Channel.State.DISABLED: frozenset({Service.POLLING}),
}
_EVENTS = {
    Channel.State.ENABLED: ChannelEvent.Kind.ENABLED,
    Channel.State.DRAINING: ChannelEvent.Kind.DRAINING,
    Channel.State.DISABLED: ChannelEvent.Kind.DISABLED,
}
# What enabling forgets.
_FRESH: dict[str, object] = {
    "breaker": Channel.Breaker.CLOSED,
    "breaker_until": None,
    "breaker_seconds": 0,
    "breaker_since": Now(),
    "incident_since": None,
    "rests_until": None,
}


@transaction.atomic
def make(channel: Channel, *, secret: str, actor: str) -> Channel:
    """Saves a new channel, with its first credential if it needs one."""
    channel.save()
    if secret:
        Credential.objects.create(channel=channel, name=FIRST, secret=secret)
    tell(channel.pk, ChannelEvent.Kind.MADE, actor=actor)
    return channel


@transaction.atomic
def set_state(channel_id: int, state: str, *, actor: str, reason: str = "") -> bool:
    """Enables, drains or disables. Enabling forgets breaker and rest, also of a channel that is
    enabled already. False: nothing was to be changed."""
    differs = ~Q(state=state)
    changes: dict[str, object] = {"state": state, "reason": fitting(reason)}
    if state == Channel.State.ENABLED:
        differs |= ~Q(breaker=Channel.Breaker.CLOSED) | Q(rests_until__gt=Now())
        changes |= _FRESH
    if not Channel.objects.filter(differs, pk=channel_id).update(**changes):
        return False
    tell(channel_id, _EVENTS[Channel.State(state)], text=reason, actor=actor)
    return True
