"""What breaks while operations are under way: kill -9 of processes, a Redis that is gone, empty or
silent, an upstream that hangs or forgets. All runs again when an accident is over."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import requests

from tests.faults.place import PROCESSES
from tests.random.world import World

HANG_SECONDS = 0.6


def web_dies(world: World) -> None:
    world.place.kill("web")
    world.place.stack.start("web")


def a_web_worker_dies(world: World) -> None:
    """One of two; gunicorn starts another."""
    pid = world.place.stack.processes["web"].pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)


def worker_dies(world: World) -> None:
    world.place.kill("worker")
    world.place.stack.start("worker")


def beat_dies(world: World) -> None:
    world.place.kill("beat")
    world.place.stack.start("beat")


def all_die(world: World) -> None:
    world.place.kill(*PROCESSES)
    world.place.redis.kill()
    world.place.redis.start()
    world.place.stack.start(*PROCESSES)


def redis_dies(world: World) -> None:
    world.place.redis.kill()
    time.sleep(HANG_SECONDS)
    world.place.redis.start()


def redis_forgets(world: World) -> None:
    world.place.redis.empty()


def redis_hangs(world: World) -> None:
    world.place.redis.suspend()
    time.sleep(HANG_SECONDS)
    world.place.redis.resume()


def upstreams_hang(world: World) -> None:
    _control(world, hang_polls=True)
    time.sleep(HANG_SECONDS)
    _control(world, hang_polls=False)


def upstreams_forget(world: World) -> None:
    _control(world, forget=True)


def _control(world: World, **switches: bool) -> None:
    url = f"{world.place.stack.sandbox_url}/sandbox/control"
    requests.post(url, json=switches, timeout=10).raise_for_status()


Accident = Callable[[World], None]
# How often each happens, compared with the others.
ACCIDENTS: dict[Accident, int] = {
    web_dies: 4,
    a_web_worker_dies: 4,
    worker_dies: 4,
    beat_dies: 1,
    all_die: 1,
    redis_dies: 2,
    redis_forgets: 2,
    redis_hangs: 1,
    upstreams_hang: 1,
    upstreams_forget: 1,
}
BY_NAME = {accident.__name__: accident for accident in ACCIDENTS}
KINDS = [accident.__name__ for accident, weight in ACCIDENTS.items() for _ in range(weight)]
