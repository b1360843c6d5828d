"""Bringing one message to a tenant's hook: one try, and what follows from how it ended."""

import logging
from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from billing import tenants
from common import logs, sql
from relay.messages import callbacks, hooks, ladder, posting, statements
from relay.messages.posting import Delivery
from relay.models import Callback, CallbackAttempt
from relay.watch import metrics

logger = logging.getLogger(__name__)


class _Taken(NamedTuple):
    """A message whose try has begun. `has_failed`: its hook is known to fail."""

    callback: Callback
    has_failed: bool


def deliver(callback_id: int, tries: int, task_id: int | None = None) -> None:
    """One try. Of several workers with the same job, the one that raises `tries` delivers.

    Where the `task_id` is not known, the message is looked for in all parts of the table.
    """
    if task_id is None:
        known = Callback.objects.filter(pk=callback_id)
        task_id = known.values_list("task_id", flat=True).first()
    if task_id is None or (taken := _take(callback_id, tries, task_id)) is None:
        return
    callback = taken.callback
    logs.add(task_id=callback.task_id, tenant_id=callback.tenant_id)
    try:
        secrets = tenants.webhook_secrets(callback.tenant)
    # Encrypted with a secret that the settings do not have: our own mistake, and no hook's.
    except Exception as error:
        logger.exception("callback %s cannot be signed", callback.message_id)
        record(callback, Delivery(None, f"it cannot be signed: {type(error).__name__}", 0))
        return
    sql.release_connection()
    delivery = _post(callback, secrets)
    record(callback, delivery)
    if delivery.is_success and not taken.has_failed:
        return
    if hooks.note(callback.tenant_id, callback.url, delivery):
        hooks.hold_back()


def headers(callback: Callback, *, timestamp: int, secrets: list[str]) -> dict[str, str]:
    signed = posting.signature(
        message_id=callback.message_id, timestamp=timestamp, body=callback.body, secrets=secrets
    )
    return signed | {"X-Relay-Sequence": str(callback.sequence)}


def record(callback: Callback, delivery: Delivery) -> None:
    """Not over what a later try has come to, nor over a progress message that was rewritten while
    this one was on its way: that one is due again."""
    if delivery.is_success:
        metrics.callback_tried("delivered")
        _record_arrival(callback, delivery)
    else:
        _record_failure(callback, delivery)


def _record_arrival(callback: Callback, delivery: Delivery) -> None:
    sql.execute(
        statements.ARRIVED,
        {
            "id": callback.pk,
            "task_id": callback.task_id,
            "tries": callback.tries,
            "sequence": callback.sequence,
            "status_code": delivery.status_code,
            "answer": delivery.answer,
            "milliseconds": delivery.milliseconds,
        },
    )


@transaction.atomic
def _record_failure(callback: Callback, delivery: Delivery) -> None:
    CallbackAttempt.objects.create(
        callback=callback,
        task_id=callback.task_id,
        number=callback.tries,
        status_code=delivery.status_code,
        answer=delivery.answer,
        milliseconds=delivery.milliseconds,
    )
    _of(callback).filter(tries=callback.tries).update(flies_until=None)
    _climb(callback, delivery)


def _climb(callback: Callback, delivery: Delivery) -> None:
    """To the ladder's next rung, or off its end."""
    row = _of(callback).filter(
        tries=callback.tries, sequence=callback.sequence, state=Callback.State.PENDING
    )
    failed = callback.rung + 1
    wait = ladder.next_try(failed, retry_after=delivery.retry_after) if callback.is_final else None
    metrics.callback_tried("failed" if wait is not None else "given_up")
    if wait is None:
        row.update(state=Callback.State.GIVEN_UP, due_at=None, rung=failed)
        logger.warning("callback %s given up: %s", callback.message_id, delivery.answer)
        return
    row.update(due_at=Now() + timedelta(seconds=wait), rung=failed)


def _of(callback: Callback) -> QuerySet[Callback]:
    return Callback.objects.filter(pk=callback.pk, task_id=callback.task_id)


def _take(callback_id: int, tries: int, task_id: int) -> _Taken | None:
    message = {"id": callback_id, "task_id": task_id, "tries": tries}
    row = sql.fetch_one(statements.TAKE_CALLBACK, message | {"lease": callbacks.lease()})
    if row is None:
        sql.execute(statements.LAND_CALLBACK, message)
    if row is None or row.state != Callback.State.PENDING:
        return None
    told = row._asdict()
    has_failed = told.pop("has_failed")
    return _Taken(Callback(**told), has_failed)


def _post(callback: Callback, secrets: list[str]) -> Delivery:
    return posting.post(
        callback.url,
        body=callback.body,
        sign=lambda timestamp: headers(callback, timestamp=timestamp, secrets=secrets),
    )
