"""Keeps work away from a channel that does not do it: a circuit breaker over a window of time.

Closed: all goes there. Open: too much of the window went wrong, nothing goes there for a while.
Half open: one task has been let through to see; its end closes the breaker or opens it for
longer. The state is in the channel's row, so all processes share it and feel every change at once
(common/models.py, Generation). What went wrong is counted from the attempts by
relay/submits/verdicts.py.

Each change is one conditional statement by the database's clock: of several who see the same, one
makes it and returns True.

A channel that works one time in three opens and closes all day. To people that is one incident:
it begins when the breaker opens, and ends when it has stayed closed for a whole window.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from channels.history import tell
from channels.models import Channel, ChannelEvent
from common import sql

# How much longer than a submit can take the one task of a half-open breaker is waited for, before
# another is let through.
HALF_OPEN_MARGIN_SECONDS = 10

_Breaker = Channel.Breaker
_END_INCIDENTS = """
UPDATE channels_channel channel SET incident_since = NULL
FROM (
    SELECT id, incident_since FROM channels_channel
    WHERE incident_since IS NOT NULL AND breaker = 'closed'
      AND breaker_since < now() - make_interval(secs => %(seconds)s)
    FOR NO KEY UPDATE SKIP LOCKED
) over_now
WHERE channel.id = over_now.id
RETURNING channel.id, channel.name, over_now.incident_since
"""


class Incident(NamedTuple):
    """One that is over."""

    channel_id: int
    name: str
    since: datetime


def should_open(*, results: int, faults: int) -> bool:
    """Whether this much of a window went wrong."""
    if results < settings.BREAKER_LEAST_RESULTS:
        return False
    return bool(faults >= results * settings.BREAKER_FAULT_SHARE)


def next_open_seconds(last: float) -> float:
    """How long to open after a breaker that was open for `last` seconds; 0: after none."""
    longer = max(last * 2, settings.BREAKER_FIRST_OPEN_SECONDS)
    return float(min(longer, settings.BREAKER_LONGEST_OPEN_SECONDS))


def half_open_seconds() -> float:
    """How long the task that was let through may take to be answered."""
    submit = settings.UPSTREAM_CONNECT_SECONDS + settings.UPSTREAM_SUBMIT_SECONDS
    return float(submit + HALF_OPEN_MARGIN_SECONDS)


def open_(channel_id: int, *, why: str) -> bool:
    """Opens a closed breaker."""
    return _open(Q(breaker=_Breaker.CLOSED), channel_id, seconds=next_open_seconds(0), why=why)


@transaction.atomic
def claim(channel_id: int) -> bool:
    """Lets one task through a breaker whose time is over. False: somebody else's is on its way."""
    due = Channel.objects.filter(pk=channel_id, breaker_until__lte=Now())
    claimed = due.exclude(breaker=_Breaker.CLOSED).update(
        breaker=_Breaker.HALF_OPEN, breaker_until=Now() + timedelta(seconds=half_open_seconds())
    )
    if claimed:
        tell(channel_id, ChannelEvent.Kind.HALF_OPENED, text="one task is let through")
    return bool(claimed)


def is_closed(channel_id: int) -> bool:
    return Channel.objects.filter(pk=channel_id, breaker=_Breaker.CLOSED).exists()


def fail(channel_id: int, *, why: str) -> bool:
    """The task that was let through went wrong: open again, for longer."""
    last = Channel.objects.filter(pk=channel_id).values_list("breaker_seconds", flat=True).first()
    seconds = next_open_seconds(last or 0)
    return _open(Q(breaker=_Breaker.HALF_OPEN), channel_id, seconds=seconds, why=why)


@transaction.atomic
def close(channel_id: int) -> bool:
    """It works again."""
    closed = (
        Channel.objects.filter(pk=channel_id)
        .exclude(breaker=_Breaker.CLOSED)
        .update(breaker=_Breaker.CLOSED, breaker_until=None, breaker_seconds=0, breaker_since=Now())
    )
    if closed:
        tell(channel_id, ChannelEvent.Kind.CLOSED, text="it has answered")
    return bool(closed)


def begin_incident(channel_id: int) -> bool:
    """False: it goes on."""
    rows = Channel.objects.filter(pk=channel_id, incident_since__isnull=True)
    return bool(rows.update(incident_since=Now()))


def end_incidents() -> list[Incident]:
    """Ends those whose breakers have stayed closed for a whole window."""
    rows = sql.fetch_all(_END_INCIDENTS, {"seconds": settings.BREAKER_WINDOW_SECONDS})
    return [Incident(*row) for row in rows]


@transaction.atomic
def _open(state: Q, channel_id: int, *, seconds: float, why: str) -> bool:
    opened = Channel.objects.filter(state, pk=channel_id).update(
        breaker=_Breaker.OPEN,
        breaker_until=Now() + timedelta(seconds=seconds),
        breaker_seconds=seconds,
        breaker_since=Now(),
    )
    if opened:
        tell(channel_id, ChannelEvent.Kind.OPENED, text=f"for {seconds:.0f} s: {why}")
    return bool(opened)
