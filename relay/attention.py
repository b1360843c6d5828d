"""What an operator should look at: the reasons, in words. None: all is well."""

from collections.abc import Iterator, Mapping

from django.conf import settings

from channels.models import Channel
from relay import readiness
from relay.readiness import Standing
from relay.status import ChannelStatus, Proof, Status

# From how late on it is no busy moment any more. A look at a task or a try of a callback that its
# worker has died in is due again after its lease.
TASK_LATE_SECONDS = 60
CALLBACK_LATE_SECONDS = 120
NOTICE_LATE_SECONDS = 300
# A pulse is missed when so many ticks in a row did nothing, and then some for a busy machine.
MISSED_TICKS = 3
MISSED_MARGIN_SECONDS = 30
QUEUE_MESSAGES = 1000
# One a night, and it may take a while.
PROOF_AGE_SECONDS = 36 * 3600
PROOF_TAKES_SECONDS = 2 * 3600


def reasons(
    *,
    standing: Standing,
    web_answers: bool,
    queues: Mapping[str, int] | None,
    found: Status | None,
) -> list[str]:
    """`queues`: None when the broker does not answer; `found`: None when the database does not."""
    told = [*_servers(standing, web_answers, queues)]
    if found is not None:
        told += [*_work(found), *_books(found.proof), *_channels(found.channels)]
    return told


def _servers(
    standing: Standing, web_answers: bool, queues: Mapping[str, int] | None
) -> Iterator[str]:
    if standing.database != readiness.OK:
        yield f"the database: {standing.database}"
    if standing.redis != readiness.OK:
        yield f"Redis: {standing.redis}; limits are counted in PostgreSQL"
    if not web_answers:
        yield f"the web does not answer at {settings.PUBLIC_URL}"
    if queues is None:
        yield "the broker does not answer"
    for name, number in (queues or {}).items():
        if number >= QUEUE_MESSAGES:
            yield f"{number} messages wait in queue {name}: too few workers, or none"


def _work(found: Status) -> Iterator[str]:
    for name, tick in _ticks().items():
        age = found.pulses.get(name)
        if age is None:
            yield f"no worker has ever done any work of the kind {name!r}"
        elif age > tick * MISSED_TICKS + MISSED_MARGIN_SECONDS:
            yield (
                f"no worker has done any work of the kind {name!r} for {age:.0f} s: "
                "beat, the broker or the workers stand still"
            )
    if found.task_late > TASK_LATE_SECONDS:
        yield f"the oldest due task waits for {found.task_late:.0f} s to be looked at"
    if found.callback_late > CALLBACK_LATE_SECONDS:
        yield f"the oldest due callback waits for {found.callback_late:.0f} s to be sent"
    if found.notice_late > NOTICE_LATE_SECONDS:
        yield f"the oldest due notice waits for {found.notice_late:.0f} s to be sent"


def _ticks() -> dict[str, float]:
    """How often each pulse should beat (relay/celery.py), in seconds."""
    return {
        "poll": settings.POLL_TICK_SECONDS,
        "deliver": settings.CALLBACK_TICK_SECONDS,
        "default": settings.SWEEP_SECONDS,
        "roll-up": settings.USAGE_TICK_SECONDS,
    }


def _books(proof: Proof) -> Iterator[str]:
    if proof.contradictions:
        yield f"the last proof of the books has found {proof.contradictions} contradictions"
    if proof.age is not None and proof.age > PROOF_AGE_SECONDS:
        yield f"the books were last proven {proof.age / 3600:.0f} hours ago"
    if proof.overdue > PROOF_TAKES_SECONDS:
        hours = proof.overdue / 3600
        yield f"a proof of the books was begun {hours:.0f} hours ago and did not end"


def _channels(channels: list[ChannelStatus]) -> Iterator[str]:
    if not any(channel.state == Channel.State.ENABLED for channel in channels):
        yield "no channel is enabled"
    for channel in channels:
        if channel.state == Channel.State.DISABLED and channel.reason:
            yield f"channel {channel.name} is disabled: {channel.reason}"
        if channel.breaker != Channel.Breaker.CLOSED:
            yield f"channel {channel.name}: its breaker is {channel.breaker.replace('_', ' ')}"
        if channel.credentials_off and channel.state != Channel.State.DISABLED:
            yield f"channel {channel.name}: {channel.credentials_off} of its credentials are off"
