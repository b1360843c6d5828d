"""In which time the tasks are that the relay has to do with now, so that what it asks the database
all the time is not asked of the parts of the years before."""

from datetime import timedelta

from django.conf import settings

from common.partitions import since
from common.partitions.since import Since, Span
from relay.models import OPEN as OPEN_WORDS
from relay.weeks.retention import CALLBACKS, TASKS


def age() -> timedelta:
    """How old a task gets, as a rule, before it ends."""
    return timedelta(seconds=settings.TASK_EXPIRY_SECONDS + settings.MODAL_EXPIRY_SECONDS)


_words = ", ".join(f"'{word}'" for word in OPEN_WORDS)
OPEN = Since(TASKS, f"status IN ({_words})", age)
LATE = Since(TASKS, "late_look_at IS NOT NULL", age)
DUE_CALLBACKS = Since(CALLBACKS, "due_at IS NOT NULL", age)


def within(column: str) -> str:
    """SQL: whose `column`, an id of tasks, is in a Span, given as %(since)s and %(until)s.

    As ALL it says which parts of the table to look into, and no more. In a plan that is made once
    for all values a plain range passes for next to nothing, and all tasks of that time would be
    read by their ids instead of the few that the rest of the condition is about.
    """
    since, until = "ARRAY[%(since)s::bigint]", "ARRAY[%(until)s::bigint]"
    return f"{column} >= ALL ({since}) AND {column} < ALL ({until})"


def among(column: str) -> str:
    """The same of tasks that are named, of which %(first)s and %(last)s are the bounds."""
    first, last = "ARRAY[%(first)s::bigint]", "ARRAY[%(last)s::bigint]"
    return f"{column} >= ALL ({first}) AND {column} <= ALL ({last})"


def tried_within(seconds: float) -> Span:
    """The tasks that an attempt of so many last seconds may be at."""
    return since.last(age() + timedelta(seconds=seconds))
