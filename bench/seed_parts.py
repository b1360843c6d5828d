"""The weekly parts of a time that an empty database has none for (common/partitions)."""

from datetime import date, datetime

from django.db import connection, transaction

from common.partitions import parts, weeks
from common.partitions.parts import Partitioned
from relay.weeks import retention


def make(*, since: datetime, now: datetime) -> None:
    """Of all tables, from the week of `since` on. They must be empty."""
    for table in retention.TABLES:
        with transaction.atomic():
            _begin_with(table, weeks.of(since))
        parts.make(table, first=weeks.of(since), last=weeks.of(now))


def _begin_with(table: Partitioned, first: date) -> None:
    """Its first part is of the week `first`, if none older is there."""
    known = [part.monday for part in parts.of(table)]
    if first >= min(known):
        return
    before = table.table + parts.BEFORE
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {before}")
    parts.attach(table, before, since=None, until=first)
    parts.attach(table, parts.name_of(table, first), since=first, until=first + weeks.WEEK)
