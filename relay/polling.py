"""Looking at tasks: which are due, what the upstream says, when to look again.

All is driven by `Task.next_poll_at`. Whoever claims a task moves that time ahead by a lease, so
that a lost job or a dead worker only delays the next look.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone

from channels import selection
from channels.adapters import adapter_for
from channels.adapters.base import Adapter, Findings, Update
from channels.errors import UpstreamError
from channels.selection import Upstream
from common import sql
from relay import lifecycle, signing, statements
from relay.models import Task, TaskStatus

logger = logging.getLogger(__name__)

# How soon somebody else looks when a worker dies in the middle. A slower look may be overtaken by
# a second one, which does no harm: only one of them can change a task.
LEASE_SECONDS = 30
# Questions to one channel at the same time.
BATCHES_PER_CHANNEL = 4
LOST = "the upstream has lost the task"
TIMED_OUT = "timed out: the upstream did not finish it in time"
# A young task is looked at every tenth of its age; one that is hours old, rarely.
AGE_SHARE = 10
OLD_AFTER_SECONDS = 2 * 3600


def wait_seconds(age: float) -> float:
    """How long to wait before the next look at a task that is `age` seconds old."""
    if age >= OLD_AFTER_SECONDS:
        return float(settings.POLL_OLD_SECONDS)
    return float(min(max(age / AGE_SHARE, settings.POLL_MIN_SECONDS), settings.POLL_MAX_SECONDS))


def due_channels() -> list[int]:
    """The channels that have tasks to look at now."""
    return list(
        Task.objects.filter(next_poll_at__lte=timezone.now())
        .order_by()
        .values_list("channel_id", flat=True)
        .distinct()
    )


def claim(channel_id: int) -> list[int]:
    """Ids of up to POLL_BATCH due tasks of one channel, leased to the caller."""
    rows = sql.fetch_all(
        statements.CLAIM_POLLS,
        {
            "channel_id": channel_id,
            "limit": settings.POLL_BATCH,
            "at_once": settings.POLL_BATCH * BATCHES_PER_CHANNEL,
            "lease": timedelta(seconds=LEASE_SECONDS),
        },
    )
    return [row.id for row in rows]


def look(channel_id: int, task_ids: list[int]) -> int:
    """Asks one channel for its tasks and stores what it says. Returns how many have ended."""
    tasks = list(
        Task.objects.live()
        .filter(pk__in=task_ids, channel_id=channel_id)
        .select_related("token", "parent")
    )
    try:
        seen, absent = _ask(channel_id, tasks)
    except UpstreamError as error:
        logger.warning("channel %s cannot be asked: %s", channel_id, error)
        seen, absent = {}, set()
    for task in tasks:
        # One bad row does not harm its batch.
        try:
            _take(task, seen.get(task.pk), is_absent=task.pk in absent)
        except Exception:
            logger.exception("task %s: a look at it could not be stored", task.pk)
    live = [task for task in tasks if task.next_poll_at is not None]
    _look_again(live)
    return len(tasks) - len(live)


def _take(task: Task, update: Update | None, *, is_absent: bool) -> None:
    """Stores one look at one task."""
    if update is not None:
        task.missing_since = None
        if not task.upstream_id and not lifecycle.adopt(task, update.upstream_id):
            return
        if update.status == TaskStatus.MODAL and _may_open_modal(task):
            # Its answer to the submit, code 21, never reached us.
            lifecycle.open_modal(
                task,
                upstream_id=update.upstream_id,
                final_prompt=update.final_prompt or task.prompt,
            )
            return
        # A deadline is believed only after the upstream was asked once more, which was just now.
        if not lifecycle.apply(task, update) and timezone.now() >= task.deadline_at:
            lifecycle.fail(task, TIMED_OUT)
    elif is_absent:
        task.missing_since = task.missing_since or timezone.now()
        grace = timedelta(seconds=settings.TASK_GRACE_SECONDS)
        if timezone.now() - task.missing_since >= grace:
            lifecycle.fail(task, LOST)


def _may_open_modal(task: Task) -> bool:
    """It was not confirmed, and nothing of it has been drawn."""
    return not task.hold_suffix and task.status in (TaskStatus.NOT_START, TaskStatus.SUBMITTED)


def _ask(channel_id: int, tasks: list[Task]) -> tuple[dict[int, Update], set[int]]:
    """(updates by our task id, ids of tasks that the upstream surely does not have)."""
    upstream = selection.load(channel_id)
    adapter = adapter_for(upstream.kind)
    nameless = [task for task in tasks if not task.upstream_id]
    lifecycle.doubt(nameless)
    sql.release_connection()
    named = [task for task in tasks if task.upstream_id or task.hinted_id]
    rows = adapter.poll(upstream, {_name(task) for task in named}) if named else {}
    shared = _shared_ids(channel_id, [row for row in rows.values() if not row.correlation])
    seen = {
        task.pk: row
        for task in named
        if (row := rows.get(_name(task))) and _is_ours(task, row, shared)
    }
    nameless = [task for task in nameless if task.pk not in seen]
    findings = _find(adapter, upstream, nameless)
    for task in nameless:
        if update := findings.found.get(signing.correlation(task.pk)):
            seen[task.pk] = update
    may_be_absent = tasks if findings.complete else [task for task in tasks if task.upstream_id]
    return seen, {task.pk for task in may_be_absent if task.pk not in seen}


def _find(adapter: Adapter, upstream: Upstream, nameless: list[Task]) -> Findings:
    """A search that fails proves nothing, and keeps no other task of the batch waiting."""
    if not nameless:
        return Findings(found={}, complete=True)
    sql.release_connection()
    try:
        return adapter.find(upstream, [signing.correlation(task.pk) for task in nameless])
    except UpstreamError as error:
        logger.warning("channel %s cannot be searched: %s", upstream.name, error)
        return Findings(found={}, complete=False)


def _name(task: Task) -> str:
    return task.upstream_id or task.hinted_id


def _is_ours(task: Task, row: Update, shared: dict[str, int]) -> bool:
    """Our correlation token in a row proves whose it is. An upstream that does not return it is
    believed about an id that it gave us itself, and about one that it gave us twice, for the first
    task that got it: one drawing is paid for once."""
    if task.upstream_id and not row.correlation:
        return shared.get(task.upstream_id, task.pk) == task.pk
    return row.correlation == signing.correlation(task.pk)


def _shared_ids(channel_id: int, rows: list[Update]) -> dict[str, int]:
    """The first task behind each of these rows' ids, where the upstream has given one twice."""
    if not rows:
        return {}
    owners = (
        Task.objects.filter(channel_id=channel_id, upstream_id__in=[r.upstream_id for r in rows])
        .values("upstream_id")
        .annotate(first=Min("pk"), number=Count("pk"))
        .filter(number__gt=1)
    )
    return {owner["upstream_id"]: owner["first"] for owner in owners}


def _look_again(tasks: list[Task]) -> None:
    if not tasks:
        return
    now = timezone.now().timestamp()
    sql.execute(
        statements.LOOK_AGAIN,
        {
            "ids": [task.pk for task in tasks],
            "sequences": [task.sequence for task in tasks],
            "waits": [wait_seconds(now - task.submit_time / 1000) for task in tasks],
            "missing": [task.missing_since for task in tasks],
            "lease": timedelta(seconds=LEASE_SECONDS),
        },
    )
