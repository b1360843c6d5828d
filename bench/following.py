"""How long after the upstream has finished a task that is stored, and its tenant called back.

So many tasks are under way at twenty channels (bench/live.py), at an upstream that tells nothing by
itself (bench/drawings.py); some of them end at known moments. By itself:
`python -m bench.following --live 10000 --rate 50`.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
import requests

from bench import drawings
from bench import place as places
from bench.figures import Figure
from bench.place import Place
from common import processes

if TYPE_CHECKING:
    from bench.live import Plan
    from bench.run import Bench


class Size(NamedTuple):
    """`live` tasks at least, of which `rate` a second end; what is wanted of the 99th percentile,
    in seconds, None: nothing."""

    live: int
    rate: float
    wanted: float | None = None


SIZES = (Size(1_000, 10), Size(10_000, 10, 5.0), Size(100_000, 20, 15.0))
DRAWING_SECONDS = 60.0
# Before anything is measured: all has been looked at once.
SETTLE_SECONDS = 40.0
SECONDS = 60.0
# For what ends last to be stored and told; what is not by then is lost.
PATIENCE_SECONDS = 60.0
# So many tasks are written in a second, and a little more.
SEEDED_PER_SECOND, SEEDING_SECONDS = 5_000, 5.0
# How long the upstream is asked alone, for as many tasks as a look asks for.
IDLE_SECONDS, IDLE_IDS = 2.0, 200
DATABASE = "relay_following"
# Beyond the one that `make run` starts: of two cores the other one is for them.
MORE_WORKERS = 1
DRAWINGS, PARTS = "drawings", ("worker", "beat")
ENV = {"LOG_LEVEL": "WARNING"}


@dataclass
class Outcome:
    """Seconds from the upstream's end to ours, sorted; what each part used of a core; how many
    tasks a second the upstream was asked for, and could be asked for by itself."""

    size: Size
    ended: int
    stored: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    used: dict[str, float] = field(default_factory=dict)
    asked: float = 0
    messages: float = 0
    idle: float = 0
    memory: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def note(self) -> str:
        used = ", ".join(f"{name} {share:.2f}" for name, share in sorted(self.used.items()))
        memory = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sorted(self.memory.items()))
        return (
            f"{self.ended:,} tasks ended, {self.size.rate:g} a second; {self.messages:,.0f} "
            f"callbacks and {self.asked:,.0f} looks a second (the upstream alone: "
            f"{self.idle:,.0f}); cores used: {used}; MB: {memory}"
        )


def following(bench: "Bench") -> Iterator[Figure]:
    for size in SIZES:
        outcome = measure(bench.place, size, say=bench.say)
        bench.wrong += [f"e, {size.live:,} tasks: {text}" for text in outcome.wrong]
        yield from figures(outcome)


def figures(outcome: Outcome) -> Iterator[Figure]:
    live, wanted = f"{outcome.size.live:,}", outcome.size.wanted
    for word, name, delays in (
        ("stored", "finish to stored", outcome.stored),
        ("told", "finish to callback", outcome.told),
    ):
        for percent in (50, 99):
            value = percentile(delays, percent)
            is_wanted = wanted is not None and percent == 99
            yield Figure(
                key=f"e.{outcome.size.live}.{word}.p{percent}",
                what=f"{live} live tasks: {name}, p{percent}",
                value=value,
                unit="s",
                wanted=f"< {wanted:g} s" if is_wanted else "",
                held=value < wanted if is_wanted and wanted else None,
                note=outcome.note if (word, percent) == ("stored", 50) else "",
            )


def percentile(ordered: list[float], percent: float) -> float:
    """Of sorted numbers: the least that so many of them do not exceed; nothing of none is good."""
    if not ordered:
        return math.inf
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def measure(
    place: Place,
    size: Size,
    *,
    say: Any,
    seconds: float = SECONDS,
    settle: float = SETTLE_SECONDS,
    drawing: float = DRAWING_SECONDS,
    workers: int = MORE_WORKERS,
) -> Outcome:
    """`workers`: more of them than `make run` starts."""
    with _own_database(place) as url:
        from bench import run
        from bench.live import Plan, seed

        place = replace(place, env=place.env | ENV | {"DATABASE_URL": url})
        (port,) = places.free_ports(1)
        command = [sys.executable, "-m", "bench.drawings", "--port", str(port)]
        place.running[DRAWINGS] = place.spawn(DRAWINGS, command)
        place.wait_for(DRAWINGS, f"http://127.0.0.1:{port}/arrivals")
        idle = _idle(port, drawing)
        opens = time.time() + SEEDING_SECONDS + size.live / SEEDED_PER_SECOND
        plan = Plan(
            live=size.live, opens=opens, rate=size.rate, seconds=settle + seconds, drawing=drawing
        )
        say(f"   {plan.number:,} tasks are written")
        seed(plan, port=port)
        if (late := time.time() - opens) > 0:
            say(f"   the first tasks ended {late:.0f} s before all were written")
        _sleep_until(opens)
        try:
            _start(place, workers)
            outcome = _watch(place, plan, port, begin=opens + settle, end=opens + settle + seconds)
        finally:
            place.stop(*place.running)
        outcome.size, outcome.idle = size, idle
        outcome.wrong += run.doctor(place)
        return outcome


def _watch(place: Place, plan: "Plan", port: int, *, begin: float, end: float) -> Outcome:
    _sleep_until(begin)
    before, then = place.cpu_seconds(), drawings.notes(port)
    _sleep_until(end)
    used, now = places.used(before, place.cpu_seconds()), drawings.notes(port)
    ends = {
        plan.task_id(number): moment
        for number in range(plan.number)
        if begin <= (moment := plan.end(number)) < end
    }
    processes.wait_until(lambda: len(_told(port, ends)) == len(ends), seconds=PATIENCE_SECONDS)
    outcome = Outcome(Size(plan.live, plan.rate), len(ends))
    stored, told = _stored(ends), _told(port, ends)
    outcome.stored = sorted(stored[task_id] - ends[task_id] for task_id in stored)
    outcome.told = sorted(told[task_id] - ends[task_id] for task_id in told)
    outcome.used = {name: share / (end - begin) for name, share in used.items()}
    outcome.asked = (now["rows"] - then["rows"]) / (end - begin)
    outcome.messages = (now["messages"] - then["messages"]) / (end - begin)
    outcome.memory = {name: place.pss_bytes(name) for name in place.pids()}
    for name, found in (("stored", stored), ("told", told)):
        if missing := len(ends) - len(found):
            outcome.wrong.append(f"{missing:,} of {len(ends):,} are not {name}")
    return outcome


def _stored(ends: Mapping[int, float]) -> dict[int, float]:
    """When each was stored, as far as it is."""
    from relay.models import Task, TaskStatus

    rows = Task.objects.filter(pk__in=list(ends), status=TaskStatus.SUCCESS)
    return {pk: at.timestamp() for pk, at in rows.values_list("pk", "changed_at")}


def _told(port: int, ends: Mapping[int, float]) -> dict[int, float]:
    return {task_id: at for task_id, at in drawings.arrived(port).items() if task_id in ends}


def _idle(port: int, drawing: float) -> float:
    """Tasks a second that the upstream can be asked for by one who has nothing else to do."""
    ids = [drawings.upstream_id(time.time(), f"{number:022}") for number in range(IDLE_IDS)]
    url = f"http://127.0.0.1:{port}/{drawing}/mj/task/list-by-condition"
    began, number = time.monotonic(), 0
    with requests.Session() as session:
        while (took := time.monotonic() - began) < IDLE_SECONDS:
            answer = session.post(url, json={"ids": ids}, timeout=10)
            assert answer.status_code == 200, answer.text
            number += IDLE_IDS
    return number / took


def _start(place: Place, workers: int) -> None:
    with redis.Redis.from_url(place.env["REDIS_URL"]) as client:
        client.flushdb()
    place.start(*PARTS)
    for number in range(2, workers + 2):
        name = f"worker-{number}"
        place.running[name] = place.spawn(name, place.commands["worker"])


@contextmanager
def _own_database(place: Place) -> Iterator[str]:
    """A new, migrated database beside the bench's; meanwhile this process works on it."""
    from django.core.management import call_command
    from django.db import connection

    with places.own_database(place.env["DATABASE_URL"], DATABASE) as url:
        before = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = DATABASE
        try:
            call_command("migrate", verbosity=0)
            yield url
        finally:
            connection.close()
            connection.settings_dict["NAME"] = before


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.time(), 0))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--live", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=10, help="ends a second")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--settle", type=float, default=SETTLE_SECONDS)
    parser.add_argument("--workers", type=int, default=MORE_WORKERS, help="beyond `make run`'s")
    parser.add_argument("--cores", type=int, default=2)
    wishes = parser.parse_args()
    places.pin(wishes.cores)
    with places.open_place() as place:
        outcome = measure(
            place,
            Size(wishes.live, wishes.rate),
            say=lambda text: print(text, file=sys.stderr, flush=True),
            seconds=wishes.seconds,
            settle=wishes.settle,
            workers=wishes.workers,
        )
    for figure in figures(outcome):
        print(f"{figure.what}: {figure.value:.2f} s")
    print(outcome.note, *outcome.wrong, sep="\n")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
