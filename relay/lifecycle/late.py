"""What the upstream has finished after we had given it up."""

import logging
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing import ledger
from billing.errors import InvalidKey, QuotaNotEnough
from billing.models import Entry
from channels.adapters.base import Update
from relay.following import changes
from relay.lifecycle.tasks import settle
from relay.messages import callbacks
from relay.models import Attempt, Task, TaskStatus
from relay.pictures import results

logger = logging.getLogger(__name__)

# Of a hold for what was drawn after its first one had been released.
LATE_SUFFIX = ":late"


@transaction.atomic
def revive(task: Task, update: Update) -> bool:
    """The upstream has finished what we had given up: the tenant gets the picture. It is paid for
    if wallet and key still allow, else it is written off. True when it was this call."""
    news = changes.late_success(task, update)
    rows = Task.objects.filter(
        pk=task.pk, sequence=task.sequence, late_look_at__isnull=False
    ).update(**news, sequence=F("sequence") + 1, changed_at=timezone.now())
    if rows != 1:
        return False
    for name, value in (news | {"sequence": task.sequence + 1}).items():
        setattr(task, name, value)
    _pay_late(task)
    last = task.attempt_set.order_by("-number").first()
    if last is not None:
        Attempt.objects.filter(pk=last.pk, task=task.pk).update(outcome=Attempt.Outcome.ACCEPTED)
    callbacks.enqueue(task)
    results.enqueue(task)
    return True


def _pay_late(task: Task) -> None:
    """A new hold and its capture, in the place of the one that was released."""
    try:
        ledger.hold(_late_hold(task), reference=f"{task.pk}{LATE_SUFFIX}")
    except (QuotaNotEnough, InvalidKey):
        logger.error("task %s was drawn late and cannot be paid for: written off", task.pk)
        Task.objects.filter(pk=task.pk).update(is_written_off=True)
        task.is_written_off = True
        return
    Task.objects.filter(pk=task.pk).update(hold_suffix=LATE_SUFFIX)
    task.hold_suffix = LATE_SUFFIX
    settle(task, TaskStatus.IN_PROGRESS)


def _late_hold(task: Task) -> dict[str, Any]:
    """ledger.HOLD_COLUMNS. How many tasks may be under way is no question: this one is over."""
    first = Entry.objects.get(reference=task.hold_reference, kind=Entry.Kind.HOLD, drawing=task.pk)
    return {
        "wallet_id": first.wallet_id,
        "token_id": task.token_id,
        "price": task.price,
        "price_rule_id": task.price_rule_id,
        "price_name": first.price_name,
        "mode": first.mode,
        "key_concurrency": None,
        "tenant_concurrency": None,
    }
