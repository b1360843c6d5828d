"""How all channels stand, on one screen."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count
from django.utils import timezone

from channels.models import Channel, Probe
from common.text_tables import lines
from relay.models import Task

HEAD = (
    "channel", "kind", "state", "breaker", "credentials", "last probe", "priority", "tasks",
    "at once", "a minute", "queued",
)  # fmt: skip
NAMES = 6
ANY = "any"


class Command(BaseCommand):
    help = "Shows the channels: their states, breakers, caps, credentials and last free probes."

    def handle(self, *args: Any, **options: Any) -> None:
        live = dict(
            Task.objects.live().order_by().values_list("channel").annotate(number=Count("pk"))
        )
        channels = Channel.objects.prefetch_related("credentials").order_by("-priority", "name")
        rows = [_row(channel, live.get(channel.pk, 0)) for channel in channels]
        if not rows:
            self.stdout.write("there are no channels; add_channel makes one")
            return
        for line in lines([HEAD, *rows], names=NAMES):
            self.stdout.write(line)
        for channel in channels:
            for name, reason in _reasons(channel):
                self.stdout.write(f"{name}: {reason}")


def _row(channel: Channel, live: int) -> Sequence[str]:
    caps = (channel.concurrency, channel.rpm, channel.queue_depth)
    return (
        channel.name,
        channel.kind,
        channel.state,
        _breaker(channel),
        _credentials(channel),
        _probe(channel),
        str(channel.priority),
        str(live),
        *(ANY if cap is None else str(cap) for cap in caps),
    )


def _breaker(channel: Channel) -> str:
    now = timezone.now()
    if channel.breaker_until is not None:
        left = (channel.breaker_until - now).total_seconds()
        return f"{channel.breaker}, {max(left, 0):.0f} s left"
    if channel.rests_until is not None and channel.rests_until > now:
        return f"rests for {(channel.rests_until - now).total_seconds():.0f} s"
    return channel.breaker


def _credentials(channel: Channel) -> str:
    rows = list(channel.credentials.all())
    return f"{sum(row.is_active for row in rows)} of {len(rows)}" if rows else "none needed"


def _probe(channel: Channel) -> str:
    last = Probe.objects.filter(channel=channel).order_by("-pk").first()
    if last is None:
        return "none yet"
    if not last.is_ok:
        return "fails"
    room = "" if last.headroom is None else f", room for {last.headroom}"
    return f"{last.milliseconds} ms{room}"


def _reasons(channel: Channel) -> list[tuple[str, str]]:
    """What is wrong, and with what."""
    found = [(channel.name, channel.reason)]
    found += [(str(row), row.reason) for row in channel.credentials.all() if not row.is_active]
    return [(name, reason) for name, reason in found if reason]
