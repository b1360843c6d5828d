"""Telling a tenant's hook what became of a task: body, signature, one delivery, the ladder.

A message is a row before it is a request, so none is lost with a process or a broker. What may be
lost is progress: it is sent once, and only the newest.
"""

import base64
import hashlib
import hmac
import logging
import random
import time
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from billing.tenants import WEBHOOK_SECRET_PREFIX
from common import guard, sql
from common.deadline import deadline
from relay import statements, task_object
from relay.models import TERMINAL, Callback, CallbackAttempt, Task

logger = logging.getLogger(__name__)

# Seconds before each try, counted from the one before; as many tries as rungs (about 75 hours).
LADDER_SECONDS = (0, 5, 30, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
JITTER = 0.2
# Longer than a delivery may take.
LEASE_SECONDS = 30
CLAIM_BATCH = 200
# Messages of one tenant on their way to one host at the same time.
PER_HOST = 20
HOST_MAX_CHARS = 255
ANSWER_MAX_BYTES = 2048


class Delivery(NamedTuple):
    """How one try ended. `status_code` is None when no answer came; with `is_hopeless` none ever
    will from that address."""

    status_code: int | None
    answer: str
    milliseconds: int
    is_hopeless: bool = False

    @property
    def is_success(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def enqueue(task: Task) -> None:
    """Writes the message about a task's new state, in the transaction that stores that state."""
    if not task.notify_hook:
        return
    body = task_object.as_json(task, task.token.image_setting).decode()
    progress = Callback.objects.filter(task=task, is_final=False, state=Callback.State.PENDING)
    if task.status in TERMINAL:
        progress.update(state=Callback.State.OVERTAKEN, due_at=None)
    elif progress.update(body=body, sequence=task.sequence, due_at=timezone.now()):
        return
    Callback.objects.create(
        task=task,
        tenant_id=task.tenant_id,
        url=task.notify_hook,
        host=(urlsplit(task.notify_hook).hostname or "")[:HOST_MAX_CHARS],
        sequence=task.sequence,
        is_final=task.status in TERMINAL,
        body=body,
    )


def claim() -> list[tuple[int, int]]:
    """(id, tries so far) of due messages, leased to the caller."""
    rows = sql.fetch_all(
        statements.CLAIM_CALLBACKS,
        {
            "lease": timedelta(seconds=LEASE_SECONDS),
            "limit": CLAIM_BATCH,
            "per_host": PER_HOST,
        },
    )
    return [(row.id, row.tries) for row in rows]


def deliver(callback_id: int, tries: int) -> None:
    """One try. Of several workers with the same job, the one that raises `tries` delivers."""
    lease = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    mine = Callback.objects.filter(
        pk=callback_id, tries=tries, state=Callback.State.PENDING
    ).update(tries=F("tries") + 1, due_at=lease, flies_until=lease)
    if not mine:
        return
    callback = Callback.objects.select_related("tenant").get(pk=callback_id)
    sql.release_connection()
    _record(callback, _post(callback))


def replay(callback: Callback) -> bool:
    """Sends a message about a final state again at the next tick, whatever became of it. False
    when a try is under way at this moment, and for progress, which is past."""
    rows = Callback.objects.filter(
        Q(flies_until__isnull=True) | Q(flies_until__lte=timezone.now()),
        pk=callback.pk,
        is_final=True,
    )
    return bool(rows.update(state=Callback.State.PENDING, due_at=timezone.now()))


def headers(callback: Callback, *, timestamp: int) -> dict[str, str]:
    signed = signature(
        message_id=callback.message_id,
        timestamp=timestamp,
        body=callback.body,
        secret=callback.tenant.webhook_secret,
    )
    return signed | {"X-Relay-Sequence": str(callback.sequence)}


def signature(*, message_id: str, timestamp: int, body: str, secret: str) -> dict[str, str]:
    """The headers of a signed message: Standard Webhooks (standard-webhooks specification,
    "Webhook signature scheme"). `secret` is "whsec_" and base64; raises ValueError for another."""
    signed = f"{message_id}.{timestamp}.{body}".encode()
    mac = hmac.new(_secret_bytes(secret), signed, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "User-Agent": "mj-relay",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(mac.digest()).decode()}",
    }


def next_wait(tries: int) -> float | None:
    """Seconds until the next try after `tries` failed ones, without jitter; None: give up."""
    if tries >= len(LADDER_SECONDS):
        return None
    return LADDER_SECONDS[tries]


def post(url: str, *, body: str, sign: Callable[[int], dict[str, str]]) -> Delivery:
    """One try to bring a message to an address that a stranger chose. `sign` makes the headers for
    the time (seconds since 1970)."""
    started = time.monotonic()
    status: int | None = None
    is_hopeless = False
    try:
        with (
            deadline(settings.CALLBACK_TIMEOUT_SECONDS),
            _session().post(
                url,
                data=body.encode(),
                headers=sign(int(time.time())),
                timeout=settings.CALLBACK_TIMEOUT_SECONDS,
                stream=True,
            ) as response,
        ):
            # The receiver has it, even if its answer cannot be read to the end.
            status = response.status_code
            answer = _beginning(response)
    # A hostile address can make the HTTP library stumble in ways of its own; that is a failed
    # try like any other.
    except Exception as error:  # noqa: BLE001
        is_hopeless = guard.is_hopeless(error)
        answer = f"{type(error).__name__}: {error}"[:ANSWER_MAX_BYTES]
    return Delivery(status, answer, round((time.monotonic() - started) * 1000), is_hopeless)


def _post(callback: Callback) -> Delivery:
    return post(
        callback.url,
        body=callback.body,
        sign=lambda timestamp: headers(callback, timestamp=timestamp),
    )


def _beginning(response: requests.Response) -> str:
    """As much of the answer as is kept for the tenant to see."""
    raw = b""
    while len(raw) < ANSWER_MAX_BYTES and (chunk := response.raw.read1(ANSWER_MAX_BYTES)):
        raw += chunk
    return raw.decode("utf-8", "replace").replace("\x00", "")[:ANSWER_MAX_BYTES]


@lru_cache(maxsize=1)
def _session() -> requests.Session:
    return guard.session(
        guard.Policy(ports=settings.CALLBACK_PORTS, allowed=settings.CALLBACK_ALLOWED_NETWORKS)
    )


@transaction.atomic
def _record(callback: Callback, delivery: Delivery) -> None:
    CallbackAttempt.objects.create(
        callback=callback,
        number=callback.tries,
        status_code=delivery.status_code,
        answer=delivery.answer,
        milliseconds=delivery.milliseconds,
    )
    Callback.objects.filter(pk=callback.pk).update(flies_until=None)
    # Not one that another try has delivered meanwhile, nor a progress message that was rewritten
    # while it was on its way: that one is due again.
    row = Callback.objects.filter(
        pk=callback.pk, sequence=callback.sequence, state=Callback.State.PENDING
    )
    if delivery.is_success:
        row.update(state=Callback.State.DELIVERED, due_at=None)
        return
    wait = next_wait(callback.tries) if callback.is_final else None
    if wait is None:
        row.update(state=Callback.State.GIVEN_UP, due_at=None)
        logger.warning("callback %s given up: %s", callback.message_id, delivery.answer)
        return
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  spreads load, hides nothing
    row.update(due_at=timezone.now() + timedelta(seconds=wait * jitter))


def _secret_bytes(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(WEBHOOK_SECRET_PREFIX))
