"""What an operator should look at: the reasons, in words. None: all is well."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from channels.models import Channel
from relay.watch import readiness
from relay.watch.readiness import Standing
from relay.watch.status import ChannelStatus, Proof, Status

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


class About(StrEnum):
    """Where it is mended."""

    SERVERS = "servers"
    TASKS = "tasks"
    CALLBACKS = "callbacks"
    NOTICES = "notices"
    BOOKS = "books"
    CHANNELS = "channels"


class Reason(NamedTuple):
    """`text`: in the language of whoever asks. `channel_id`: None where it is about no single
    one."""

    about: About
    text: str
    channel_id: int | None = None


def reasons(
    *,
    standing: Standing,
    web_answers: bool,
    queues: Mapping[str, int] | None,
    found: Status | None,
    web_url: str = "",
) -> list[Reason]:
    """`queues`: None when the broker does not answer; `found`: None when the database does not.
    `web_url`: where the web was asked; "": at PUBLIC_URL."""
    silent_at = "" if web_answers else web_url or settings.PUBLIC_URL
    told = [*_servers(standing, silent_at, queues)]
    if found is not None:
        told += [*_work(found), *_books(found.proof), *_channels(found.channels)]
    return told


def _servers(
    standing: Standing, silent_at: str, queues: Mapping[str, int] | None
) -> Iterator[Reason]:
    if standing.database != readiness.OK:
        yield _server(_("the database: %(error)s") % {"error": standing.database})
    if standing.redis != readiness.OK:
        told = {"error": standing.redis}
        yield _server(_("Redis: %(error)s; limits are counted in PostgreSQL") % told)
    if standing.parts != readiness.OK:
        yield _server(_("the tables' weekly parts: %(error)s") % {"error": standing.parts})
    if silent_at:
        yield _server(_("the web does not answer at %(url)s") % {"url": silent_at})
    if queues is None:
        yield _server(_("the broker does not answer"))
    for name, number in (queues or {}).items():
        if number >= QUEUE_MESSAGES:
            text = _("%(number)d messages wait in queue %(name)s: too few workers, or none")
            yield _server(text % {"number": number, "name": name})


def _server(text: str) -> Reason:
    return Reason(About.SERVERS, text)


def _work(found: Status) -> Iterator[Reason]:
    for name, tick in _ticks().items():
        age = found.pulses.get(name)
        if age is None:
            text = _("no worker has ever done any work of the kind '%(name)s'")
            yield _server(text % {"name": name})
        elif age > tick * MISSED_TICKS + MISSED_MARGIN_SECONDS:
            text = _(
                "no worker has done any work of the kind '%(name)s' for %(seconds)d s: "
                "beat, the broker or the workers stand still"
            )
            yield _server(text % {"name": name, "seconds": round(age)})
    if found.task_late > TASK_LATE_SECONDS:
        text = _("the oldest due task waits for %(seconds)d s to be looked at")
        yield Reason(About.TASKS, text % {"seconds": round(found.task_late)})
    if found.callback_late > CALLBACK_LATE_SECONDS:
        text = _("the oldest due callback waits for %(seconds)d s to be sent")
        yield Reason(About.CALLBACKS, text % {"seconds": round(found.callback_late)})
    if found.notice_late > NOTICE_LATE_SECONDS:
        text = _("the oldest due notice waits for %(seconds)d s to be sent")
        yield Reason(About.NOTICES, text % {"seconds": round(found.notice_late)})


def _ticks() -> dict[str, float]:
    """How often each pulse should beat (relay/celery.py), in seconds."""
    return {
        "poll": settings.POLL_TICK_SECONDS,
        "deliver": settings.CALLBACK_TICK_SECONDS,
        "default": settings.SWEEP_SECONDS,
        "roll-up": settings.USAGE_TICK_SECONDS,
    }


def _books(proof: Proof) -> Iterator[Reason]:
    if proof.contradictions:
        text = _("the last proof of the books has found %(number)d contradictions")
        yield Reason(About.BOOKS, text % {"number": proof.contradictions})
    if proof.age is not None and proof.age > PROOF_AGE_SECONDS:
        text = _("the books were last proven %(hours)d hours ago")
        yield Reason(About.BOOKS, text % {"hours": round(proof.age / 3600)})
    if proof.overdue > PROOF_TAKES_SECONDS:
        text = _("a proof of the books was begun %(hours)d hours ago and did not end")
        yield Reason(About.BOOKS, text % {"hours": round(proof.overdue / 3600)})


def _channels(channels: list[ChannelStatus]) -> Iterator[Reason]:
    if not any(channel.state == Channel.State.ENABLED for channel in channels):
        yield Reason(About.CHANNELS, _("no channel is enabled"))
    for channel in channels:
        for text in _of_channel(channel):
            yield Reason(About.CHANNELS, text, channel.id)


def _of_channel(channel: ChannelStatus) -> Iterator[str]:
    name: dict[str, object] = {"name": channel.name}
    if channel.state == Channel.State.DISABLED and channel.reason:
        yield _("channel %(name)s is disabled: %(reason)s") % (name | {"reason": channel.reason})
    if channel.breaker == Channel.Breaker.OPEN:
        yield _("channel %(name)s: its breaker is open") % name
    if channel.breaker == Channel.Breaker.HALF_OPEN:
        yield _("channel %(name)s: its breaker is half open") % name
    if channel.credentials_off and channel.state != Channel.State.DISABLED:
        text = _("channel %(name)s: %(number)d of its credentials are off")
        yield text % (name | {"number": channel.credentials_off})
