"""All that happened to one task, in order: what was asked, held, tried, heard, paid and told.

Of each kind there are bounded many: a task has few attempts, and its history (Task.history) ends
somewhere but for its end.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

from billing.models import Entry
from relay.models import Attempt, Callback, CallbackAttempt, Task, TaskStatus

ROWS_MAX = 200
TRIES_MAX = 500


class Kind(StrEnum):
    """What happens at the same moment happens in this order."""

    REQUEST = "request"
    ENTRY = "entry"
    ATTEMPT = "attempt"
    CHANGE = "change"
    CALLBACK = "callback"
    CALLBACK_ATTEMPT = "callback_attempt"


class Event(NamedTuple):
    """One thing that happened: `row` is what it is about."""

    at: datetime
    kind: Kind
    row: Any


class Change(NamedTuple):
    """What a look, or we, made of the task. `progress`: percent."""

    status: str
    progress: int


_ORDER = {kind: place for place, kind in enumerate(Kind)}


def of(task: Task, entries: list[Entry]) -> list[Event]:
    """From the oldest on. `entries`: those of the task's holds."""
    attempts = Attempt.objects.filter(task=task).select_related("channel", "credential")
    callbacks = list(Callback.objects.filter(task=task).order_by("pk")[:ROWS_MAX])
    tries = CallbackAttempt.objects.filter(callback__in=callbacks).order_by("pk")[:TRIES_MAX]
    events = chain(
        [Event(_asked_at(task, entries), Kind.REQUEST, task)],
        (Event(row.created_at, Kind.ENTRY, row) for row in entries),
        (
            Event(row.created_at, Kind.ATTEMPT, row)
            for row in attempts.order_by("number")[:ROWS_MAX]
        ),
        _changes(task.history),
        (Event(row.created_at, Kind.CALLBACK, row) for row in callbacks),
        (Event(row.created_at, Kind.CALLBACK_ATTEMPT, row) for row in tries),
    )
    return sorted(events, key=lambda event: (event.at, _ORDER[event.kind]))


def _asked_at(task: Task, entries: list[Entry]) -> datetime:
    """The hold is dated with the beginning of the statement that wrote both."""
    asked = _moment(task.submit_time)
    return min([asked, *(row.created_at for row in entries)])


def _changes(history: str) -> Iterator[Event]:
    for line in history.splitlines():
        milliseconds, status, progress = line.split()
        change = Change(TaskStatus(status), int(progress))
        yield Event(_moment(int(milliseconds)), Kind.CHANGE, change)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
