"""Hypothesis makes up what is done; it is done by many threads at once.

The seed gives the same operations and accidents in the same order. Which of those that are under
way together comes first, and where a kill hits, is as random as life.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

import requests
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.proofs import prove
from tests.random import accidents, operations
from tests.random.operations import Choice
from tests.random.world import World

THREADS = 16
# Operations that wait for a thread; whoever wants to add more waits.
QUEUE = 8
BURST = 14
STEPS = 8
EXAMPLES = 4
# Of the bursts that may be broken into.
ACCIDENT_EVERY = 3

numbers = st.integers(0, 63)
choices = st.builds(Choice, st.sampled_from(operations.KINDS), numbers, numbers, numbers)
bursts = st.lists(choices, min_size=BURST // 2, max_size=BURST)
kinds = st.sampled_from(accidents.KINDS)
# Milliseconds.
delays = st.integers(0, 300)


class Hands:
    """Threads that do operations, so many at once."""

    def __init__(self, world: World, *, wanted: int) -> None:
        self.world = world
        self.wanted = self.left = wanted
        self._pool = ThreadPoolExecutor(THREADS)
        self._room = BoundedSemaphore(THREADS + QUEUE)

    def give(self, choice: Choice) -> None:
        if self.left <= 0:
            return
        self.left -= 1
        self._room.acquire()
        self._pool.submit(self._do, choice)

    def break_something(self, kind: str) -> None:
        try:
            accidents.BY_NAME[kind](self.world)
        except Exception as error:  # noqa: BLE001  judged at the end
            self.world.shadow.broke(kind, error)
            self.world.place.whole()
        self.world.count("accident", kind)

    def prove(self) -> None:
        """In one snapshot, so while everything goes on."""
        try:
            prove()
        except AssertionError as error:
            self.world.shadow.problem(f"after {self.wanted - self.left} operations: {error}")
        self.world.count("proof", "made")

    def rest(self) -> None:
        """Until the last is done."""
        self._pool.shutdown()

    def _do(self, choice: Choice) -> None:
        try:
            outcome = operations.BY_NAME[choice.kind](self.world, choice)
        except requests.RequestException as error:
            # Nobody answered: it was killed, or we did not wait.
            outcome = f"no answer ({type(error).__name__})"
        except Exception as error:  # noqa: BLE001  judged at the end
            self.world.shadow.broke(str(choice), error)
            outcome = "broke"
        finally:
            connection.close()
            self._room.release()
        self.world.count(choice.kind, outcome)


def run(world: World, *, wanted: int, number: int) -> None:
    """Does `wanted` operations, those of the seed `number`, and comes back when all are done."""
    hands = Hands(world, wanted=wanted)

    class Machine(RuleBasedStateMachine):
        @rule(burst=bursts)
        def operate(self, burst: list[Choice]) -> None:
            for choice in burst:
                hands.give(choice)

        @rule(burst=bursts, kind=kinds, delay=delays, luck=st.integers(1, ACCIDENT_EVERY))
        def operate_and_break(self, burst: list[Choice], kind: str, delay: int, luck: int) -> None:
            """Something breaks in the middle of the burst, unless one is lucky."""
            self.operate(burst)
            if luck == 1 and hands.left > 0:
                time.sleep(delay / 1000)
                hands.break_something(kind)

        def teardown(self) -> None:
            if hands.left > 0:
                hands.prove()

    while hands.left > 0:
        number += 1
        run_state_machine_as_test(
            seed(number)(Machine),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                phases=[Phase.generate],
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    hands.rest()
