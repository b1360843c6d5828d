"""Rests: a channel, or one of its credentials, that is full or has asked us to wait (429).

Nothing new goes there until the rest is over; what it draws is followed all the same.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from channels.history import tell
from channels.models import Channel, ChannelEvent, Credential

if TYPE_CHECKING:
    from channels.selection import Upstream

# For an upstream that is full and does not say for how long.
REST_SECONDS = 5
LEAST_REST_SECONDS = 1
# Whatever it says: one task an hour does no harm, and a wrong date must not end a channel.
LONGEST_REST_SECONDS = 3600
# A rest is made longer only when that makes a difference.
WORTH_SECONDS = 1
# A rest that begins so soon after the last one is the same story, told once.
SAME_STORY_SECONDS = 300


def rest(upstream: "Upstream", *, seconds: float | None, why: str) -> bool:
    """`seconds`: what the upstream asks for, None when it does not say. It is the credential that
    rests where the channel has another one. A longer rest is left alone; False then."""
    wanted = length(seconds)
    own = upstream.credential_id
    if own is not None and _has_others(upstream.id, own):
        text = f"{upstream.credential} for {wanted:.0f} s: {why}"
        return _rest(Credential, own, upstream.id, wanted, text)
    return _rest(Channel, upstream.id, upstream.id, wanted, f"for {wanted:.0f} s: {why}")


def length(seconds: float | None) -> float:
    """How long to rest when an upstream asks for `seconds`."""
    if seconds is None:
        return REST_SECONDS
    return min(max(seconds, LEAST_REST_SECONDS), LONGEST_REST_SECONDS)


def _has_others(channel_id: int, credential_id: int) -> bool:
    active = Credential.objects.filter(channel_id=channel_id, is_active=True)
    return active.exclude(pk=credential_id).exists()


def _rest(model: Any, pk: int, channel_id: int, seconds: float, text: str) -> bool:
    until = timezone.now() + timedelta(seconds=seconds)
    rows = model.objects.filter(pk=pk)
    # Without a lock first: of many who are refused at once, most find it done.
    if not _is_worth_it(rows.values_list("rests_until", flat=True).first(), until):
        return False
    with transaction.atomic():
        was = rows.select_for_update(no_key=True).values_list("rests_until", flat=True).first()
        if not _is_worth_it(was, until):
            return False
        rows.update(rests_until=until)
        story = timedelta(seconds=SAME_STORY_SECONDS)
        if was is None or was < timezone.now() - story:
            tell(channel_id, ChannelEvent.Kind.RESTS, text=text)
    return True


def _is_worth_it(was: Any, until: Any) -> bool:
    return was is None or was < until - timedelta(seconds=WORTH_SECONDS)
