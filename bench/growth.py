"""What growth costs: submits and fetches on an empty database and on one with a year behind it,
`make bench-growth`.

Both are on the same server and are measured in turn, again and again, so that what the machine
does besides falls on both; what counts is the ratio of each pair. The filled one is made by
bench/seed.py and, with --keep, found again. Prints a table and writes a JSON file; the status is 1
when an answer is wrong, not when a figure is missed.
"""

import argparse
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench import grown, place
from bench.figures import Figure, table, write
from bench.load import Load
from bench.place import Place

JSON = place.ROOT / "var" / "growth.json"
LOSS_MAX = 0.1
CLIENTS = 64
WARM_UP_SECONDS = 3
PRODUCT = ("upstream", "web", "worker", "beat")
# Following has figures of its own (bench/following.py).
LATER = {"POLL_MIN_SECONDS": "3600"}
CUSTOMERS = 1000
# Whose tasks of the past are asked for, and how many of them.
OLD_KEYS, OLD_TASKS = 50, 5000
EMPTY, FILLED = "empty", "filled"
KINDS = {
    "submits": "submits",
    "new": "fetches of new tasks",
    "old": "fetches of tasks of any time",
}
_NEW = """
SELECT token_id, id::text AS id FROM relay_task WHERE token_id = ANY(%(tokens)s)
ORDER BY id DESC LIMIT %(limit)s
"""
# Spread over all the time that there is.
_OLD = """
SELECT tenant_id, id::text AS id FROM relay_task
WHERE tenant_id = ANY(%(tenants)s) AND NOT is_test ORDER BY random() LIMIT %(limit)s
"""
_BUSIEST = """
SELECT tenant_id FROM billing_wallet wallet
JOIN billing_usagemark mark ON mark.wallet_id = wallet.id
WHERE NOT is_test ORDER BY mark.entry_id DESC LIMIT %(limit)s
"""


class Round(NamedTuple):
    """What came of one kind. `cpu`: microseconds for each answer, by who used them."""

    load: Load
    cpu: dict[str, float]

    @property
    def cpu_us(self) -> float:
        return sum(self.cpu.values())


@dataclass
class Side:
    """One of the two databases. `asked`: (key, task id) of tasks of the past."""

    name: str
    url: str
    keys: dict[int, str]
    asked: list[tuple[str, str]] = field(default_factory=list)
    came: dict[str, list["Round"]] = field(default_factory=lambda: defaultdict(list))


def main() -> int:
    wishes = _arguments()
    cores = place.pin(wishes.cores)
    os.environ.setdefault("WEB_WORKERS", str(len(cores)))
    with place.open_place() as here, grown.database(here, wishes) as filled_url:
        from bench import machine

        empty = Side(EMPTY, here.env["DATABASE_URL"], _customers(here, CUSTOMERS))
        with grown.working_on(filled_url):
            filled = Side(FILLED, filled_url, _customers(here, CUSTOMERS))
            filled.asked = _old_tasks()
            size = grown.size()
        for number in range(wishes.rounds):
            # Each comes first as often as the other.
            for side in (empty, filled) if number % 2 == 0 else (filled, empty):
                _measure(here, side, wishes.seconds)
                _say(number, side)
        facts = machine.facts(cores, here) | size | {"rounds": wishes.rounds}
        found = list(figures(empty, filled))
        write(wishes.json, found, **facts)
        print(f"\n{machine.line(facts)}\n{size}\n\n{table(found)}\n\n{wishes.json}")
    rounds = [each for side in (empty, filled) for kind in side.came.values() for each in kind]
    return 1 if any(each.load.errors for each in rounds) else 0


def figures(empty: Side, filled: Side) -> Iterator[Figure]:
    """Of each kind what is lost, and the rates and times behind it (medians of the rounds)."""
    for kind, what in KINDS.items():
        # The past of the empty one is what was just submitted.
        pairs = zip(empty.came[kind], filled.came[kind], strict=True)
        ratios = [big.load.rate / small.load.rate for small, big in pairs]
        lost = 100 * (1 - statistics.median(ratios))
        note = f"rounds: {', '.join(f'{100 * (1 - ratio):.1f} %' for ratio in ratios)}"
        yield Figure(
            f"{kind}.lost", f"{what}, lost by growth", lost, "%", None,
            f"< {100 * LOSS_MAX:.0f} %", lost < 100 * LOSS_MAX, note,
        )  # fmt: skip
        for name, unit in (("rate", "/s"), ("p50", "ms"), ("p99", "ms")):
            big, small = (
                statistics.median(getattr(each.load, name) for each in side.came[kind])
                for side in (filled, empty)
            )
            yield Figure(f"{kind}.{name}", f"{what}, {name}", big, unit, small)
        # What others do on the machine at the same time falls on this the least.
        big, small = (
            statistics.median(each.cpu_us for each in side.came[kind]) for side in (filled, empty)
        )
        told = ", ".join(f"{side.name}: {_shares(side.came[kind])}" for side in (empty, filled))
        yield Figure(f"{kind}.cpu", f"{what}, CPU of each", big, "us", small, note=told)


def _measure(here: Place, side: Side, seconds: float) -> None:
    from bench import load

    keys = list(side.keys.values())
    with here.running_with(*PRODUCT, DATABASE_URL=side.url, **LATER):

        def submits(seconds: float) -> Load:
            return load.submits(here.url, keys, clients=CLIENTS, seconds=seconds)

        side.came["submits"].append(_round(here, submits, seconds))
        with grown.working_on(side.url):
            new = _new_tasks(side)
        for kind, asked in (("new", new), ("old", side.asked or new)):

            def fetches(seconds: float, asked: list[tuple[str, str]] = asked) -> Load:
                return load.fetches(here.url, asked, clients=CLIENTS, seconds=seconds)

            side.came[kind].append(_round(here, fetches, seconds))


def _round(here: Place, ask: Callable[[float], Load], seconds: float) -> Round:
    """After a warm-up."""
    ask(WARM_UP_SECONDS)
    before = here.cpu_seconds()
    came = ask(seconds)
    cpu = place.used(before, here.cpu_seconds()) | {"wrk": came.cpu_seconds}
    return Round(came, {name: 1e6 * each / max(came.answers, 1) for name, each in cpu.items()})


def _shares(rounds: list[Round]) -> str:
    names = rounds[0].cpu
    middle = {name: statistics.median(each.cpu[name] for each in rounds) for name in names}
    return " ".join(f"{name} {value:.0f}" for name, value in middle.items())


def _customers(here: Place, number: int) -> dict[int, str]:
    from bench import customers
    from relay.models import ProofRun
    from relay.watch import nightly

    # The proof of the books reads all of them, once a night: not while it is measured.
    now = datetime.now(UTC)
    ProofRun.objects.get_or_create(night=nightly.night(now), defaults={"finished_at": now})
    # Those of the time before are still there in a database that was kept.
    group = f"growth {os.getpid()}"
    customers.publish_prices()
    customers.open_channel(group, here.upstream_port, answer_seconds=0, drawing_seconds=60)
    return {each.token_id: each.key for each in customers.open_tenants(group, number)}


def _new_tasks(side: Side) -> list[tuple[str, str]]:
    from common import sql

    rows = sql.fetch_all(_NEW, {"tokens": list(side.keys), "limit": OLD_TASKS})
    return [(side.keys[row.token_id], row.id) for row in rows]


def _old_tasks() -> list[tuple[str, str]]:
    """(key, task id) of the tenants that have most."""
    from billing import tokens
    from billing.models import Tenant
    from common import sql

    with sql.snapshot(), sql.patient():
        ids = [row.tenant_id for row in sql.fetch_all(_BUSIEST, {"limit": OLD_KEYS})]
        rows = sql.fetch_all(_OLD, {"tenants": ids, "limit": OLD_TASKS})
    keys = {
        tenant.pk: tokens.make(tenant=tenant, name="growth")[1]
        for tenant in Tenant.objects.filter(pk__in=ids)
    }
    return [(keys[row.tenant_id], row.id) for row in rows]


def _say(number: int, side: Side) -> None:
    rates = ", ".join(
        f"{kind} {rounds[-1].load.rate:,.0f}/s {rounds[-1].cpu_us:,.0f} us"
        for kind, rounds in side.came.items()
    )
    print(f"round {number + 1}, {side.name}: {rates}", file=sys.stderr, flush=True)


def _arguments(words: list[str] | None = None) -> argparse.Namespace:
    told = "what growth costs submits and fetches"
    parser = argparse.ArgumentParser(prog="bench.growth", description=told)
    parser.add_argument("--tasks", type=int, default=5_000_000, help="of the filled database")
    parser.add_argument("--tenants", type=int, default=1000, help="of it")
    parser.add_argument("--days", type=int, default=364, help="how far its past goes back")
    parser.add_argument("--rounds", type=int, default=4, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=10, help="how long each figure is")
    parser.add_argument("--keep", action="store_true", help="the filled one for the next time")
    parser.add_argument("--json", type=Path, default=JSON, help="where all figures are written")
    cores = int(os.environ.get("BENCH_CORES") or 2)
    parser.add_argument("--cores", type=int, default=cores, help="by default BENCH_CORES, or 2")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
