"""Makes the plan's troubles happen, and writes down when they did."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.faults.chaos.plan import Trouble
from tests.faults.chaos.world import World

logger = logging.getLogger(__name__)

LIES = 0.3

Step = Callable[[], object]


class Happened(NamedTuple):
    """Seconds since the beginning. `error`: why the harness could not do it, or not undo it."""

    trouble: Trouble
    began: float
    ended: float
    error: str = ""


class Troubles:
    """Each trouble is a thread of its own. One target has one trouble at a time, also when an end
    takes longer than planned."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._began = 0.0
        self._locks = {trouble.target: threading.Lock() for trouble in world.plan.troubles}
        self.happened: list[Happened] = []
        self._threads = [
            threading.Thread(target=self._make, args=(trouble,), daemon=True)
            for trouble in world.plan.troubles
        ]

    def begin(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    @property
    def now(self) -> float:
        return time.monotonic() - self._began

    def _make(self, trouble: Trouble) -> None:
        if self._world.over.wait(max(trouble.at - self.now, 0)):
            return
        with self._locks[trouble.target]:
            began, error = self.now, ""
            logger.info("%6.1f s  %s: %s", began, trouble.target, trouble.how)
            try:
                do, undo = self._steps(trouble)
                do()
                if not self._world.over.wait(trouble.seconds):
                    undo()
            except Exception as failure:
                logger.exception("%s: %s", trouble.target, trouble.how)
                error = f"{type(failure).__name__}: {failure}"
            self.happened.append(Happened(trouble, began, self.now, error))

    def _steps(self, trouble: Trouble) -> tuple[Step, Step]:
        world, target = self._world, trouble.target
        if target.startswith("channel "):
            return self._channel(target.removeprefix("channel "))
        if target == "receiver":
            return world.receiver.kill, world.receiver.start
        if target == "redis":
            return {
                "kill -9": (world.redis.kill, world.redis.start),
                "stop": (world.redis.stop, world.redis.start),
                "hang": (world.redis.suspend, world.redis.resume),
            }[trouble.how]
        if target == "postgres":
            server = world.postgres
            return server.stop if trouble.how == "stop" else server.kill, server.start
        if trouble.how == "kill -9 of one process":
            return lambda: world.kill_one_of_web(int(trouble.at * 10)), lambda: None
        return lambda: world.kill(target), lambda: world.restart(target)

    def _channel(self, name: str) -> tuple[Step, Step]:
        sandbox = self._world.channel(name)
        if name == "hangs":
            # It takes connections, as the kernel does it, and says nothing; what was sent to it
            # it does when it goes on, whoever has gone meanwhile.
            process = sandbox.processes["sandbox"]
            return (
                lambda: process.send_signal(signal.SIGSTOP),
                lambda: process.send_signal(signal.SIGCONT),
            )
        if name == "html500":
            return lambda: sandbox.control(html500=True), lambda: sandbox.control(html500=False)
        if name == "lies":
            return lambda: sandbox.control(lies=LIES), lambda: sandbox.control(lies=0)
        return lambda: sandbox.control(forget=True), lambda: None
