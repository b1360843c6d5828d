"""From which part on there is anything of a kind that only new rows are of."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from common.partitions import parts, weeks
from common.partitions.parts import Partitioned

# So long an answer is kept.
KEPT_SECONDS = 60.0
# The parts of the weeks to come are empty. By so much our clock may be behind that of the database,
# which makes the ids.
AHEAD = timedelta(days=1)
# Of all ids.
LEAST = -(2**63)


class Span(NamedTuple):
    """The tasks of a time: ids from `since` on and below `until`. Statements that know it need not
    look into the parts before and behind it."""

    since: int
    until: int


def last(age: timedelta) -> Span:
    """The tasks that are not older."""
    now = timezone.now()
    return Span(weeks.id_at(now - age), weeks.id_at(now + AHEAD))


class Since:
    """In which time the tasks are that have a row which meets `condition` (SQL, with a partial
    index). Those that are not older than `age` are always within.

    An older row may meet it again: it is found after KEPT_SECONDS.
    """

    def __init__(self, table: Partitioned, condition: str, age: Callable[[], timedelta]) -> None:
        self._table = table
        self._age = age
        # Of the table, not of a part by its name: that may be dropped at this moment. (As ALL the
        # bounds say which part to look into, and are nothing to search an index by.)
        self._question = f"""
            SELECT EXISTS (
                SELECT FROM {table.table} WHERE {condition}
                AND {table.key} >= ALL (ARRAY['{{first}}']::bigint[])
                AND {table.key} < ALL (ARRAY['{{until}}']::bigint[])
            )
        """  # noqa: S608  the parts are constants
        self._known: tuple[float, int] | None = None
        self._lock = Lock()

    def span(self) -> Span:
        young = last(self._age())
        return young._replace(since=min(self._id(), young.since))

    def _id(self) -> int:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > KEPT_SECONDS:
                self._known = time.monotonic(), self._look()
            return self._known[1]

    def _look(self) -> int:
        """The newest parts are empty still, and so may all others be."""
        found = parts.of(self._table)
        now = weeks.of(timezone.now())
        if self._meets(LEAST, weeks.first_id(found[0].monday if found else now)):
            return LEAST
        for part in found:
            first = weeks.first_id(part.monday)
            if part.monday >= now or self._meets(first, weeks.first_id(part.end)):
                return min(first, weeks.first_id(now))
        return weeks.first_id(now)

    def _meets(self, first: int, until: int) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(self._question.format(first=first, until=until))
            return bool(cursor.fetchone()[0])
