"""Queries for tasks."""

from collections.abc import Iterator
from typing import Any

from bench import load
from bench.figures import Figure, at_least
from bench.run import Bench
from bench.submits import CLIENTS, LATER, PRODUCT, measured
from common import sql

OF_SUBMITS = 4
# Of different tenants, and asked for in turn.
TASKS = 5000
_TASKS = """
SELECT token_id, id::text AS id FROM relay_task WHERE token_id = ANY(%(tokens)s)
ORDER BY id DESC LIMIT %(limit)s
"""


def fetches(bench: Bench) -> Iterator[Figure]:
    """(d)"""
    place, submits = bench.place, bench.value("a")
    with place.running_with(*PRODUCT, **LATER):
        asked = _tasks(bench)
        load.fetches(place.url, asked, clients=CLIENTS, seconds=bench.warm_up)
        came, note = measured(
            bench,
            lambda: load.fetches(place.url, asked, clients=CLIENTS, seconds=bench.seconds),
        )
    yield Figure(
        "d", f"fetches, {CLIENTS} clients", came.rate, "/s", submits, "4 times the floor (a)",
        at_least(came.rate, OF_SUBMITS, submits),
        note,
    )  # fmt: skip


def _tasks(bench: Bench) -> list[tuple[str, str]]:
    """(key, task id); made now when there are none."""
    keys = {each.token_id: each.key for each in bench.customers}
    if not (rows := _rows(list(keys))):
        load.submits(bench.place.url, list(keys.values()), clients=CLIENTS, seconds=2)
        rows = _rows(list(keys))
    return [(keys[row.token_id], row.id) for row in rows]


def _rows(tokens: list[int]) -> list[Any]:
    return sql.fetch_all(_TASKS, {"tokens": tokens, "limit": TASKS})
