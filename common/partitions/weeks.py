"""Weeks, and the ids of the tasks of a week."""

from datetime import UTC, date, datetime, timedelta

WEEK = timedelta(days=7)
# A task's id: milliseconds since 1970 and three digits of a counter.
_IDS_PER_SECOND = 1_000_000


def of(moment: datetime) -> date:
    """The Monday (UTC) of a moment's week."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def begin(monday: date) -> datetime:
    """When its week begins."""
    return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)


def first_id(monday: date) -> int:
    """The least id of the week that begins then."""
    return id_at(begin(monday))


def id_at(moment: datetime) -> int:
    """The least id of a task that was submitted at that moment."""
    return round(moment.timestamp() * _IDS_PER_SECOND)


def moment_of(task_id: int) -> datetime:
    """When the task was submitted."""
    return datetime.fromtimestamp(task_id / _IDS_PER_SECOND, UTC)
