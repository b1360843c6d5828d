"""The life of a task, and the only writer of `Task.status`.

Handing a task to an upstream is in relay/forwarding.py, looking at it in relay/polling.py; both
come here to have a task begun, changed or ended. Status, money and callback change in one
transaction, and only if the task is still as the caller saw it.
"""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing import ledger
from billing.pricing import Quote
from billing.tokens import Caller
from channels.adapters.base import Update
from channels.selection import Upstream
from common import sql
from relay import callbacks, changes, statements
from relay.models import LIVE, TERMINAL, Attempt, Task, TaskStatus
from relay.orders import Order

logger = logging.getLogger(__name__)

EXPIRY_BATCH = 500


def begin(
    *, caller: Caller, order: Order, quote: Quote, upstream: Upstream, first_look: timedelta
) -> Any:
    """Holds the price and writes task, entry and first attempt, in one commit.

    Returns a row (task_id, attempt_id). Raises QuotaNotEnough; nothing is written then.
    """
    row = sql.fetch_one(
        statements.SUBMIT,
        {
            "tenant_id": caller.tenant_id,
            "token_id": caller.token_id,
            "channel_id": upstream.id,
            "action": order.action.name,
            "mode": order.mode,
            "bot_type": order.bot_type,
            "prompt": order.prompt,
            "state": order.state,
            "notify_hook": order.notify_hook or caller.default_hook,
            "description": f"/{order.action.name.lower()} {order.prompt}",
            "price": quote.amount,
            "price_rule_id": quote.rule_id,
            "first_look": first_look,
            "deadline": timedelta(seconds=settings.TASK_DEADLINE_SECONDS),
            "expiry": timedelta(seconds=settings.TASK_EXPIRY_SECONDS),
        },
    )
    if row is None:
        raise ledger.refusal(tenant_id=caller.tenant_id, token_id=caller.token_id)
    return row


def apply(task: Task, update: Update) -> bool:
    """Stores what an upstream said. True when that changed the task.

    Never backwards, never twice: of several who bring news of the same task, one wins, and the
    others find the task changed under them and return False.
    """
    news = changes.between(task, update)
    return bool(news) and _store(task, news)


def fail(task: Task, reason: str) -> bool:
    """Ends a live task that came to nothing. True when it was this call that ended it."""
    return _store(task, changes.failure(reason))


@transaction.atomic
def refuse(*, task_id: int, attempt_id: int, outcome: str, milliseconds: int, answer: str) -> bool:
    """Ends a task that no upstream took: the tenant gets an error and never hears its id.

    False when a poll has found it at the very upstream that said no, or it has ended meanwhile.
    """
    task = Task.objects.get(pk=task_id)
    if task.upstream_id:
        return False
    # Nobody is called back about a task that nobody was told of.
    task.notify_hook = ""
    news = changes.failure("no upstream accepted it") | {"notify_hook": ""}
    if not _store(task, news):
        return False
    Attempt.objects.filter(pk=attempt_id).update(
        outcome=outcome, milliseconds=milliseconds, answer=answer
    )
    return True


def adopt(task: Task, upstream_id: str) -> bool:
    """The upstream has the task although its answer never reached us: from now on it has an id."""
    with transaction.atomic():
        nameless = Task.objects.live().filter(pk=task.pk, sequence=task.sequence, upstream_id="")
        if not nameless.update(upstream_id=upstream_id, sequence=F("sequence") + 1):
            return False
        Attempt.objects.filter(
            task_id=task.pk, outcome__in=[Attempt.Outcome.SENDING, Attempt.Outcome.UNKNOWN]
        ).update(outcome=Attempt.Outcome.ACCEPTED)
    task.upstream_id = upstream_id
    task.sequence += 1
    return True


def doubt(tasks: list[Task]) -> None:
    """Their submits are over by now and no answer was stored: the outcome is unknown."""
    if tasks:
        Attempt.objects.filter(task__in=tasks, outcome=Attempt.Outcome.SENDING).update(
            outcome=Attempt.Outcome.UNKNOWN
        )


def expire_overdue() -> int:
    """Ends what has outlived everything; returns how many. One that cannot be ended, because its
    books are wrong, keeps no other from it."""
    overdue = Task.objects.live().filter(expires_at__lt=timezone.now()).select_related("token")
    return sum(_expire(task) for task in overdue.iterator(chunk_size=EXPIRY_BATCH))


def _expire(task: Task) -> bool:
    try:
        return fail(task, "expired: the upstream never finished it")
    except Exception:
        logger.exception("task %s has expired and cannot be ended", task.pk)
        return False


def _store(task: Task, news: dict[str, Any]) -> bool:
    """Writes news of a task, settles its money and writes its callback: together or not at all."""
    status = news.get("status", task.status)
    sequence = task.sequence + 1
    if status in TERMINAL:
        news = news | {"next_poll_at": None, "leased_until": None}
    with transaction.atomic():
        rows = Task.objects.filter(pk=task.pk, sequence=task.sequence, status__in=LIVE).update(
            **news, sequence=F("sequence") + 1, changed_at=timezone.now(), missing_since=None
        )
        if rows != 1:
            return False
        for name, value in (news | {"sequence": sequence, "missing_since": None}).items():
            setattr(task, name, value)
        if status == TaskStatus.SUCCESS:
            ledger.capture(reference=str(task.pk), amount=task.price)
        elif status == TaskStatus.FAILURE:
            ledger.release(reference=str(task.pk))
        callbacks.enqueue(task)
    return True
