"""Asking a channel for tasks: what it says of each, and which it surely does not have."""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import Count, Min
from django.utils import timezone

from channels import selection
from channels.adapters import adapter_for
from channels.adapters.base import Adapter, Findings, Update
from channels.errors import UpstreamError
from channels.selection import Upstream
from common import sql
from relay import lifecycle, metrics, signing
from relay.models import Task, TaskStatus

logger = logging.getLogger(__name__)

# From then on no further question is begun: what hangs would hold us beyond the lease.
ASK_SECONDS = 10
# How much of what cannot be read is kept in the log.
KEPT_ROWS = 5
KEPT_CHARS = 2000
# Of several rows about one task the last of these words counts: nothing looks backwards.
_SURENESS = (
    TaskStatus.MODAL,
    TaskStatus.NOT_START,
    TaskStatus.SUBMITTED,
    TaskStatus.IN_PROGRESS,
    TaskStatus.FAILURE,
    TaskStatus.SUCCESS,
)


class Seen(NamedTuple):
    """What the channel says, by our task ids, and the ids of those it surely does not have. Of the
    others it could not be asked, or has said nothing that can be read."""

    updates: dict[int, Update]
    absent: set[int]


def ask(channel_id: int, tasks: Sequence[Task]) -> Seen:
    """Each task is asked for with the credential that made it; one that fails, or is refused,
    keeps the others from nothing."""
    seen = Seen({}, set())
    by_credential: dict[int | None, list[Task]] = defaultdict(list)
    for task in tasks:
        by_credential[task.credential_id].append(task)
    questions = list(by_credential.items())
    # Not always the same one first: it may be the one that hangs.
    random.shuffle(questions)
    until = time.monotonic() + ASK_SECONDS
    for credential_id, own in questions:
        if time.monotonic() > until:
            break
        try:
            its = _ask_with(selection.load(channel_id, credential_id), own, until=until)
        except UpstreamError as error:
            logger.warning("channel %s cannot be asked: %s", channel_id, error)
        else:
            seen.updates.update(its.updates)
            seen.absent.update(its.absent)
    return seen


def keep_malformed(channel_name: str, rows: Sequence[Any]) -> None:
    """What an upstream has said and nobody can read: counted, and some of it kept in the log."""
    metrics.malformed(channel_name, len(rows))
    for row in rows[:KEPT_ROWS]:
        text = repr(row)[:KEPT_CHARS]
        logger.warning("channel %s: this is no task object: %s", channel_name, text)


def _ask_with(upstream: Upstream, tasks: list[Task], *, until: float) -> Seen:
    adapter = adapter_for(upstream.kind)
    nameless = [task for task in tasks if not task.upstream_id]
    lifecycle.doubt(nameless)
    updates, is_whole = _poll(adapter, upstream, tasks)
    nameless = [task for task in nameless if task.pk not in updates]
    findings = _find(adapter, upstream, nameless, until=until)
    for task in nameless:
        if update := findings.found.get(signing.correlation(task.pk)):
            updates[task.pk] = update
    absent = {
        task.pk
        for task in tasks
        if task.pk not in updates
        # What could not be read may be this task's row, but does not keep it alive for ever.
        and (is_whole or timezone.now() >= task.deadline_at)
        and (findings.complete or task.upstream_id)
    }
    return Seen(updates, absent)


def _poll(
    adapter: Adapter, upstream: Upstream, tasks: list[Task]
) -> tuple[dict[int, Update], bool]:
    """(updates by our ids, whether the whole answer could be read)"""
    named = [task for task in tasks if _name(task)]
    if not named:
        return {}, True
    sql.release_connection()
    with metrics.UpstreamCall(upstream.name, "poll"):
        listing = adapter.poll(upstream, {_name(task) for task in named})
    if listing.malformed:
        keep_malformed(upstream.name, listing.malformed)
    by_name: dict[str, list[Update]] = defaultdict(list)
    for row in listing.rows:
        by_name[row.upstream_id].append(row)
    shared = _shared_ids(upstream.id, [row for row in listing.rows if not row.correlation])
    updates = {}
    for task in named:
        rows = [row for row in by_name.get(_name(task), ()) if _is_ours(task, row, shared)]
        if rows:
            updates[task.pk] = max(rows, key=lambda row: _SURENESS.index(TaskStatus(row.status)))
    return updates, not listing.malformed


def _find(adapter: Adapter, upstream: Upstream, nameless: list[Task], *, until: float) -> Findings:
    """A search that fails proves nothing, and keeps no other task of the batch waiting."""
    if not nameless:
        return Findings(found={}, complete=True)
    if time.monotonic() > until:
        return Findings(found={}, complete=False)
    sql.release_connection()
    try:
        with metrics.UpstreamCall(upstream.name, "poll"):
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
