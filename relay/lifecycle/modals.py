"""A drawing that waits for its tenant's confirmation, and is not paid for until then."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from billing import ledger
from billing.tokens import Caller
from channels.selection import Upstream
from relay.following import deadlines
from relay.messages import callbacks
from relay.models import Attempt, Task, TaskStatus
from relay.submits.orders import Price, hold_params

UNHEARD = "the upstream still waits for it: it has never arrived"
# Between the end of a call and the moment at which its outcome is stored.
CALL_MARGIN_SECONDS = 5


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
        late_look_at=None,
        deadline_at=now + timedelta(seconds=deadlines.seconds(task.action, task.mode)),
        expires_at=now + timedelta(seconds=settings.TASK_EXPIRY_SECONDS),
        **{name: value for name, value in told.items() if value},
    )
    if rows != 1:
        return None
    ledger.hold(hold_params(caller, price), reference=f"{task.pk}:{number}")
    cost = upstream.costs.find([price.quote.name], price.quote.mode)
    attempt = Attempt(
        task=task,
        channel_id=task.channel_id,
        credential_id=upstream.credential_id,
        number=number,
        cost=cost,
    )
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
    *,
    task_id: int,
    attempt_id: int,
    outcome: str,
    milliseconds: int,
    answer: str,
    is_fault: bool = False,
) -> bool:
    """The upstream refused the confirmation: it may be tried again, and the money is free.

    False when a look has proved the refusal wrong: the task is being drawn, or has been.
    """
    task = Task.objects.select_for_update().get(pk=task_id)
    is_drawn = task.status != TaskStatus.SUBMITTED
    Attempt.objects.filter(pk=attempt_id, task=task_id).update(
        outcome=Attempt.Outcome.ACCEPTED if is_drawn else outcome,
        is_fault=is_fault and not is_drawn,
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


def is_confirmation_unheard(task: Task) -> bool:
    """Whether a confirmation was sent, and it can neither be answered any more nor has been."""
    return (
        task.status == TaskStatus.SUBMITTED and bool(task.hold_suffix) and _unheard(task).exists()
    )


def reopen_unheard(task: Task) -> bool:
    """The upstream still waits for a confirmation that we sent long ago: it has never arrived. The
    modal is open again, and the money free. Should it be drawn all the same, it is late."""
    now = timezone.now()
    with transaction.atomic():
        rows = Task.objects.filter(
            pk=task.pk, sequence=task.sequence, status=TaskStatus.SUBMITTED
        ).update(
            status=TaskStatus.MODAL,
            sequence=F("sequence") + 1,
            changed_at=now,
            missing_since=None,
            next_poll_at=None,
            leased_until=None,
            late_look_at=now + timedelta(seconds=settings.LATE_FIRST_SECONDS),
            expires_at=now + timedelta(seconds=settings.MODAL_EXPIRY_SECONDS),
        )
        if rows != 1:
            return False
        if not _unheard(task).update(outcome=Attempt.Outcome.REFUSED, answer=UNHEARD):
            # Its answer has come this very moment.
            transaction.set_rollback(True)
            return False
        ledger.release(reference=task.hold_reference, memo="the confirmation never arrived")
        task.status, task.sequence = TaskStatus.MODAL, task.sequence + 1
        task.next_poll_at = None
        callbacks.enqueue(task)
    return True


def _unheard(task: Task) -> QuerySet[Attempt]:
    """The attempt whose outcome nobody knows: not one that may still be under way."""
    under_way = settings.UPSTREAM_CONNECT_SECONDS + settings.UPSTREAM_SUBMIT_SECONDS
    is_over = Q(created_at__lt=timezone.now() - timedelta(seconds=under_way + CALL_MARGIN_SECONDS))
    return task.attempt_set.filter(
        Q(outcome=Attempt.Outcome.UNKNOWN) | Q(is_over, outcome=Attempt.Outcome.SENDING)
    )
