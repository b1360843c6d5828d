"""Bringing one message to a tenant's hook: one try, and what follows from how it ended."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from billing import tenants
from common import logs, sql
from relay import callbacks, hooks, ladder, metrics, posting, statements
from relay.models import Callback, CallbackAttempt
from relay.posting import Delivery

logger = logging.getLogger(__name__)


def deliver(callback_id: int, tries: int) -> None:
    """One try. Of several workers with the same job, the one that raises `tries` delivers."""
    if not _take(callback_id, tries):
        return
    callback = Callback.objects.get(pk=callback_id)
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
    if hooks.note(callback.tenant_id, callback.url, delivery):
        hooks.hold_back()


def headers(callback: Callback, *, timestamp: int, secrets: list[str]) -> dict[str, str]:
    signed = posting.signature(
        message_id=callback.message_id, timestamp=timestamp, body=callback.body, secrets=secrets
    )
    return signed | {"X-Relay-Sequence": str(callback.sequence)}


@transaction.atomic
def record(callback: Callback, delivery: Delivery) -> None:
    """Not over what a later try has come to, nor over a progress message that was rewritten while
    this one was on its way: that one is due again."""
    CallbackAttempt.objects.create(
        callback=callback,
        number=callback.tries,
        status_code=delivery.status_code,
        answer=delivery.answer,
        milliseconds=delivery.milliseconds,
    )
    mine = Callback.objects.filter(pk=callback.pk, tries=callback.tries)
    mine.update(flies_until=None)
    if delivery.is_success:
        metrics.callback_tried("delivered")
        # Also what was put aside meanwhile: it has arrived.
        Callback.objects.filter(pk=callback.pk, sequence=callback.sequence).update(
            state=Callback.State.DELIVERED, due_at=None
        )
        return
    _climb(callback, delivery)


def _climb(callback: Callback, delivery: Delivery) -> None:
    """To the ladder's next rung, or off its end."""
    row = Callback.objects.filter(
        pk=callback.pk,
        tries=callback.tries,
        sequence=callback.sequence,
        state=Callback.State.PENDING,
    )
    failed = callback.rung + 1
    wait = ladder.next_try(failed, retry_after=delivery.retry_after) if callback.is_final else None
    metrics.callback_tried("failed" if wait is not None else "given_up")
    if wait is None:
        row.update(state=Callback.State.GIVEN_UP, due_at=None, rung=failed)
        logger.warning("callback %s given up: %s", callback.message_id, delivery.answer)
        return
    row.update(due_at=Now() + timedelta(seconds=wait), rung=failed)


def _take(callback_id: int, tries: int) -> bool:
    params = {"id": callback_id, "tries": tries, "lease": callbacks.lease()}
    row = sql.fetch_one(statements.TAKE_CALLBACK, params)
    if row is None:
        sql.execute(statements.LAND_CALLBACK, {"id": callback_id, "tries": tries})
    return row is not None and row.state == Callback.State.PENDING


def _post(callback: Callback, secrets: list[str]) -> Delivery:
    return posting.post(
        callback.url,
        body=callback.body,
        sign=lambda timestamp: headers(callback, timestamp=timestamp, secrets=secrets),
    )
