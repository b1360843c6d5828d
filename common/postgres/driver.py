"""psycopg as Django's backend needs it, with connections that do not wait for ever.

PostgreSQL ends a statement that takes too long by itself, but a server that hangs, or a machine
that has gone, ends nothing.
"""

import time
from typing import Any, Self, TypeVar

import psycopg
from psycopg import OperationalError
from psycopg.abc import PQGen

T = TypeVar("T")
# How often psycopg looks for a Ctrl-C.
INTERRUPT_SECONDS = 0.1


class BoundedConnection(psycopg.Connection[Any]):
    """Without an answer in `limit_seconds` (None: no limit) it is closed, and OperationalError is
    raised. Whether the server still does what it was asked nobody knows then."""

    limit_seconds: float | None = None

    def wait(
        self,
        gen: PQGen[T],
        interval: float = INTERRUPT_SECONDS,
        timeout: float | None = None,
    ) -> T:
        limit = self.limit_seconds if timeout is None else None
        if limit is None:
            return super().wait(gen, interval, timeout)
        began = time.monotonic()
        try:
            return super().wait(gen, interval, limit)
        except OperationalError as error:
            if time.monotonic() - began < limit:
                raise
            self.pgconn.finish()
            raise OperationalError(f"no answer of the database in {limit:g} s") from error

    def limited(self, seconds: float | None) -> Self:
        self.limit_seconds = seconds
        return self


connect = BoundedConnection.connect


def __getattr__(name: str) -> Any:
    """All else is psycopg's own."""
    return getattr(psycopg, name)
