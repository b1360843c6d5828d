"""How quick every page of the console and every list of the management API is: `make
bench-console`.

Asks every GET address that there is (bench/addresses.py), as an operator and, of a tenant's pages,
as one of his people: plain, with each filter that it offers, and page after page; then the slow
ones again. Ends with status 1 when the 95th percentile of one is over the limit, or when a
statement would be slow with more rows. A database without tenants is filled first (bench/seed.py).
"""

import argparse
import gc
import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from bench.addresses import Address

OK, BROKEN = 200, 500
# What is as slow as this needs no second look.
TOO_LONG_MS = 20_000
# Of statements: what is wrong with the way in which the database answers them.
Plans = Callable[[Any], Iterable[str]]


@dataclass
class Measured:
    """One address asked in one way by one kind of person. Times in milliseconds."""

    page: str
    who: str
    path: str
    status: int = 0
    times: list[float] = field(default_factory=list)
    queries: int = 0
    slowest_ms: float = 0
    slowest: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def median(self) -> float:
        return round(statistics.median(self.times), 1)

    @property
    def p95(self) -> float:
        ordered = sorted(self.times) or [0.0]
        return round(ordered[max(0, -(-95 * len(ordered) // 100) - 1)], 1)

    def as_dict(self) -> dict[str, Any]:
        names = ("page", "who", "path", "status", "median", "p95", "queries")
        more = ("slowest_ms", "slowest", "faults")
        told = {name: getattr(self, name) for name in (*names, *more)}
        return told | {"max": round(max(self.times), 1), "times": len(self.times)}


def main() -> int:
    wishes = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    os.environ.setdefault("DATABASE_POOL_SIZE", "0")
    django.setup()
    logging.getLogger("relay.access").disabled = True
    _fill(wishes)
    found, unknown = measure(
        times=wishes.times, only=wishes.only, ways_max=wishes.ways, tell=_progress
    )
    _print(found, limit=wishes.limit_ms)
    for pattern in unknown:
        print(f"not asked, nothing in the database for it: {pattern}")
    if wishes.json:
        told = [each.as_dict() for each in found]
        Path(wishes.json).write_text(json.dumps(told, indent=1) + "\n")
    slow = [each for each in found if each.p95 > wishes.limit_ms]
    wrong = [each for each in found if each.faults]
    print(
        f"{len(found)} pages and lists, {len(slow)} over {wishes.limit_ms} ms, {len(wrong)} wrong"
    )
    return 1 if slow or wrong else 0


def measure(
    *,
    times: int,
    only: str = "",
    ways_max: int = 1000,
    plans: Plans | None = None,
    tell: Any = lambda text: None,
) -> tuple[list[Measured], list[str]]:
    """Each address in each way (`ways_max` at most), `times` times after the first; and the
    patterns that nothing is known for. `plans`: what is wrong with a page's statements, without it
    bench.statements.bad_plans."""
    from bench import addresses
    from bench.statements import bad_plans
    from bench.visitors import come, visitors

    plans = plans or bad_plans
    come()
    ids = addresses.ids()
    made, unknown = addresses.all_of(ids)
    found = []
    for address in made:
        if only not in address.template:
            continue
        _forget_own()
        for visitor in visitors(ids["tenant_id"], address):
            ways = min(ways_max, visitor.ways_max)
            rows = _of_address(visitor, address, times=times, ways_max=ways, plans=plans)
            worst = max((row.p95 for row in rows), default=0)
            tell(f"{worst:8} ms  {len(rows):3} ways  {visitor.name:8}  {address.template}")
            found += rows
    return found, unknown


def _of_address(
    visitor: Any, address: "Address", *, times: int, ways_max: int, plans: Plans
) -> list[Measured]:
    """Nothing for what is no page: it refuses GET, or leads elsewhere."""
    found, asked = [], [""]
    for query in asked:
        path = f"{address.path}?{query}" if query else address.path
        row = Measured(address.template, visitor.name, path)
        answer = _ask(visitor, row, plans=plans)
        if answer.status_code != OK:
            if answer.status_code >= BROKEN:
                row.faults.append(f"status {answer.status_code}")
                row.times.append(0)
                found.append(row)
            continue
        while len(row.times) < times and sum(row.times) < TOO_LONG_MS:
            row.times.append(_time(visitor, path))
        found.append(row)
        more = [new for new in visitor.ways(address, answer, query) if new not in asked]
        asked += more[: max(ways_max - len(asked), 0)]
    return found


def _ask(visitor: Any, row: Measured, *, plans: Plans) -> Any:
    """The first time, with a look at every statement."""
    from bench import statements

    with statements.recorded() as recorder:
        answer = visitor.get(row.path)
    row.status = answer.status_code
    if row.status == OK:
        told = recorder.statements
        row.queries = len(told)
        row.faults = [*recorder.faults(), *plans(told)]
        if slowest := recorder.slowest:
            row.slowest_ms = round(slowest.seconds * 1000, 1)
            row.slowest = " ".join(slowest.text.split())[:300]
    return answer


def _forget_own() -> None:
    """What is kept here is no part of an answer's work: as in relay/wsgi.py."""
    gc.collect()
    gc.freeze()


def _time(visitor: Any, path: str) -> float:
    began = time.perf_counter()
    visitor.get(path)
    return (time.perf_counter() - began) * 1000


def _fill(wishes: argparse.Namespace) -> None:
    from django.core.management import call_command

    from billing.models import Tenant

    call_command("migrate", verbosity=0)
    if Tenant.objects.exists():
        return
    # By itself: there no statement takes too long.
    sizes = ["--tasks", str(wishes.tasks), "--tenants", str(wishes.tenants)]
    five_entries = ["--modal-share", "0.5", "--modal-holds", "4"]
    subprocess.run([sys.executable, "-m", "bench.seed", *sizes, *five_entries], check=True)


def _print(found: list[Measured], *, limit: int) -> None:
    """The slowest way of each page for each kind of person, then all that is wrong."""
    slowest: dict[tuple[str, str], Measured] = {}
    for each in found:
        known = slowest.get((each.page, each.who))
        if known is None or each.p95 > known.p95:
            slowest[each.page, each.who] = each
    print(f"{'median':>8} {'p95':>8} {'max':>8} {'queries':>7} {'slowest':>8}  who       page")
    for each in sorted(slowest.values(), key=lambda row: -row.p95):
        mark = "SLOW" if each.p95 > limit else ""
        print(
            f"{each.median:8} {each.p95:8} {max(each.times):8.1f} {each.queries:7} "
            f"{each.slowest_ms:8}  {each.who:9} {each.path} {mark}"
        )
    for line in sorted({f"{each.path}\n    {text}" for each in found for text in each.faults}):
        print(f"WRONG {line}")
    for each in found:
        if each.p95 > limit:
            print(f"SLOW  {each.path}\n    {each.slowest_ms} ms: {each.slowest}")


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=20, help="how often each is asked")
    parser.add_argument("--ways", type=int, default=1000, help="of one address at most")
    parser.add_argument("--limit-ms", type=int, default=300)
    parser.add_argument("--only", default="", help="only addresses with this in their pattern")
    parser.add_argument("--json", default="", help="a file for all numbers")
    parser.add_argument("--tasks", type=int, default=1_000_000, help="of a new database")
    parser.add_argument("--tenants", type=int, default=1000, help="of a new database")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
