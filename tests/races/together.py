"""Threads that begin at the same moment, each with a database connection of its own."""

import time
from collections.abc import Callable, Sequence
from threading import Barrier, Event, Thread
from typing import Any

from django.db import connection

JOIN_SECONDS = 60
ENOUGH_SECONDS = 40


def together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call returned, or the exception it raised, in the order of the calls."""
    results: list[Any] = [None] * len(calls)
    barrier = Barrier(len(calls))

    def run(number: int) -> None:
        try:
            barrier.wait(JOIN_SECONDS)
            results[number] = calls[number]()
        except Exception as error:  # noqa: BLE001  the test judges it
            results[number] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,), daemon=True) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_SECONDS)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return results


def raised(results: Sequence[Any]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]


def returned(results: Sequence[Any]) -> list[Any]:
    return [result for result in results if not isinstance(result, Exception)]


def stop(over: Event, is_enough: Callable[[], bool], *, seconds: float) -> Callable[[], None]:
    """A call beside those that repeat their work until `over`: it sets it after so many seconds,
    later where the machine is slow and not enough is done by then, and at ENOUGH_SECONDS in any
    case."""

    def wait() -> None:
        begun = time.monotonic()
        time.sleep(seconds)
        while not is_enough() and time.monotonic() - begun < ENOUGH_SECONDS:
            time.sleep(0.05)
        over.set()

    return wait
