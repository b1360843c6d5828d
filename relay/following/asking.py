"""Asking a channel for tasks: what it says of each, and which it surely does not have."""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db.models import Count, Min
from django.utils import timezone

from channels import selection
from channels.adapters import adapter_for
from channels.adapters.base import Adapter, Findings, Update
from channels.errors import UpstreamError
from channels.selection import Upstream
from common import sql
from relay import lifecycle, signing
from relay.following import memory
from relay.models import Task, TaskStatus
from relay.watch import metrics

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


class Asked(Protocol):
    """A task, as far as one must know it to ask for it."""

    @property
    def pk(self) -> int: ...
    @property
    def sequence(self) -> int: ...
    @property
    def credential_id(self) -> int | None: ...
    @property
    def upstream_id(self) -> str: ...
    @property
    def hinted_id(self) -> str: ...
    @property
    def missing_since(self) -> datetime | None: ...
    @property
    def deadline_at(self) -> datetime: ...


class Seen(NamedTuple):
    """What the channel says, by our task ids, and the ids of those it surely does not have. Of the
    others it could not be asked, or has said nothing that can be read, or nothing new
    (relay/following/memory.py)."""

    updates: dict[int, Update]
    absent: set[int]


class _Answer(NamedTuple):
    """What it says of the tasks whose ids it was asked for. `same`: of these nothing new.
    `is_whole`: all of it could be read."""

    updates: dict[int, Update]
    same: set[int]
    is_whole: bool


def ask(channel_id: int, tasks: Sequence[Asked]) -> Seen:
    """Each task is asked for with the credential that made it; one that fails, or is refused,
    keeps the others from nothing."""
    seen = Seen({}, set())
    by_credential: dict[int | None, list[Asked]] = defaultdict(list)
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


def _ask_with(upstream: Upstream, tasks: list[Asked], *, until: float) -> Seen:
    adapter = adapter_for(upstream.kind)
    nameless = [task for task in tasks if not task.upstream_id]
    lifecycle.doubt([task.pk for task in nameless])
    updates, same, is_whole = _poll(adapter, upstream, tasks)
    nameless = [task for task in nameless if task.pk not in updates]
    findings = _find(adapter, upstream, nameless, until=until)
    for task in nameless:
        for word in signing.correlations(task.pk):
            if update := findings.found.get(word):
                updates[task.pk] = update
    absent = {
        task.pk
        for task in tasks
        if task.pk not in updates
        and task.pk not in same
        # What could not be read may be this task's row, but does not keep it alive for ever.
        and (is_whole or timezone.now() >= task.deadline_at)
        and (findings.complete or task.upstream_id)
    }
    return Seen(updates, absent)


def _poll(adapter: Adapter, upstream: Upstream, tasks: list[Asked]) -> _Answer:
    named = [task for task in tasks if _name(task)]
    if not named:
        return _Answer({}, set(), is_whole=True)
    sql.release_connection()
    with metrics.UpstreamCall(upstream.name, "poll"):
        listing = adapter.poll(upstream, {_name(task) for task in named})
    if listing.malformed:
        keep_malformed(upstream.name, listing.malformed)
    by_name: dict[str, list[Update]] = defaultdict(list)
    for row in listing.rows:
        by_name[row.upstream_id].append(row)
    stored = memory.recall([task.pk for task in named])
    same = {
        task.pk
        for task in named
        if _is_same(task, by_name.get(_name(task), ()), stored.get(task.pk))
    }
    new = [task for task in named if task.pk not in same]
    rows_of_new = [row for task in new for row in by_name.get(_name(task), ())]
    shared = _shared_ids(upstream.id, [row for row in rows_of_new if not row.correlation])
    updates = {}
    for task in new:
        rows = [row for row in by_name.get(_name(task), ()) if _is_ours(task, row, shared)]
        if rows:
            updates[task.pk] = max(rows, key=lambda row: _SURENESS.index(TaskStatus(row.status)))
    return _Answer(updates, same, is_whole=not listing.malformed)


def _is_same(task: Asked, rows: Sequence[Update], stored: bytes | None) -> bool:
    """Whether what it says is stored already, and nothing follows from that it says no more."""
    return (
        len(rows) == 1
        and stored is not None
        and stored == memory.digest(task.sequence, rows[0].raw)
        and task.missing_since is None
        and timezone.now() < task.deadline_at
    )


def _find(adapter: Adapter, upstream: Upstream, nameless: list[Asked], *, until: float) -> Findings:
    """A search that fails proves nothing, and keeps no other task of the batch waiting."""
    if not nameless:
        return Findings(found={}, complete=True)
    if time.monotonic() > until:
        return Findings(found={}, complete=False)
    sql.release_connection()
    try:
        with metrics.UpstreamCall(upstream.name, "poll"):
            words = [word for task in nameless for word in signing.correlations(task.pk)]
            return adapter.find(upstream, words)
    except UpstreamError as error:
        logger.warning("channel %s cannot be searched: %s", upstream.name, error)
        return Findings(found={}, complete=False)


def _name(task: Asked) -> str:
    return task.upstream_id or task.hinted_id


def _is_ours(task: Asked, row: Update, shared: dict[str, int]) -> bool:
    """Our correlation token in a row proves whose it is. An upstream that does not return it is
    believed about an id that it gave us itself, and about one that it gave us twice, for the first
    task that got it: one drawing is paid for once."""
    if task.upstream_id and not row.correlation:
        return shared.get(task.upstream_id, task.pk) == task.pk
    return row.correlation in signing.correlations(task.pk)


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
