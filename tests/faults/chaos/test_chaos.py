"""Everything breaks, again and again, while everybody works: in small here, in full `make chaos`.

A run prints its seed. The seed repeats what is done, not how it falls out.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from tests.faults.chaos import evidence, plan, summary, verdict
from tests.faults.chaos.clients import Clients
from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.operators import Operators
from tests.faults.chaos.plan import Size
from tests.faults.chaos.troubles import Troubles
from tests.faults.chaos.world import World, open_world
from tests.proofs import prove

logger = logging.getLogger(__name__)

QUIET_SECONDS = 90
TIMEOUT_SECONDS = 1200


def test_the_same_seed_makes_the_same_plan() -> None:
    size = Size(seed=7, tasks=300, seconds=60, tenants=4, channels=6)
    assert plan.make(size) == plan.make(size)
    other = Size(seed=8, tasks=300, seconds=60, tenants=4, channels=6)
    assert plan.make(other) != plan.make(size)


@pytest.mark.parametrize("seconds", [25, 180])
def test_troubles_of_one_target_do_not_meet(seconds: float) -> None:
    for seed in range(30):
        size = Size(seed=seed, tasks=10, seconds=seconds, tenants=1, channels=5)
        free: dict[str, float] = {}
        for trouble in plan.make(size).troubles:
            # Times are rounded to tenths.
            assert trouble.at + 0.11 >= free.get(trouble.target, 0)
            free[trouble.target] = trouble.at + trouble.seconds
            assert free[trouble.target] <= seconds


# How much is drawn in its time is one of the promises.
@pytest.mark.alone
@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_no_money_and_no_task_is_lost_or_doubled(
    database: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    made = plan.make(Size.from_environment())
    logger.info("again: %s", made.size.command)
    with open_world(tmp_path, made) as world:
        found = live_through(world)
        findings = verdict.judge(found)
        record_property("chaos", summary.text(found, findings))
    broken = summary.broken(findings)
    assert not broken, f"{broken}\n\nlogs: {tmp_path}\nagain: {made.size.command}"


def live_through(world: World) -> Evidence:
    troubles, operators, clients = Troubles(world), Operators(world), Clients(world)
    troubles.begin()
    operators.begin()
    clients.run()
    troubles.join()
    operators.join()
    # It died with a server.
    connection.close()
    over = time.monotonic()
    world.all_runs()
    expiry = float(world.product.env["TASK_EXPIRY_SECONDS"])
    evidence.wait_for_quiet(seconds=expiry + QUIET_SECONDS)
    seconds = time.monotonic() - over
    found = evidence.gather(world, clients.records, operators, troubles.happened, proofs())
    found.seconds_to_quiet = seconds
    return found


def proofs() -> str:
    """What the proofs find; empty when they are silent."""
    try:
        prove()
    except AssertionError as error:
        return str(error)
    return ""
