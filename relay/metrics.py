"""What an operator's Prometheus reads at /metrics: numbers of all processes of this machine.

Each process keeps its own in files in METRICS_DIR, and whoever is asked adds all of them up.
"""

import os
from functools import cache

from django.conf import settings
from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

# The library asks for it when it is loaded.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from billing import limits
from billing.errors import RateLimited
from billing.limits import Limit, Standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Asked by ourselves, so that the answer is true also where nobody else asks anything.
PROBE = Limit("limits:probe", 1_000_000, "this site", "probes")


class _Metrics:
    """Made at their first use: each makes files, and a short command needs none."""

    def __init__(self) -> None:
        settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
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


@cache
def _metrics() -> _Metrics:
    return _Metrics()


def limited(kind: str, standing: Standing, *, outcome: str) -> None:
    """A limit was asked about a "submit" or a "fetch", and "allowed" or "refused" it."""
    _counted_by(standing)
    labels = {"kind": kind, "source": standing.source, "outcome": outcome}
    _metrics().limit_decisions.labels(**labels).inc()


def text() -> bytes:
    """All of it, in Prometheus' own format."""
    _probe()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _probe() -> None:
    try:
        standing = limits.take([PROBE])
    except RateLimited as refusal:
        standing = refusal.standing
    except (DatabaseError, PoolTimeout):
        # PostgreSQL was to count, and is gone too. The numbers can be read all the same.
        _metrics().limits_degraded.set(1)
        return
    if standing:
        _counted_by(standing)


def _counted_by(standing: Standing) -> None:
    _metrics().limits_degraded.set(standing.source != limits.REDIS)
