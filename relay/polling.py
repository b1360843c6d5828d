"""Looking at tasks: which are due, what the upstream says, when to look again.

All is driven by `Task.next_poll_at`. Whoever claims a task moves that time ahead by a lease, so
that a lost job or a dead worker only delays the next look. What was given up is looked at in
relay/late.py.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import OperationalError
from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from psycopg_pool import PoolTimeout

from channels.adapters.base import Update
from common import logs, sql
from relay import asking, lifecycle, statements
from relay.models import LIVE, Task, TaskStatus

logger = logging.getLogger(__name__)

# How soon somebody else looks when a worker dies in the middle. A slower look may be overtaken by
# a second one, which does no harm: only one of them can change a task.
LEASE_SECONDS = 30
# Questions to one channel at the same time.
BATCHES_PER_CHANNEL = 4
LOST = "the upstream has lost the task"
TIMED_OUT = "timed out: the upstream did not finish it in time"
# A task is looked at every tenth of the time that it has stood still; an old one, rarely.
AGE_SHARE = 10
# Relaxed drawings wait for their turn.
RELAX_FACTOR = 2
OLD_AFTER_SECONDS = 2 * 3600
# What most looks need: not the upstream's last word, which is large, nor what it said before.
_LARGE = ("upstream_row", "history")
_NEEDED = [field.name for field in Task._meta.concrete_fields if field.name not in _LARGE]


class Claim(NamedTuple):
    """Due tasks of one channel, the caller's until `lease` by the database's clock."""

    task_ids: list[int]
    lease: datetime | None


def wait_seconds(*, age: float, idle: float, mode: str) -> float:
    """How long to wait before the next look at a task that is `age` seconds old and has not
    changed for `idle` seconds."""
    if age >= OLD_AFTER_SECONDS:
        return float(settings.POLL_OLD_SECONDS)
    least = settings.POLL_MIN_SECONDS * (RELAX_FACTOR if mode == "relax" else 1)
    return float(min(max(idle / AGE_SHARE, least), settings.POLL_MAX_SECONDS))


def due_channels() -> list[int]:
    """The channels that have tasks to look at now."""
    return list(
        Task.objects.filter(next_poll_at__lte=timezone.now())
        .order_by()
        .values_list("channel_id", flat=True)
        .distinct()
    )


def claim(channel_id: int) -> Claim:
    """Up to POLL_BATCH due tasks of one channel, leased to the caller."""
    rows = sql.fetch_all(
        statements.CLAIM_POLLS,
        {
            "channel_id": channel_id,
            "limit": settings.POLL_BATCH,
            "at_once": settings.POLL_BATCH * BATCHES_PER_CHANNEL,
            "lease": timedelta(seconds=LEASE_SECONDS),
        },
    )
    return Claim([row.id for row in rows], rows[0].leased_until if rows else None)


def look(channel_id: int, task_ids: list[int], lease: datetime | None = None) -> int:
    """Asks one channel for its tasks and stores what it says. Returns how many have ended that
    somebody is to be told of.

    With the `lease` of a claim only those are asked for that are still the caller's: of a message
    that comes too late, or twice, nothing is left to do.
    """
    rows = Task.objects.live().filter(pk__in=task_ids, channel_id=channel_id)
    if lease is not None:
        rows = rows.filter(leased_until=lease)
    tasks = list(rows.only(*_NEEDED))
    if not tasks:
        return 0
    seen = asking.ask(channel_id, tasks)
    _fetch_relatives(tasks, seen)
    _store_progress([(t, seen.updates[t.pk]) for t in tasks if t.pk in seen.updates])
    until = time.monotonic() + LEASE_SECONDS
    for task in tasks:
        # Where each has to wait for the database, the rest is for the next who looks.
        if time.monotonic() < until:
            _try_to_take(task, seen)
    _look_again([task for task in tasks if task.next_poll_at is not None])
    return sum(task.next_poll_at is None and bool(task.notify_hook) for task in tasks)


def _fetch_relatives(tasks: list[Task], seen: asking.Seen) -> None:
    """Of those only that have some to be asked about."""
    parents = Prefetch("parent", Task.objects.only("upstream_id"))
    prefetch_related_objects([task for task in tasks if task.parent_id], parents)
    prefetch_related_objects([task for task in tasks if task.notify_hook], "token")
    drawn = {pk for pk, update in seen.updates.items() if update.status == TaskStatus.SUCCESS}
    prefetch_related_objects([task for task in tasks if task.pk in drawn], "attempt_set")


def _try_to_take(task: Task, seen: asking.Seen) -> None:
    """One bad row does not harm its batch."""
    update = seen.updates.get(task.pk)
    try:
        with logs.about(task_id=task.pk, tenant_id=task.tenant_id):
            _take(task, update, is_absent=task.pk in seen.absent)
    except Exception as error:
        logger.exception("task %s: a look at it could not be stored", task.pk)
        sql.release_connection()
        if update is not None and not isinstance(error, OperationalError | PoolTimeout):
            asking.keep_malformed(str(task.channel_id), [update.raw])


def _store_progress(looks: list[tuple[Task, Update]]) -> None:
    """The most of what there is to store, at once. Where one of them cannot be stored, none is, and
    each is tried by itself."""
    try:
        lifecycle.apply_progress(looks)
    except Exception:
        logger.exception("the progress of %s tasks could not be stored at once", len(looks))


def _take(task: Task, update: Update | None, *, is_absent: bool) -> None:
    """Stores one look at one task."""
    if update is not None and update.status == TaskStatus.MODAL and _take_modal(task, update):
        return
    if update is not None:
        task.missing_since = None
        if not task.upstream_id and not lifecycle.adopt(task, update.upstream_id):
            return
        lifecycle.apply(task, update)
        # A deadline is believed only after the upstream was asked once more, which was just now.
        if task.status in LIVE and timezone.now() >= task.deadline_at:
            lifecycle.fail(task, TIMED_OUT)
    elif is_absent and _grace_is_over(task):
        lifecycle.fail(task, LOST)


def _take_modal(task: Task, update: Update) -> bool:
    """The upstream waits for a confirmation. True when that was all there is to store."""
    if not task.upstream_id and not lifecycle.adopt(task, update.upstream_id):
        return True
    if not task.hold_suffix and task.status in (TaskStatus.NOT_START, TaskStatus.SUBMITTED):
        # Its answer to the submit, code 21, never reached us; nothing of it has been drawn.
        return lifecycle.open_modal(
            task,
            upstream_id=update.upstream_id,
            final_prompt=update.final_prompt or task.prompt,
        )
    if not lifecycle.is_confirmation_unheard(task):
        return False
    # Nobody knows whether our confirmation has arrived, and it seems that it has not.
    return not _grace_is_over(task) or lifecycle.reopen_unheard(task)


def _grace_is_over(task: Task) -> bool:
    """Whether the upstream has not had it for long enough, this look included."""
    task.missing_since = task.missing_since or timezone.now()
    return timezone.now() - task.missing_since >= timedelta(seconds=settings.TASK_GRACE_SECONDS)


def _look_again(tasks: list[Task]) -> None:
    if not tasks:
        return
    now = timezone.now().timestamp()
    sql.execute(
        statements.LOOK_AGAIN,
        {
            "ids": [task.pk for task in tasks],
            "sequences": [task.sequence for task in tasks],
            "waits": [_wait_seconds(task, now) for task in tasks],
            "missing": [task.missing_since for task in tasks],
            "lease": timedelta(seconds=LEASE_SECONDS),
        },
    )


def _wait_seconds(task: Task, now: float) -> float:
    return wait_seconds(
        age=now - task.submit_time / 1000, idle=now - task.changed_at.timestamp(), mode=task.mode
    )
