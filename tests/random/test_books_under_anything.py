"""The books are right after anything: submits, verdicts, hints, cancels, payments, refunds, price
changes and kills, mixed at random, many at once, on the running product.

RANDOM_OPERATIONS says how many (`make random`: 10,000). The seed is printed; RANDOM_SEED repeats
its operations and accidents in their order. Which of those under way together comes first, and
where exactly a kill hits, no seed can repeat.
"""

import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import pytest

from relay.models import Task
from tests.accounts import TERMINAL
from tests.faults.place import Place, hurry_tasks, open_place
from tests.proofs import prove
from tests.random import machine, size
from tests.random.invariants import INVARIANTS, Found
from tests.random.world import World, open_world
from tests.stack import ROOT, wait_until

OPERATIONS = size.operations(1000)
SEED = size.SEED
SETTLE_SECONDS = 90
# What is waited for in life is over quickly here.
QUICK = {
    "MODAL_EXPIRY_SECONDS": "8",
    "TASK_DEADLINE_SECONDS": "10",
    "TASK_EXPIRY_SECONDS": "20",
    "UPSTREAM_SUBMIT_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
}


@pytest.fixture
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("random")
    with open_place(folder, own_database_url, web_workers=2, **QUICK) as place:
        yield place


def settle(world: World) -> None:
    """Everything runs, and every task has come to its end."""
    world.place.whole()

    # Leases of the dead are long.
    hurry_tasks(*Task.objects.live().values_list("pk", flat=True))
    is_open = Task.objects.exclude(status__in=TERMINAL)
    wait_until(lambda: not is_open.exists(), seconds=SETTLE_SECONDS, what="the end of all tasks")


def doctor(world: World) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "doctor"]
    return subprocess.run(
        command, cwd=ROOT, env=world.place.stack.env, capture_output=True, text=True, check=False
    )


def report(world: World, seconds: float) -> str:
    lines = [f"seed {SEED}, {OPERATIONS} operations in {seconds:.0f} s; again: RANDOM_SEED={SEED}"]
    kinds: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for (kind, outcome), number in world.outcomes.items():
        kinds[kind].append((number, outcome))
    for kind, outcomes in sorted(kinds.items(), key=lambda item: -sum(n for n, _ in item[1])):
        total = sum(number for number, _ in outcomes)
        shown = ", ".join(f"{outcome} {number}" for number, outcome in sorted(outcomes)[::-1])
        lines.append(f"{total:6} {kind:15} {shown}")
    return "\n".join(lines)


def ends() -> dict[str, int]:
    return dict(Counter(Task.objects.values_list("status", flat=True)))


@pytest.mark.timeout(300 + OPERATIONS)
def test_the_books_are_right_after_anything(
    place: Place, record_property: Callable[[str, object], None]
) -> None:
    print(f"\nRANDOM_SEED={SEED} RANDOM_OPERATIONS={OPERATIONS}")
    began = time.monotonic()
    world = open_world(place)
    machine.run(world, wanted=OPERATIONS, number=SEED)
    done = report(world, time.monotonic() - began)
    print(done)
    settle(world)
    checked = doctor(world)
    print(checked.stdout)
    over = f"{time.monotonic() - began:.0f} s with all ends: {ends()}"
    record_property("report", f"{done}\n{over}\ndoctor: {checked.stdout.splitlines()[-1]}")
    found = Found(world)
    broken = {promise.__name__: wrong for promise in INVARIANTS if (wrong := promise(found))}
    for promise, wrong in broken.items():
        print(f"BROKEN {promise}", *wrong[:10], sep="\n    ")
    assert not broken, f"RANDOM_SEED={SEED}: {sorted(broken)}"
    assert checked.returncode == 0, checked.stdout + checked.stderr
    prove()
