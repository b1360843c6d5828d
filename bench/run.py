"""The cases, one after the other, on one place.

A case is a function that takes the Bench and yields its figures; CASES names them in the order in
which they are measured.
"""

import argparse
import importlib
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench import books, figures, machine
from bench.customers import Customer
from bench.figures import Figure
from bench.load import Load
from bench.place import ROOT, Place

WARM_UP_SECONDS = 3.0
# key of the case -> module and function
CASES = {
    "idle": "bench.floors:generator",
    "sql": "bench.floors:statements",
    "g": "bench.naive_view:submits",
    "a": "bench.submits:many_tenants",
    "b": "bench.submits:added_latency",
    "f": "bench.submits:one_wallet",
    "d": "bench.fetches:fetches",
    "c": "bench.submits:slow_upstream",
    "a.followed": "bench.submits:while_followed",
    "e": "bench.following:following",
    "h": "bench.soak:soak",
}


@dataclass
class Bench:
    """What a case needs. `seconds`: how long a figure is measured. `slow_clients`: at once, of case
    c. `found`: figures of the cases before it, by key. `wrong`: what is not slow but broken."""

    place: Place
    seconds: float
    slow_clients: int
    customers: list[Customer]
    found: dict[str, Figure] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    case: str = ""

    @property
    def warm_up(self) -> float:
        """Seconds before anything counts."""
        return min(self.seconds, WARM_UP_SECONDS)

    def value(self, key: str) -> float | None:
        """A figure of a case before; None when that was not asked for."""
        return self.found[key].value if key in self.found else None

    def check(self, came: Load) -> None:
        """Errors are told in the end."""
        self.wrong += [f"{self.case}: {came.fault}"] if came.fault else []

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def run(place: Place, wishes: argparse.Namespace, cores: list[int]) -> int:
    """Measures, prints, writes; the exit status."""
    customers = _prepare(place, wishes.tenants)
    bench = Bench(place, wishes.seconds, wishes.slow_clients, customers)
    for key in _wanted(wishes.only):
        _measure(bench, key)
    bench.wrong += doctor(place)
    facts = machine.facts(cores, place) | {"seconds": wishes.seconds, "wrong": bench.wrong}
    found = bench.found.values()
    figures.write(wishes.json, found, **facts)
    print(f"\n{machine.line(facts)}\n\n{figures.table(found)}\n\n{wishes.json}")
    for text in bench.wrong:
        print(f"BROKEN {text}")
    return 1 if bench.wrong else 0


def _wanted(only: str) -> list[str]:
    """Raises SystemExit for what is no case."""
    keys = [key for key in only.split(",") if key] or list(CASES)
    if unknown := set(keys) - set(CASES):
        sys.exit(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    return [key for key in CASES if key in keys]


def _prepare(place: Place, tenants: int) -> list[Customer]:
    from bench import customers

    customers.publish_prices()
    customers.open_channel("many", place.upstream_port, answer_seconds=0, drawing_seconds=60)
    return customers.open_tenants("many", tenants)


def _measure(bench: Bench, key: str) -> None:
    """What breaks is told in the end; the other cases go on."""
    module, _, name = CASES[key].partition(":")
    bench.case = key
    bench.say(f"== {key}")
    try:
        for figure in _figures(module, name, bench):
            bench.found[figure.key] = figure
            bench.say(f"   {figure.what}: {figure.value:,.4g} {figure.unit}")
    except Exception as error:  # noqa: BLE001  the next case may do well
        traceback.print_exc()
        bench.wrong.append(f"{key}: {type(error).__name__}: {error}")
    finally:
        bench.place.stop(*bench.place.running)
    bench.wrong += [f"{key}: {text}" for text in books.faults()]


def _figures(module: str, name: str, bench: Bench) -> Iterator[Figure]:
    yield from getattr(importlib.import_module(module), name)(bench)


def doctor(place: Place) -> list[str]:
    """What `manage.py doctor` finds wrong."""
    command = [sys.executable, "manage.py", "doctor"]
    env = place.env | {"DATABASE_POOL_SIZE": "0", "DATABASE_STATEMENT_SECONDS": "0"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return [f"doctor:\n{done.stdout}{done.stderr}"] if done.returncode else []
