"""The weekly parts of what grows for ever, made ahead. (old_weeks.py drops what is old.)"""

import logging
from datetime import datetime

from django.db import OperationalError
from django.utils import timezone

from billing import carrying
from common.partitions import parts, weeks
from common.partitions.parts import Partitioned

logger = logging.getLogger(__name__)

TASKS = Partitioned("relay_task", "id")
CALLBACKS = Partitioned("relay_callback", "task_id")
# Each with the task that it belongs to.
OF_TASKS = (
    Partitioned("relay_attempt", "task_id"),
    CALLBACKS,
    Partitioned("relay_callbackattempt", "task_id"),
)
ENTRIES = carrying.ENTRIES
TABLES = (TASKS, *OF_TASKS, ENTRIES)


def make_ahead(now: datetime | None = None) -> list[str]:
    """The parts of the weeks to come, of all tables; the names of the new ones. A table that
    somebody else has just now is left to the next time."""
    made = []
    for table in TABLES:
        try:
            made += parts.make_ahead(table, now or timezone.now())
        except OperationalError:
            logger.warning("%s is in use; its next parts are made later", table.table)
    return made


def is_parted() -> bool:
    """False: the schema is older than 0014_weekly_parts."""
    return all(parts.is_parted(table) for table in TABLES)


def until() -> datetime | None:
    """For which time all tables have parts; None: one has none at all."""
    return parts.until(TABLES)


def lacks(now: datetime | None = None) -> str:
    """In words, when somebody must see to it: a week for which there is no part takes nothing."""
    coming = weeks.of(now or timezone.now()) + weeks.WEEK
    end = until()
    if end is not None and weeks.begin(coming) < end:
        return ""
    return f"no part for the week of {coming}: `relay.jobs.make_parts` has not made it"
