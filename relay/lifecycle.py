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
from psycopg.types.json import Jsonb

from billing import ledger
from billing.tokens import Caller
from channels.adapters.base import Update
from channels.selection import Upstream
from common import sql
from relay import callbacks, changes, results, statements
from relay.models import TERMINAL, Attempt, Task, TaskStatus
from relay.orders import Order, Price, hold_params

logger = logging.getLogger(__name__)

EXPIRY_BATCH = 500
EXPIRED = "expired: the upstream never finished it"
NOT_CONFIRMED = "expired: it was not confirmed in time"


def begin(
    *, caller: Caller, order: Order, price: Price, upstream: Upstream, first_look: timedelta
) -> Any:
    """Holds the price and writes task, entry and first attempt, in one commit.

    Returns a row (task_id, attempt_id). Raises QuotaNotEnough, ConcurrencyLimited; nothing is
    written then.
    """
    params = hold_params(caller, price)
    row = sql.fetch_one(
        statements.SUBMIT,
        params
        | {
            "channel_id": upstream.id,
            "cost": upstream.costs.find(order.action.price_names, order.mode),
            "parent_id": order.parent and order.parent.pk,
            "action": order.action.name,
            "bot_type": order.bot_type,
            "prompt": order.shown_prompt,
            "custom_id": order.custom_id,
            "state": order.state,
            "notify_hook": order.notify_hook or caller.hook,
            "request_id": order.request_id,
            "description": order.description,
            "mode_prices": Jsonb(price.by_mode),
            "first_look": first_look,
            "deadline": timedelta(seconds=settings.TASK_DEADLINE_SECONDS),
            "expiry": timedelta(seconds=settings.TASK_EXPIRY_SECONDS),
        },
    )
    if row is None:
        raise ledger.refusal(params)
    return row


@transaction.atomic
def begin_confirmation(
    *,
    task: Task,
    caller: Caller,
    price: Price,
    upstream: Upstream,
    first_look: timedelta,
    told: dict[str, str],
) -> int | None:
    """A tenant confirms a modal: now its price is held. `told` are columns to write as far as they
    are not empty. Returns the new attempt's id, None when the modal is no longer open. Raises
    QuotaNotEnough, ConcurrencyLimited; nothing is written then."""
    # Under lock, so that the number is nobody else's.
    Task.objects.select_for_update().get(pk=task.pk)
    number = task.attempt_set.count() + 1
    now = timezone.now()
    rows = Task.objects.filter(pk=task.pk, status=TaskStatus.MODAL).update(
        status=TaskStatus.SUBMITTED,
        sequence=F("sequence") + 1,
        token_id=caller.token_id,
        price=price.quote.amount,
        price_rule_id=price.quote.rule_id,
        mode_prices=price.by_mode,
        hold_suffix=f":{number}",
        next_poll_at=now + first_look,
        deadline_at=now + timedelta(seconds=settings.TASK_DEADLINE_SECONDS),
        expires_at=now + timedelta(seconds=settings.TASK_EXPIRY_SECONDS),
        **{name: value for name, value in told.items() if value},
    )
    if rows != 1:
        return None
    ledger.hold(hold_params(caller, price), reference=f"{task.pk}:{number}")
    cost = upstream.costs.find([price.quote.name], price.quote.mode)
    attempt = Attempt(task=task, channel_id=task.channel_id, number=number, cost=cost)
    attempt.save()
    return attempt.pk


@transaction.atomic
def open_modal(task: Task, *, upstream_id: str, final_prompt: str) -> bool:
    """The upstream wants a confirmation before it draws: what was held is free until then."""
    rows = (
        Task.objects.live()
        .filter(pk=task.pk, sequence=task.sequence)
        .update(
            status=TaskStatus.MODAL,
            sequence=F("sequence") + 1,
            upstream_id=upstream_id,
            final_prompt=final_prompt,
            next_poll_at=None,
            leased_until=None,
            expires_at=timezone.now() + timedelta(seconds=settings.MODAL_EXPIRY_SECONDS),
        )
    )
    if rows == 1:
        ledger.release(reference=task.hold_reference, memo="waits for confirmation")
        # A poll that found it may have called it accepted already.
        known = (*Attempt.MAYBE_TAKEN, Attempt.Outcome.ACCEPTED)
        task.attempt_set.filter(outcome__in=known).update(outcome=Attempt.Outcome.MODAL)
        task.status, task.next_poll_at = TaskStatus.MODAL, None
    return rows == 1


@transaction.atomic
def reopen_modal(
    *, task_id: int, attempt_id: int, outcome: str, milliseconds: int, answer: str
) -> bool:
    """The upstream refused the confirmation: it may be tried again, and the money is free.

    False when a look has proved the refusal wrong: the task is being drawn, or has been.
    """
    task = Task.objects.select_for_update().get(pk=task_id)
    is_drawn = task.status != TaskStatus.SUBMITTED
    Attempt.objects.filter(pk=attempt_id).update(
        outcome=Attempt.Outcome.ACCEPTED if is_drawn else outcome,
        milliseconds=milliseconds,
        answer=answer,
    )
    if is_drawn:
        return False
    Task.objects.filter(pk=task_id).update(
        status=TaskStatus.MODAL,
        sequence=F("sequence") + 1,
        next_poll_at=None,
        leased_until=None,
        expires_at=timezone.now() + timedelta(seconds=settings.MODAL_EXPIRY_SECONDS),
    )
    ledger.release(reference=task.hold_reference, memo="confirmation refused")
    return True


def finish_upload(*, task_id: int, attempt_id: int, urls: list[str]) -> None:
    """The upstream has the pictures: paid."""
    Attempt.objects.filter(pk=attempt_id).update(outcome=Attempt.Outcome.ACCEPTED)
    task = Task.objects.select_related("token").get(pk=task_id)
    _store(task, changes.upload(urls))


def cancel(task: Task) -> bool:
    """Ends a modal that its tenant does not want any more. False: it is not open, or is drawn."""
    return task.status == TaskStatus.MODAL and _store(task, changes.cancellation())


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
        task.attempt_set.filter(outcome__in=Attempt.MAYBE_TAKEN).update(
            outcome=Attempt.Outcome.ACCEPTED
        )
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
    overdue = Task.objects.open().filter(expires_at__lt=timezone.now()).select_related("token")
    return sum(_expire(task) for task in overdue.iterator(chunk_size=EXPIRY_BATCH))


def _expire(task: Task) -> bool:
    try:
        return fail(task, NOT_CONFIRMED if task.status == TaskStatus.MODAL else EXPIRED)
    except Exception:
        logger.exception("task %s has expired and cannot be ended", task.pk)
        return False


def _store(task: Task, news: dict[str, Any]) -> bool:
    """Writes news of a task, settles its money and writes its callback: together or not at all."""
    was = task.status
    if news.get("status") in TERMINAL:
        news = news | {"next_poll_at": None, "leased_until": None}
    with transaction.atomic():
        rows = (
            Task.objects.open()
            .filter(pk=task.pk, sequence=task.sequence)
            .update(
                **news, sequence=F("sequence") + 1, changed_at=timezone.now(), missing_since=None
            )
        )
        if rows != 1:
            return False
        told = news | {"sequence": task.sequence + 1, "missing_since": None}
        for name, value in told.items():
            setattr(task, name, value)
        _settle(task, was)
        if task.status in TERMINAL:
            _close_attempts(task)
        callbacks.enqueue(task)
        results.enqueue(task)
    return True


def _close_attempts(task: Task) -> None:
    """Of an attempt whose answer never came: a drawing leaves no doubt, any other end leaves the
    outcome unknown for good."""
    is_drawn = task.status == TaskStatus.SUCCESS
    if is_drawn and not task.hold_suffix:
        # It has been adopted before (adopt).
        return
    task.attempt_set.filter(outcome__in=Attempt.MAYBE_TAKEN).update(
        outcome=Attempt.Outcome.ACCEPTED if is_drawn else Attempt.Outcome.UNKNOWN
    )


def _settle(task: Task, was: str) -> None:
    """Ends the hold of a task that has ended. An open modal has none."""
    if was == TaskStatus.MODAL or task.status not in TERMINAL:
        return
    if task.status == TaskStatus.SUCCESS:
        # Drawn in another mode than it was bought in: the cheaper of the two prices counts.
        drawn = task.mode_prices.get(task.mode, task.price)
        # Of several attempts it was the last one that drew.
        cost = task.attempt_set.order_by("-number").values_list("cost", flat=True).first()
        ledger.capture(
            reference=task.hold_reference,
            amount=min(task.price, drawn),
            channel=task.channel_id,
            cost=cost,
        )
    else:
        ledger.release(reference=task.hold_reference)
