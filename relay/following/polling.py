"""Looking at tasks: which are due, what the upstream says, when to look again.

All is driven by `Task.next_poll_at`. Whoever claims a task moves that time ahead by a lease, so
that a lost job or a dead worker only delays the next look. What was given up is looked at in
relay/following/late.py.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from psycopg_pool import PoolTimeout

from channels.adapters.base import Update
from common import logs, sql
from relay import lifecycle
from relay.following import asking, memory, statements, waits
from relay.models import LIVE, TERMINAL, Task, TaskStatus
from relay.weeks import spans

logger = logging.getLogger(__name__)

# How soon somebody else looks when a worker dies in the middle. A slower look may be overtaken by
# a second one, which does no harm: only one of them can change a task.
LEASE_SECONDS = 30
# Questions to one channel at the same time.
BATCHES_PER_CHANNEL = 4
LOST = "the upstream has lost the task"
TIMED_OUT = "timed out: the upstream did not finish it in time"
# What storing needs: not the upstream's last word, which is large, nor what it said before.
_LARGE = ("upstream_row", "history")
_NEEDED = [field.name for field in Task._meta.concrete_fields if field.name not in _LARGE]


_crowd = waits.Crowd()
# Until tasks are claimed, and from then on until they are looked at.
_unclaimed, _claimed = waits.Lateness(), waits.Lateness()


class Claim(NamedTuple):
    """Due tasks of one channel, the caller's until `lease` by the database's clock."""

    task_ids: list[int]
    lease: datetime | None


def due_channels() -> list[int]:
    """The channels that have tasks to look at now."""
    rows = sql.fetch_all(statements.DUE_CHANNELS, spans.OPEN.span()._asdict())
    # Of one in the middle: one that hangs, and is late for it, says nothing of the others.
    _unclaimed.note(rows[len(rows) // 2].late - settings.POLL_TICK_SECONDS if rows else 0)
    return [row.id for row in rows]


def claim(channel_id: int) -> Claim:
    """Up to POLL_BATCH due tasks of one channel, leased to the caller."""
    rows = sql.fetch_all(
        statements.CLAIM_POLLS,
        {
            "channel_id": channel_id,
            "limit": settings.POLL_BATCH,
            "at_once": settings.POLL_BATCH * BATCHES_PER_CHANNEL,
            "lease": timedelta(seconds=LEASE_SECONDS),
            **spans.OPEN.span()._asdict(),
        },
    )
    return Claim([row.id for row in rows], rows[0].leased_until if rows else None)


def look(channel_id: int, task_ids: list[int], lease: datetime | None = None) -> int:
    """Asks one channel for its tasks and stores what it says. Returns how many have ended that
    somebody is to be told of.

    With the `lease` of a claim only those are asked for that are still the caller's: of a message
    that comes too late, or twice, nothing is left to do.
    """
    if not task_ids:
        return 0
    params = _among(task_ids) | {"channel_id": channel_id, "lease": lease}
    rows = sql.fetch_all(statements.LOOKED_AT, params)
    if not rows:
        return 0
    if lease is not None:
        _claimed.note(LEASE_SECONDS - rows[0].lease_left)
    seen = asking.ask(channel_id, rows)
    tasks = _with_news(rows, seen)
    _fetch_relatives(tasks, seen)
    _store_progress([(t, seen.updates[t.pk]) for t in tasks if t.pk in seen.updates])
    _take_all(tasks, seen)
    known = {task.pk: task for task in tasks}
    looked_at = [known.get(row.pk, row) for row in rows]
    _look_again([task for task in looked_at if task.next_poll_at is not None])
    return sum(task.next_poll_at is None and bool(task.notify_hook) for task in tasks)


def _with_news(rows: list[Any], seen: asking.Seen) -> list[Task]:
    """Those that something was said about, as they were when it was asked; what has ended comes
    first. What has changed since is left to whoever changed it."""
    sequences = {
        row.pk: row.sequence for row in rows if row.pk in seen.updates.keys() | seen.absent
    }
    if not sequences:
        return []
    found = Task.objects.live().filter(pk__in=list(sequences)).only(*_NEEDED)
    tasks = [task for task in found if task.sequence == sequences[task.pk]]

    def goes_on(task: Task) -> bool:
        update = seen.updates.get(task.pk)
        return update is None or update.status not in TERMINAL

    return sorted(tasks, key=goes_on)


def _fetch_relatives(tasks: list[Task], seen: asking.Seen) -> None:
    """Of those only that have some to be asked about."""
    parents = Prefetch("parent", Task.objects.only("upstream_id"))
    prefetch_related_objects([task for task in tasks if task.parent_id], parents)
    prefetch_related_objects([task for task in tasks if task.notify_hook], "token")
    drawn = {pk for pk, update in seen.updates.items() if update.status == TaskStatus.SUCCESS}
    prefetch_related_objects([task for task in tasks if task.pk in drawn], "attempt_set")


def _take_all(tasks: list[Task], seen: asking.Seen) -> None:
    until = time.monotonic() + LEASE_SECONDS
    digests = {}
    for task in tasks:
        # Where each has to wait for the database, the rest is for the next who looks.
        if time.monotonic() < until and _try_to_take(task, seen):
            digests[task.pk] = _digest(task, seen.updates.get(task.pk))
    memory.remember({pk: digest for pk, digest in digests.items() if digest})


def _try_to_take(task: Task, seen: asking.Seen) -> bool:
    """False: what was said of it is not stored. One bad row does not harm its batch."""
    update = seen.updates.get(task.pk)
    try:
        with logs.about(task_id=task.pk, tenant_id=task.tenant_id):
            _take(task, update, is_absent=task.pk in seen.absent)
        return True
    except Exception as error:
        logger.exception("task %s: a look at it could not be stored", task.pk)
        sql.release_connection()
        if update is not None and not isinstance(error, OperationalError | PoolTimeout):
            asking.keep_malformed(str(task.channel_id), [update.raw])
        return False


def _digest(task: Task, update: Update | None) -> bytes | None:
    """None where something may follow from the same row at the next look: from a modal's it does,
    with time. (Without its name nothing was stored: the answer to its submit came in between.)"""
    if update is None or update.status == TaskStatus.MODAL or not task.upstream_id:
        return None
    return memory.digest(task.sequence, update.raw) if task.next_poll_at else None


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
    late = _unclaimed.seconds + _claimed.seconds
    now, longest = timezone.now().timestamp(), waits.longest(_crowd.number(), late)
    its = _among([task.pk for task in tasks])
    looks = {
        "number": len(tasks),
        "sequences": [task.sequence for task in tasks],
        "waits": [_wait_seconds(task, now, longest) for task in tasks],
        "missing": [task.missing_since for task in tasks],
        "lease": timedelta(seconds=LEASE_SECONDS),
    }
    with transaction.atomic():
        sql.execute(statements.LOCK_TASKS, its)
        sql.execute(statements.LOOK_AGAIN, its | looks)


def _among(task_ids: list[int]) -> dict[str, Any]:
    """With its bounds, of which the database sees at once which parts of the table it is about."""
    return {"ids": task_ids, "first": min(task_ids), "last": max(task_ids)}


def _wait_seconds(task: Any, now: float, longest: float) -> float:
    return waits.seconds(
        idle=now - task.changed_at.timestamp(),
        mode=task.mode,
        longest=longest,
    )
