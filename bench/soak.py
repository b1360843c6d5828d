"""Memory and speed while the relay works for a long time: submits at a steady rate, each followed
to its end, paid and told to its tenant.

BENCH_SOAK_SECONDS says how long, ten minutes by default.
"""

import os
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from bench import customers, load
from bench import place as places
from bench.drawings import arrived
from bench.figures import Figure
from bench.load import Load
from bench.place import Place
from common import processes

if TYPE_CHECKING:
    from bench.run import Bench

SECONDS = float(os.environ.get("BENCH_SOAK_SECONDS") or 600)
MINUTE = 60.0
# Submits a second: what the box does with everything behind them, and some room.
RATE, CLIENTS = 15, 32
TENANTS = 100
DRAWING_SECONDS = 30
GROUP = "soak"
# For what was submitted last to end and to be told.
PATIENCE_SECONDS = DRAWING_SECONDS + 60
PARTS = ("upstream", "web", "worker", "beat")
RECEIVER = "drawings"
# What grows less than so from the second minute's end on does not grow; before, caches fill.
GROWTH_MAX, GROWTH_MIN_BYTES = 0.1, 10_000_000


@dataclass
class Course:
    """A line for each minute: how it was loaded, and the memory of each part at its end (bytes).
    `taken`: tasks that were begun; `told`: those of them whose end has arrived at the receiver."""

    loads: list[Load] = field(default_factory=list)
    memory: list[dict[str, int]] = field(default_factory=list)
    used: list[dict[str, float]] = field(default_factory=list)
    taken: int = 0
    told: int = 0

    @property
    def errors(self) -> int:
        return sum(each.errors for each in self.loads)

    def full(self, name: str) -> int:
        """A part's memory after the second minute, when its caches are."""
        return self.memory[min(1, len(self.memory) - 1)][name]

    def growth(self, name: str) -> float:
        """Of a part's memory from then to the last minute, as a share."""
        first, last = self.full(name), self.memory[-1][name]
        return (last - first) / first if last - first > GROWTH_MIN_BYTES else 0.0


def soak(bench: "Bench") -> Iterator[Figure]:
    """(h)"""
    minutes = max(2, round(SECONDS / MINUTE))
    drawing = min(DRAWING_SECONDS, SECONDS / minutes / 2)
    course = run(bench.place, minutes=minutes, seconds=SECONDS / minutes, drawing=drawing)
    if course.errors:
        bench.wrong.append(f"h: {course.errors} errors")
    if course.told < course.taken:
        bench.wrong.append(f"h: of {course.taken} tasks the ends of {course.told} were told")
    yield from figures(course)


def figures(course: Course) -> Iterator[Figure]:
    rates = [each.rate for each in course.loads]
    yield Figure(
        "h.rate", f"soak of {len(rates)} minutes at {RATE}/s: submits of the slowest minute",
        min(rates), "/s", statistics.median(rates), note=_course(course),
    )  # fmt: skip
    slowest = max(each.p99 for each in course.loads)
    yield Figure("h.p99", "p99 of its slowest minute", slowest, "ms", course.loads[0].p99)
    yield Figure("h.errors", "errors, and tasks whose end was not told",
                 course.errors + course.taken - course.told, "", wanted="0",
                 held=course.errors == 0 and course.taken == course.told)  # fmt: skip
    for name, end in sorted(course.memory[-1].items()):
        yield Figure(
            f"h.memory.{name}", f"memory of {name} at the end", end / 1e6, "MB",
            course.full(name) / 1e6,
            f"less than {GROWTH_MAX:.0%} more", course.growth(name) < GROWTH_MAX,
        )  # fmt: skip


def run(
    place: Place,
    *,
    minutes: int,
    seconds: float,
    rate: float = RATE,
    drawing: float = DRAWING_SECONDS,
) -> Course:
    """`seconds`: of what is called a minute."""
    (port,) = places.free_ports(1)
    command = [sys.executable, "-m", "bench.drawings", "--port", str(port)]
    place.running[RECEIVER] = place.spawn(RECEIVER, command)
    place.wait_for(RECEIVER, f"http://127.0.0.1:{port}/arrivals")
    keys = _open_tenants(place, port, drawing)
    course = Course()
    with place.running_with(*PARTS):
        used = [place.cpu_seconds()]
        for _ in range(minutes):
            course.loads.append(
                load.submits(place.url, keys, clients=CLIENTS, seconds=seconds, rate=rate)
            )
            course.memory.append({name: place.pss_bytes(name) for name in place.pids()})
            used.append(place.cpu_seconds())
        course.used = [places.used(before, after) for before, after in pairwise(used)]
        course.taken = _taken()
        processes.wait_until(
            lambda: len(arrived(port)) >= course.taken, seconds=PATIENCE_SECONDS + drawing
        )
        course.told = len(arrived(port))
    place.stop(RECEIVER)
    return course


def _open_tenants(place: Place, port: int, drawing: float) -> list[str]:
    """Their keys; all tell the receiver."""
    from billing.models import Token

    customers.open_channel(GROUP, place.upstream_port, answer_seconds=0, drawing_seconds=drawing)
    opened = customers.open_tenants(GROUP, TENANTS)
    tokens = Token.objects.filter(pk__in=[each.token_id for each in opened])
    tokens.update(hook=f"http://127.0.0.1:{port}/hook")
    return [each.key for each in opened]


def _taken() -> int:
    from relay.models import Task

    return Task.objects.filter(tenant__group__name=GROUP).count()


def _course(course: Course) -> str:
    lines = [
        f"{each.rate:.1f}/s p50 {each.p50:.0f} p99 {each.p99:.0f} ms "
        f"({_shares(used, each.seconds)})"
        for each, used in zip(course.loads, course.used, strict=True)
    ]
    return "by minutes, with the cores used: " + "; ".join(lines)


def _shares(used: Mapping[str, float], seconds: float) -> str:
    return ", ".join(f"{name} {cpu / seconds:.2f}" for name, cpu in sorted(used.items()))
