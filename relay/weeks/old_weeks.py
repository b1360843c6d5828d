"""What is older than it is to be kept: tasks for KEEP_TASKS_DAYS, the ledger's entries about them
for KEEP_ENTRIES_DAYS. The oldest week goes first; where one has to stay, those after it do, too.
"""

import logging
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing import carrying, usage
from common import sql
from common.partitions import guard, parts, weeks
from common.partitions.parts import Part, Partitioned
from relay.models import ProofRun
from relay.weeks import old_tasks, retention

logger = logging.getLogger(__name__)

TASKS, ENTRIES = "tasks", "entries"
STILL_TASKS = "its tasks are still there"
AFTER_OTHERS = "an older week has to stay"


class Week(NamedTuple):
    """One that is old enough to go. `why` it stays; "" when it goes."""

    what: str
    monday: date
    bytes: int
    why: str


@transaction.atomic
def found(now: datetime | None = None) -> list[Week]:
    """What drop() would do."""
    now = now or timezone.now()
    with sql.patient():
        guard.keep(usage.WEEKS)
        tasks = list(_go(TASKS, _old_tasks(now), old_tasks.kept_by))
        going = {week.monday for week in tasks if not week.why}
        entries = _go(ENTRIES, _old_entries(now), lambda day: _entries_kept_by(day, now, going))
        return [*tasks, *entries]


def drop(now: datetime | None = None) -> Iterator[Week]:
    """Each week as it is done; nobody else is kept waiting for it."""
    now = now or timezone.now()
    for week in _go(TASKS, _old_tasks(now), old_tasks.drop):
        yield _told(week)
    for week in _go(ENTRIES, _old_entries(now), lambda monday: _drop_entries(monday, now)):
        yield _told(week)


def _go(what: str, old: list[tuple[date, int]], do: Callable[[date], str]) -> Iterator[Week]:
    """`do` it, from the oldest one on, until one has to stay."""
    stays = _evidence() if old else ""
    for monday, size in old:
        why = stays or do(monday)
        yield Week(what, monday, size, why)
        stays = why and AFTER_OTHERS


def _evidence() -> str:
    """Where the books are wrong, all is kept that may tell why."""
    last = ProofRun.objects.filter(finished_at__isnull=False).order_by("-started_at").first()
    if last is None or not last.number:
        return ""
    return f"the last proof of the books has found {last.number} contradictions"


def _old_tasks(now: datetime) -> list[tuple[date, int]]:
    """(Monday, bytes)"""
    old = _older(retention.TASKS, now, days=settings.KEEP_TASKS_DAYS)
    return [(part.monday, old_tasks.bytes_of(part.monday)) for part in old]


def _old_entries(now: datetime) -> list[tuple[date, int]]:
    old = _older(retention.ENTRIES, now, days=settings.KEEP_ENTRIES_DAYS)
    return [(part.monday, part.bytes) for part in old]


def _older(table: Partitioned, now: datetime, *, days: int) -> list[Part]:
    if not days:
        return []
    limit = now - timedelta(days=days)
    return [part for part in parts.of(table) if weeks.begin(part.end) <= limit]


def _entries_kept_by(monday: date, now: datetime, going: Collection[date]) -> str:
    """`going`: the weeks whose tasks go before."""
    if monday not in going and old_tasks.are_there(monday):
        return STILL_TASKS
    return carrying.kept_by(monday, younger_than=_limit(now))


def _drop_entries(monday: date, now: datetime) -> str:
    if old_tasks.are_there(monday):
        return STILL_TASKS
    return carrying.drop(monday, younger_than=_limit(now))


def _limit(now: datetime) -> datetime:
    return now - timedelta(days=settings.KEEP_ENTRIES_DAYS)


def _told(week: Week) -> Week:
    if week.why:
        logger.info("the %s of the week of %s stay: %s", week.what, week.monday, week.why)
    else:
        logger.info("the %s of the week of %s are dropped", week.what, week.monday)
    return week
