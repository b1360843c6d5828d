"""What an operator's Prometheus reads at /metrics (docs/metrics.md).

What happens is counted by each process for itself, in files of METRICS_DIR, and whoever is asked
adds up all of this machine's. How things stand (gauges.py) is read when somebody asks, so it is
right whoever answers.

None of this may ever harm what it counts: where the files cannot be written, nothing is counted.
"""

import logging
import os
import time
from collections.abc import Callable
from functools import cache, wraps
from threading import Lock
from typing import NamedTuple, ParamSpec

from django.conf import settings
from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

# The library asks for it when it is loaded.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

from billing import limits
from billing.errors import RateLimited
from billing.limits import Limit, Standing
from channels.errors import OutcomeUnknown, Rejected, Unreachable
from common import logs
from relay.watch import slots

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Asked by ourselves, so that the answer is true also where nobody else asks anything.
PROBE = Limit("limits:probe", 1_000_000, "this site", "probes")
# What may stand in the label "channel": so many names; all further channels are this one.
CHANNELS_MAX = 200
OTHER = "other"
# So long it is believed who counts limits: to say it takes as long as to count.
DEGRADED_SECONDS = 1.0
CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

values.ValueClass = values.MultiProcessValue(process_identifier=slots.known)  # type: ignore[no-untyped-call]

P = ParamSpec("P")


class _Metrics:
    """Made at their first use: each makes files, and a short command needs none."""

    def __init__(self) -> None:
        slots.take()
        self.limits_degraded = Gauge(
            "relay_limits_degraded",
            "1 while limits are counted in PostgreSQL, because Redis fails.",
            multiprocess_mode="mostrecent",
        )
        self.limit_decisions = Counter(
            "relay_limit_decisions",
            "Requests that a limit has allowed or refused, and who has counted them.",
            ["kind", "source", "outcome"],
        )
        self.submits = Counter("relay_submits", "What became of submits.", ["outcome"])
        self.calls = Histogram(
            "relay_upstream_call_seconds",
            "How long upstreams took to answer, or we to give up.",
            ["channel", "call"],
            buckets=CALL_SECONDS,
        )
        self.call_failures = Counter(
            "relay_upstream_call_failures",
            "Calls to upstreams that did not bring what was asked for.",
            ["channel", "call", "kind"],
        )
        self.malformed_rows = Counter(
            "relay_malformed_rows",
            "What stood in upstreams' lists of tasks and was no task object.",
            ["channel"],
        )
        self.callback_tries = Counter(
            "relay_callback_tries", "Tries to deliver a callback.", ["outcome"]
        )


_making = Lock()


def _metrics() -> _Metrics:
    # Several who count for the first time must not make them several times: names exist once.
    with _making:
        return _made()


@cache
def _made() -> _Metrics:
    return _Metrics()


def _harmless(count: Callable[P, None]) -> Callable[P, None]:
    """A full disk, or a folder that is not ours, is said once."""
    was_said = False

    @wraps(count)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        nonlocal was_said
        try:
            count(*args, **kwargs)
        except Exception:
            if not was_said:
                was_said = True
                logger.exception("metrics cannot be kept in %s", settings.METRICS_DIR)

    return wrapped


@_harmless
def limited(kind: str, standing: Standing, *, outcome: str) -> None:
    """A limit was asked about a "submit", "fetch" or "manage", and "allowed" or "refused" it."""
    is_degraded, now = standing.source != limits.REDIS, time.monotonic()
    if is_degraded != _told.is_degraded or now - _told.at > DEGRADED_SECONDS:
        _tell_degraded(is_degraded)
    _decisions(kind, standing.source, outcome).inc()


@_harmless
def submitted(outcome: str) -> None:
    """A submit was answered: "accepted", "unknown", "replayed", or the type of its refusal."""
    _submits(outcome).inc()


@_harmless
def malformed(channel: str, number: int) -> None:
    """An upstream has said so many things that nobody can read."""
    _metrics().malformed_rows.labels(_label(channel)).inc(number)


@_harmless
def callback_tried(outcome: str) -> None:
    """A try to deliver a callback has "delivered" it, has "failed", or was the last: "given_up"."""
    _metrics().callback_tries.labels(outcome).inc()


class UpstreamCall:
    """A call to an upstream is made inside: "submit" or "poll". Its logs tell the channel."""

    __slots__ = ("_began", "_call", "_channel", "_logged")

    def __init__(self, channel: str, call: str) -> None:
        self._channel, self._call = channel, call

    def __enter__(self) -> None:
        self._logged = logs.push(channel=self._channel)
        self._began = time.perf_counter()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        seconds = time.perf_counter() - self._began
        logs.pop(self._logged)
        _called(self._channel, self._call, seconds, _failure(error))


def text() -> bytes:
    """All of it, in Prometheus' own format."""
    from relay.watch import gauges

    registry = CollectorRegistry()
    _probe()
    if settings.METRICS_DIR.is_dir():
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(gauges.Gauges())
    return generate_latest(registry)


@_harmless
def serve() -> None:
    """For a worker that no web process shares METRICS_DIR with: it tells the counters by itself, at
    METRICS_PORT. How things stand any web tells."""
    if settings.METRICS_PORT:
        settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        start_http_server(settings.METRICS_PORT, registry=registry)


@_harmless
def _called(channel: str, call: str, seconds: float, failure: str) -> None:
    label = _label(channel)
    _calls(label, call).observe(seconds)
    if failure:
        _metrics().call_failures.labels(label, call, failure).inc()


# Finding a metric by its labels takes as long as counting.
@cache
def _decisions(kind: str, source: str, outcome: str) -> Counter:
    return _metrics().limit_decisions.labels(kind=kind, source=source, outcome=outcome)


@cache
def _submits(outcome: str) -> Counter:
    return _metrics().submits.labels(outcome)


@cache
def _calls(channel: str, call: str) -> Histogram:
    return _metrics().calls.labels(channel, call)


def _failure(error: BaseException | None) -> str:
    if error is None:
        return ""
    kinds = {Unreachable: "unreachable", OutcomeUnknown: "unknown", Rejected: "refused"}
    return next((word for kind, word in kinds.items() if isinstance(error, kind)), "other")


_names: set[str] = set()


def _label(channel: str) -> str:
    if channel in _names:
        return channel
    if len(_names) >= CHANNELS_MAX:
        return OTHER
    _names.add(channel)
    return channel


@_harmless
def _probe() -> None:
    try:
        standing = limits.take([PROBE])
    except RateLimited as refusal:
        standing = refusal.standing
    except (DatabaseError, PoolTimeout):
        # PostgreSQL was to count, and is gone too. The numbers can be read all the same.
        _tell_degraded(True)
        return
    if standing:
        _tell_degraded(standing.source != limits.REDIS)


class _Told(NamedTuple):
    """What was said last of who counts limits, and when."""

    is_degraded: bool | None
    at: float


_told = _Told(None, 0)


def _tell_degraded(is_degraded: bool) -> None:
    global _told
    _metrics().limits_degraded.set(is_degraded)
    _told = _Told(is_degraded, time.monotonic())
