"""Two machines on one: each has a web, a worker and a clock, a port and a folder of its own.
Database, Redis and upstream are shared."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings

from tests.accounts import Account, open_account
from tests.faults.servers import OwnRedis
from tests.stack import Stack

PRODUCT = ("web", "worker", "beat")
# Longer than a test needs to see that nobody looks a second time.
POLL_SECONDS = "15"


@dataclass
class Machines:
    first: Stack
    second: Stack
    redis: OwnRedis

    @property
    def both(self) -> tuple[Stack, Stack]:
        return self.first, self.second

    def account(self, **fields: str) -> tuple[Account, Account]:
        """A customer as he asks the one machine, and as he asks the other."""
        account = open_account(self.first, **fields)
        return account, replace(account, stack=self.second)

    def whole(self) -> None:
        """What the test before has killed runs again."""
        for machine in self.both:
            if missing := [name for name in PRODUCT if name not in machine.processes]:
                machine.start(*missing)

    def remove(self) -> None:
        for machine in self.both:
            machine.kill(*machine.processes)
        self.redis.remove()


@contextmanager
def two_machines(folder: Path, database_url: str) -> Iterator[Machines]:
    own_redis = OwnRedis()
    own_redis.start()
    first, second = (
        _machine(folder / name, database_url, own_redis.url) for name in ("first", "second")
    )
    second.sandbox_url = first.sandbox_url
    machines = Machines(first, second, own_redis)
    try:
        first.start()
        second.start(*PRODUCT)
        yield machines
    finally:
        machines.remove()


def _machine(folder: Path, database_url: str, redis_url: str) -> Stack:
    folder.mkdir()
    env = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": settings.SECRET_KEY,
        "RELAY_VAR": str(folder),
        "UPSTREAM_POLL_SECONDS": POLL_SECONDS,
    }
    return Stack(folder=folder, env=env, drawing_seconds=0.6)
