"""`Idempotency-Key`: the same submit sent again is the same task (tenant-api, section 4).

Only what was accepted is remembered: a refusal has changed nothing, so it may be tried again.
"""

import hashlib
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.utils import timezone

from billing.limits import turns
from billing.tokens import Caller
from relay.errors import IdempotencyInProgress, IdempotencyMismatch
from relay.models import IdempotentRequest, Task
from relay.submits import answers

REMEMBERED = timedelta(hours=24)
# A submit may wait for its turn, then ask several channels, one after the other; the margin is for
# everything else.
MARGIN_SECONDS = 30


class Begun(NamedTuple):
    """Our request's row, and the answer when it was answered before."""

    row_id: int
    answer: str


def begin(*, caller: Caller, key: str, path: str, body: dict[str, Any]) -> Begun:
    """Claims the key for this request, or finds the answer that it got.

    Of several at the same moment one gets it, on whatever machine: the database decides. Raises
    IdempotencyMismatch when the key came with another request, IdempotencyInProgress while its
    twin is still being answered.
    """
    whose = {"tenant_id": caller.tenant_id, "is_test": caller.is_test, "key": key}
    mine = IdempotentRequest.objects.filter(**whose)
    mine.filter(started_at__lt=timezone.now() - REMEMBERED).delete()
    digest = _digest(path, body)
    row, is_new = mine.get_or_create(**whose, defaults={"digest": digest})
    if is_new:
        return Begun(row.pk, "")
    if bytes(row.digest) != digest:
        raise IdempotencyMismatch
    return Begun(row.pk, row.answer or _answer_of_the_dead(row, caller))


def finish(row_id: int, answer: str) -> None:
    """Remembers the answer of an accepted submit."""
    IdempotentRequest.objects.filter(pk=row_id).update(answer=answer)


def forget(row_id: int) -> None:
    """It was refused: nothing has happened, and the key is free again. Unless it broke after all
    had been paid: then its task is the answer, once it is clear that nobody works on it."""
    if not Task.objects.open().filter(request_id=row_id).exists():
        IdempotentRequest.objects.filter(pk=row_id, answer="").delete()


def sweep() -> None:
    IdempotentRequest.objects.filter(started_at__lt=timezone.now() - REMEMBERED).delete()


def _answer_of_the_dead(row: IdempotentRequest, caller: Caller) -> str:
    """A request that cannot be under way any more was cut off with its process. Its tasks, if it
    came to any, are its answer; else the key is taken over, which the empty text says."""
    longest = settings.UPSTREAM_CONNECT_SECONDS + settings.UPSTREAM_SUBMIT_SECONDS
    longest = longest * settings.SUBMIT_MAX_CHANNELS + turns.patience(caller) + MARGIN_SECONDS
    if timezone.now() - row.started_at < timedelta(seconds=longest):
        raise IdempotencyInProgress
    ids = Task.objects.filter(request_id=row.pk).order_by("id").values_list("id", flat=True)
    if ids:
        return orjson.dumps(answers.accepted(",".join(map(str, ids)))).decode()
    stale = IdempotentRequest.objects.filter(pk=row.pk, answer="", started_at=row.started_at)
    if not stale.update(started_at=timezone.now()):
        raise IdempotencyInProgress
    return ""


def _digest(path: str, body: dict[str, Any]) -> bytes:
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(path.encode() + b"\n" + canonical).digest()
