"""A call in a thread of its own, brought to the moment at which it waits for our lock."""

from collections.abc import Callable
from queue import Queue
from threading import Thread
from typing import Any

from django.db import connection

from tests.races.together import JOIN_SECONDS
from tests.stack import wait_until


class Waiting:
    """`call` has begun and waits for a row that this thread's transaction holds."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._pids: Queue[int] = Queue()
        self._thread = Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()
        pid = self._pids.get(timeout=JOIN_SECONDS)
        wait_until(lambda: _is_blocked(pid), what="the other's wait for our lock")

    def result(self) -> Any:
        """What it returned, once our lock is gone. Raises what it raised."""
        self._thread.join(JOIN_SECONDS)
        assert not self._thread.is_alive(), "it still waits"
        if isinstance(self._result, Exception):
            raise self._result
        return self._result

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._pids.put(cursor.fetchone()[0])
            self._result = call()
        except Exception as error:  # noqa: BLE001  raised again by result()
            self._result = error
        finally:
            connection.close()


def _is_blocked(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid])
        (blocked,) = cursor.fetchone()
    return bool(blocked)
