"""Messages to tenants' hooks: written, handed out, and sent once more when a tenant asks.

A message is a row before it is a request, so none is lost with a process or a broker. What may be
lost is progress: it is sent once, and only the newest. relay/messages/delivery.py brings them.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from billing.models import Tenant
from common import sql
from relay import task_object
from relay.messages import hooks, statements
from relay.models import TERMINAL, Callback, Hook, Task
from relay.weeks import spans

# By so much a lease outlives the longest delivery.
LEASE_MARGIN_SECONDS = 15
CLAIM_BATCH = 200
# Messages of one tenant on their way at the same time: to one host, to an address there that fails,
# and to all of his hosts.
PER_HOST = 20
PER_FAILING = 2
PER_TENANT = 60
# A message that has been tried so often is not replayed any more.
TRIES_MAX = 1000
LOST = (Callback.State.HELD_BACK, Callback.State.GIVEN_UP)
REPLAYABLE = (*LOST, Callback.State.DELIVERED)


class Mark(NamedTuple):
    """How far a replay of many has come: the last message that it has looked at."""

    created_at: datetime
    id: int


class Claimed(NamedTuple):
    """A message that is due, and how often it has been tried."""

    id: int
    tries: int
    task_id: int


class Replayed(NamedTuple):
    """How many are sent again, and where to go on; None: that was all."""

    number: int
    mark: Mark | None


def enqueue(task: Task) -> None:
    """Writes the message about a task's new state, in the transaction that stores that state."""
    if not task.notify_hook:
        return
    is_final = task.status in TERMINAL
    pending = Callback.objects.filter(task=task, state=Callback.State.PENDING)
    if is_final:
        # Of progress, and of a failure that has turned out to be none.
        pending.update(state=Callback.State.OVERTAKEN, due_at=None)
    is_off = hooks.is_off(task.tenant_id, task.notify_hook)
    if is_off and not is_final:
        return
    body = task_object.as_json(task, task.token.image_setting).decode()
    if not is_final and pending.update(body=body, sequence=task.sequence, due_at=Now()):
        return
    callback = Callback(
        task=task,
        tenant_id=task.tenant_id,
        url=task.notify_hook,
        sequence=task.sequence,
        is_final=is_final,
        body=body,
        **hooks.place(task.notify_hook)._asdict(),
    )
    if is_off:
        callback.state, callback.due_at = Callback.State.HELD_BACK, None
    callback.save(force_insert=True)


def enqueue_progress(tasks: Collection[Task]) -> None:
    """The same for many tasks that go on, in one statement."""
    told = [task for task in tasks if task.notify_hook]
    off = hooks.off([(task.tenant_id, task.notify_hook) for task in told])
    told = [task for task in told if (task.tenant_id, task.notify_hook) not in off]
    if not told:
        return
    places = [hooks.place(task.notify_hook) for task in told]
    sql.execute(
        statements.PROGRESS_CALLBACKS,
        {
            "task_ids": [task.pk for task in told],
            "tenants": [task.tenant_id for task in told],
            "urls": [task.notify_hook for task in told],
            "sequences": [task.sequence for task in told],
            "bodies": [task_object.as_json(t, t.token.image_setting).decode() for t in told],
            "hosts": [place.host for place in places],
            "lanes": [place.lane for place in places],
        },
    )


@transaction.atomic
def claim() -> list[Claimed]:
    """Due messages, leased to the caller."""
    sql.fetch_one(statements.BY_INDEX)
    rows = sql.fetch_all(
        statements.CLAIM_CALLBACKS,
        {
            "lease": lease(),
            "limit": CLAIM_BATCH,
            "per_host": PER_HOST,
            "per_failing": PER_FAILING,
            "per_tenant": PER_TENANT,
            **spans.DUE_CALLBACKS.span()._asdict(),
        },
    )
    return [Claimed(row.id, row.tries, row.task_id) for row in rows]


def lease() -> timedelta:
    """For so long nobody else touches a message that was claimed, or whose try has begun."""
    return timedelta(seconds=settings.CALLBACK_TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS)


def replay(callback: Callback, *, url: str = "") -> bool:
    """Sends a message about a final state again at the next tick, whatever became of it, to another
    address if one is given. It stays the same message: its id is the same.

    False when a try is under way at this moment, when a later state is known, for progress, which
    is past, and when it has been tried TRIES_MAX times.
    """
    grounded = Q(flies_until__isnull=True) | Q(flies_until__lte=Now())
    return bool(_send_again(_latest().filter(grounded, pk=callback.pk), url))


def replay_some(
    *,
    tenant: Tenant,
    since: datetime,
    until: datetime,
    states: Collection[str] = LOST,
    after: Mark | None = None,
    limit: int,
    url: str = "",
) -> Replayed:
    """The same for the tenant's messages of a time that are in one of `states`, the oldest first,
    `limit` of them at once. Those to a hook that is off stay where they are; one that is on its way
    is sent after that."""
    rows = _latest().filter(
        tenant=tenant, created_at__gte=since, created_at__lt=until, state__in=states
    )
    if after:
        later = Q(created_at__gt=after.created_at) | Q(created_at=after.created_at, pk__gt=after.id)
        rows = rows.filter(later, created_at__gte=after.created_at)
    if not url:
        rows = rows.exclude(Exists(_off()))
    found = [
        Mark(*row)
        for row in rows.order_by("created_at", "pk").values_list("created_at", "pk")[: limit + 1]
    ]
    batch = found[:limit]
    number = _send_again(rows.filter(pk__in=[mark.id for mark in batch]), url)
    return Replayed(number, batch[-1] if len(found) > limit else None)


def _latest() -> QuerySet[Callback]:
    """Final messages that no later one of their task contradicts."""
    later = Callback.objects.filter(task_id=OuterRef("task_id"), sequence__gt=OuterRef("sequence"))
    return Callback.objects.filter(~Exists(later), is_final=True, tries__lt=TRIES_MAX)


def _off() -> QuerySet[Hook]:
    return Hook.objects.filter(
        tenant_id=OuterRef("tenant_id"), url=OuterRef("url"), off_since__isnull=False
    )


def _send_again(rows: QuerySet[Callback], url: str) -> int:
    changes: dict[str, Any] = {"url": url, **hooks.place(url)._asdict()} if url else {}
    return rows.update(state=Callback.State.PENDING, due_at=Now(), rung=0, **changes)
