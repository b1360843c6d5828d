"""How things stand, for /metrics: read when somebody asks, whichever process he asks."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from billing.models import Entry
from channels.models import Channel
from common.money import UNIT
from relay.celery import app
from relay.models import OPEN
from relay.serving import broker
from relay.watch import status
from relay.watch.metrics import CHANNELS_MAX, OTHER
from relay.watch.status import ChannelStatus, Status
from relay.watch.turnover import Turnover

# The higher, the worse: of the channels that share the label "other", the worst is shown.
BREAKERS = {Channel.Breaker.CLOSED: 0, Channel.Breaker.HALF_OPEN: 1, Channel.Breaker.OPEN: 2}
STATES = {Channel.State.ENABLED: 0, Channel.State.DRAINING: 1, Channel.State.DISABLED: 2}

# Attributes of Status that are one number each.
_NUMBERS = {
    "task_late": ("relay_poll_lag_seconds", "How long the oldest due task is overdue."),
    "callback_late": ("relay_callback_lag_seconds", "How long the oldest due callback is overdue."),
    "callbacks_pending": ("relay_callbacks_pending", "Callbacks that have not arrived yet."),
    "hooks_off": ("relay_hooks_off", "Hooks that are switched off because they failed too long."),
    "notice_late": ("relay_notice_lag_seconds", "How long the oldest due notice is overdue."),
    "notices_pending": ("relay_notices_pending", "Notices that have not arrived yet."),
    "results_pending": ("relay_results_pending", "Files of results that are to be copied."),
    "unknown_outcomes": (
        "relay_unknown_outcomes",
        "Open tasks of which nobody knows whether an upstream has them.",
    ),
    "written_off": (
        "relay_tasks_written_off",
        "Tasks drawn after they were given up, and never paid for.",
    ),
}


class Gauges(Collector):
    def collect(self) -> Iterator[Metric]:
        found = status.read()
        yield _gauge("relay_database_up", "1 when the database has told all this.", bool(found))
        if found:
            yield from _of(found)
        yield from _of_broker()


def _of(found: Status) -> Iterator[Metric]:
    for attribute, (name, text) in _NUMBERS.items():
        yield _gauge(name, text, getattr(found, attribute))
    tasks = GaugeMetricFamily("relay_tasks_open", "Tasks that have not ended.", labels=["status"])
    for word in OPEN:
        tasks.add_metric([word], found.tasks.get(word, 0))
    yield tasks
    pulses = GaugeMetricFamily(
        "relay_pulse_age_seconds", "Since this kind of work was last done.", labels=["work"]
    )
    for name, age in found.pulses.items():
        pulses.add_metric([name], age)
    yield pulses
    yield from _of_money(found.money)
    if found.parts_until is not None:
        text = "Up to when the tables have weekly parts; what comes later cannot be stored."
        yield _gauge("relay_parts_until_timestamp_seconds", text, found.parts_until)
    if found.proof.age is not None:
        text = "Since the books were last proven."
        yield _gauge("relay_proof_age_seconds", text, found.proof.age)
        text = "What the last proof of the books has found to contradict."
        yield _gauge("relay_proof_contradictions", text, found.proof.contradictions)
    yield from _of_channels(found.channels)


def _of_money(found: Turnover) -> Iterator[Metric]:
    text = "Money in all live wallets, in units of the currency."
    yield _gauge("relay_money_balance", text, found.balance / UNIT)
    text = "What of it is held for tasks under way."
    yield _gauge("relay_money_held", text, found.held / UNIT)
    today = GaugeMetricFamily(
        "relay_money_today", "What has moved since midnight (UTC), by kind.", labels=["kind"]
    )
    for kind in Entry.Kind.values:
        today.add_metric([kind], found.today.get(kind, 0) / UNIT)
    yield today


def _of_channels(channels: list[ChannelStatus]) -> Iterator[Metric]:
    named = {channel.name: [channel] for channel in channels[:CHANNELS_MAX]}
    if others := channels[CHANNELS_MAX:]:
        named.setdefault(OTHER, []).extend(others)
    of_tasks = _by_channel("relay_channel_tasks_open", "Open tasks of a channel.")
    of_lag = _by_channel("relay_channel_poll_lag_seconds", "How long its oldest due task is late.")
    of_state = _by_channel("relay_channel_state", "0 enabled, 1 draining, 2 disabled.")
    of_breaker = _by_channel("relay_channel_breaker", "0 closed, 1 half open, 2 open.")
    of_rest = _by_channel("relay_channel_rests", "1 while it is full or has asked us to wait.")
    of_probe = _by_channel("relay_channel_probe_ok", "Whether its newest probe was answered.")
    of_seconds = _by_channel("relay_channel_probe_seconds", "How long that one took.")
    of_headroom = _by_channel("relay_channel_headroom", "Tasks that it says it could take.")
    for name, own in named.items():
        label = [name]
        of_tasks.add_metric(label, sum(one.open_tasks for one in own))
        of_lag.add_metric(label, max(one.late for one in own))
        of_state.add_metric(label, max(STATES[Channel.State(one.state)] for one in own))
        of_breaker.add_metric(label, max(BREAKERS[Channel.Breaker(one.breaker)] for one in own))
        of_rest.add_metric(label, any(one.rests for one in own))
        if probed := [one for one in own if one.probe_is_ok is not None]:
            of_probe.add_metric(label, all(one.probe_is_ok for one in probed))
            of_seconds.add_metric(label, max(one.probe_seconds or 0 for one in probed))
        if told := [one.headroom for one in own if one.headroom is not None]:
            of_headroom.add_metric(label, sum(told))
    yield from (of_tasks, of_lag, of_state, of_breaker, of_rest, of_probe, of_seconds, of_headroom)


def _of_broker() -> Iterator[Metric]:
    lengths = broker.lengths(app)
    up = lengths is not None
    yield _gauge("relay_broker_up", "1 when the broker tells how full its queues are.", up)
    if lengths is None:
        return
    queues = GaugeMetricFamily(
        "relay_queue_messages", "Messages that no worker has taken yet.", labels=["queue"]
    )
    for name, number in lengths.items():
        queues.add_metric([name], number)
    yield queues


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _by_channel(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=["channel"])
