"""Can this process work? Asked every second by load balancers, so the answer costs little, and it
comes in time when the database does not."""

import time
from functools import cache
from threading import Lock
from typing import NamedTuple

import redis
from django.db import Error as DatabaseError
from django.db import ProgrammingError
from django.db.migrations.loader import MigrationLoader
from psycopg_pool import PoolTimeout

from common import redis_pool, sql
from common.deadline import deadline
from relay.weeks import retention

OK = "ok"
# A load balancer gives up after some five seconds, as a rule.
DATABASE_SECONDS = 2.0
CONNECTION_SECONDS = 0.5
# Whoever asks sooner gets the last answer.
KEPT_SECONDS = 1.0
_APPLIED = "SELECT app, name FROM django_migrations"


class Standing(NamedTuple):
    """How the servers are that this process needs: "ok", or what is wrong. Without Redis nothing is
    lost, only followed later; without a part for the coming week of a table there is time left."""

    database: str
    redis: str
    parts: str = OK

    @property
    def is_ready(self) -> bool:
        return self.database == OK


_last: tuple[float, Standing] | None = None
_lock = Lock()


def standing() -> Standing:
    """One looks at a time; those who wait for it get its answer."""
    global _last
    with _lock:
        if _last is None or time.monotonic() - _last[0] > KEPT_SECONDS:
            known = database()
            found = Standing(known, redis_(), parts_() if known == OK else OK)
            _last = (time.monotonic(), found)
        return _last[1]


def database() -> str:
    """Whether it answers and has this code's schema."""
    try:
        # The connection itself may be what does not come.
        with deadline(DATABASE_SECONDS + CONNECTION_SECONDS), sql.brief(DATABASE_SECONDS):
            applied = {(row.app, row.name) for row in sql.fetch_all(_APPLIED)}
    except ProgrammingError:
        # An empty database.
        applied = set()
    except (DatabaseError, PoolTimeout, TimeoutError):
        sql.release_connection()
        return "does not answer"
    missing = len(_known_migrations() - applied)
    return f"{missing} migrations are missing" if missing else OK


def parts_() -> str:
    """Whether the tables can take what comes next week (relay/weeks/retention.py)."""
    try:
        with deadline(DATABASE_SECONDS + CONNECTION_SECONDS), sql.brief(DATABASE_SECONDS):
            lack = retention.lacks()
    except (DatabaseError, PoolTimeout, TimeoutError):
        sql.release_connection()
        return "degraded: not known"
    return f"degraded: {lack}" if lack else OK


def redis_() -> str:
    try:
        redis_pool.client().ping()
    except redis.RedisError:
        return "degraded: does not answer"
    return OK


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Those of this code, which does not change while it runs."""
    return frozenset(MigrationLoader(None).disk_migrations or ())
