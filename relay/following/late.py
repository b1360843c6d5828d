"""Looking at what failed by our own verdict: the upstream may finish it all the same.

All is driven by `Task.late_look_at`, which a claim moves ahead. A task is asked for ever more
rarely, and at once when the upstream hints that it has news.
"""

from collections import defaultdict
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from channels.adapters.base import Update
from common import logs, sql
from relay import lifecycle
from relay.following import asking, statements
from relay.models import Task, TaskStatus
from relay.weeks import spans


def wait_seconds(age: float) -> float | None:
    """How long to wait before the next look at a task that failed by our own verdict `age` seconds
    ago; None: not any more."""
    if age >= settings.LATE_LAST_SECONDS:
        return None
    return float(max(age, settings.LATE_FIRST_SECONDS))


def claim() -> dict[int, list[int]]:
    """Ids of due tasks by channel, of each at most POLL_BATCH, leased to the caller."""
    rows = sql.fetch_all(
        statements.CLAIM_LATE,
        {
            "limit": settings.POLL_BATCH,
            "lease": timedelta(seconds=settings.LATE_FIRST_SECONDS),
            **spans.LATE.span()._asdict(),
        },
    )
    claimed: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        claimed[row.channel_id].append(row.id)
    return claimed


def look(channel_id: int, task_ids: list[int]) -> int:
    """Asks one channel for what we had given up. Returns how many it has finished all the same."""
    # What is due again is for the next who claims it: this message has come too late.
    rows = Task.objects.filter(pk__in=task_ids, channel_id=channel_id, late_look_at__gt=Now())
    tasks = list(rows.select_related("token", "parent"))
    seen = asking.ask(channel_id, tasks).updates if tasks else {}
    return sum(_take(task, seen.get(task.pk)) for task in tasks)


def _take(task: Task, update: Update | None) -> bool:
    logs.add(task_id=task.pk, tenant_id=task.tenant_id)
    if update is not None and update.status == TaskStatus.SUCCESS:
        return lifecycle.revive(task, update)
    wait = wait_seconds(timezone.now().timestamp() - _given_up_at(task))
    is_over = wait is None or (update is not None and update.status == TaskStatus.FAILURE)
    next_look = None if is_over else timezone.now() + timedelta(seconds=wait or 0)
    # A hint that came while we were looking has made it due: it stays so.
    mine = Task.objects.filter(pk=task.pk, sequence=task.sequence, late_look_at__gt=Now())
    mine.update(late_look_at=next_look)
    return False


def _given_up_at(task: Task) -> float:
    """Seconds since 1970. A modal whose confirmation got lost is still open."""
    return task.finish_time / 1000 if task.finish_time else task.changed_at.timestamp()
