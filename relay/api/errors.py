"""Refusals: one shape everywhere, and the one table from exceptions to answers.

The shape is tenant-api, section 4: every client finds the word it looks for, whether that is
`description`, `message`, `error.message` or the HTTP status.
"""

import logging
import math
from typing import Any, NamedTuple

import orjson
from django.db import Error as DatabaseError
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response

from billing.errors import (
    ActionNotAllowed,
    AddressNotAllowed,
    BookRefused,
    CodeRefused,
    ConcurrencyLimited,
    EntriesGone,
    InvalidKey,
    InvalidSignature,
    InvitationRefused,
    LastOfRole,
    LinesOvertaken,
    MalformedPayment,
    NothingCaptured,
    OrderUnknown,
    Overdrawn,
    PaymentRefused,
    PriceMissing,
    PricesInvalid,
    ProviderFailed,
    ProviderOff,
    QuotaNotEnough,
    RateLimited,
    RefundRefused,
    TenantDisabled,
    TopUpRefused,
)
from channels.errors import (
    CostsInvalid,
    NoChannel,
    NoRoom,
    Refusal,
    Rejected,
    Unreachable,
    Unsupported,
    UpstreamError,
)
from relay.errors import (
    BannedPrompt,
    BodyTooLarge,
    Conflict,
    IdempotencyInProgress,
    IdempotencyMismatch,
    InvalidRequest,
    ObjectNotFound,
    RoleNotAllowed,
    TaskNotFound,
    TaskNotSuccess,
    WrongSignature,
)
from relay.pictures.images import PictureUnavailable

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
TWIN_SECONDS = 2


class Answer(NamedTuple):
    """A refusal. `text` None: the exception's own words are for the tenant."""

    status: int
    code: int
    type: str
    text: str | None = None
    retry_after: int | None = None


BAD_REQUEST = Answer(400, 4, "invalid_request", "this is not a proper HTTP request")
INTERNAL = Answer(500, 9, "internal_error", "internal error")
NOT_FOUND = Answer(404, 4, "not_found", "there is no such address")
UNAVAILABLE = Answer(503, 9, "unavailable", "temporarily unavailable", RETRY_SECONDS)
PAYMENT_REFUSED = Answer(400, 4, "payment_refused")
NO_CHANNEL = Answer(503, 9, "no_channel", "no upstream is available", RETRY_SECONDS)

ANSWERS: dict[type[BaseException], Answer] = {
    InvalidRequest: Answer(400, 4, "invalid_request"),
    Unsupported: Answer(400, 4, "invalid_request"),
    PricesInvalid: Answer(400, 4, "invalid_request"),
    CostsInvalid: Answer(400, 4, "invalid_request"),
    EntriesGone: Answer(400, 4, "invalid_request"),
    TaskNotSuccess: Answer(400, 4, "task_not_success"),
    BannedPrompt: Answer(400, 24, "banned_prompt"),
    InvalidKey: Answer(401, 4, "invalid_api_key"),
    QuotaNotEnough: Answer(402, 4, "quota_not_enough"),
    TenantDisabled: Answer(403, 4, "tenant_disabled"),
    PriceMissing: Answer(403, 4, "action_not_allowed"),
    ActionNotAllowed: Answer(403, 4, "action_not_allowed"),
    AddressNotAllowed: Answer(403, 4, "ip_not_allowed"),
    WrongSignature: Answer(403, 4, "wrong_signature"),
    RoleNotAllowed: Answer(403, 4, "role_not_allowed"),
    TaskNotFound: Answer(404, 4, "task_not_found"),
    ObjectNotFound: Answer(404, 4, "not_found"),
    IdempotencyInProgress: Answer(409, 4, "idempotency_in_progress", None, TWIN_SECONDS),
    IdempotencyMismatch: Answer(422, 4, "idempotency_mismatch"),
    BodyTooLarge: Answer(413, 4, "body_too_large"),
    UnreadablePostError: Answer(408, 4, "body_too_slow", "the body did not come in time"),
    Conflict: Answer(409, 4, "conflict"),
    LastOfRole: Answer(409, 4, "conflict"),
    InvitationRefused: Answer(409, 4, "conflict"),
    BookRefused: Answer(409, 4, "price_book_refused"),
    LinesOvertaken: Answer(409, 4, "price_book_refused"),
    NothingCaptured: Answer(409, 4, "nothing_captured"),
    RefundRefused: Answer(409, 4, "refund_refused"),
    Overdrawn: Answer(409, 4, "overdrawn"),
    CodeRefused: Answer(409, 4, "code_refused"),
    TopUpRefused: Answer(400, 4, "top_up_refused"),
    ProviderOff: Answer(403, 4, "provider_off"),
    ProviderFailed: Answer(502, 9, "provider_failed"),
    PaymentRefused: PAYMENT_REFUSED,
    InvalidSignature: PAYMENT_REFUSED,
    MalformedPayment: PAYMENT_REFUSED,
    OrderUnknown: PAYMENT_REFUSED._replace(status=404),
    RateLimited: Answer(429, 23, "rate_limited"),
    ConcurrencyLimited: Answer(429, 23, "concurrency_limited", None, TWIN_SECONDS),
    PictureUnavailable: Answer(502, 9, "picture_unavailable", "the picture is not available"),
    NoChannel: NO_CHANNEL._replace(text=None),
    NoRoom: Answer(429, 23, "queue_full", None, RETRY_SECONDS),
    Unreachable: NO_CHANNEL,
    UpstreamError: Answer(502, 9, "upstream_rejected", "the upstream did not answer this"),
    DatabaseError: UNAVAILABLE,
    PoolTimeout: UNAVAILABLE,
    exceptions.NotFound: NOT_FOUND,
    exceptions.MethodNotAllowed: Answer(405, 4, "method_not_allowed"),
}
REFUSALS: dict[Refusal, Answer] = {
    Refusal.BANNED_PROMPT: Answer(400, 24, "banned_prompt", "可能包含敏感词"),
    Refusal.BAD_REQUEST: Answer(400, 4, "invalid_request", "the upstream refused this request"),
    Refusal.UNSUPPORTED: Answer(
        400, 4, "invalid_request", "the upstream of this task cannot do this"
    ),
    Refusal.QUEUE_FULL: Answer(429, 23, "queue_full", "队列已满，请稍后尝试", RETRY_SECONDS),
    Refusal.NO_ACCOUNT: NO_CHANNEL,
    Refusal.BAD_CREDENTIAL: NO_CHANNEL,
    Refusal.OTHER: Answer(502, 9, "upstream_rejected", "the upstream refused this request"),
}


def body(answer: Answer, text: str, properties: dict[str, str] | None = None) -> dict[str, Any]:
    """The contract's one shape of a refusal."""
    return {
        "code": answer.code,
        "description": text,
        "result": "",
        "properties": properties or {},
        "type": answer.type,
        "message": text,
        "error": {"message": text, "type": answer.type, "code": answer.type},
    }


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's exception handler."""
    found = find(error)
    if found in (INTERNAL, UNAVAILABLE):
        # Of a database that is gone or busy there are as many as requests, and one line says all.
        told = None if isinstance(error, OperationalError | PoolTimeout) else error
        logger.error("request %s: %r", _request_id(context.get("request")), error, exc_info=told)
    text = found.text or str(error)
    if found is INTERNAL:
        text = f"{text}, request id {_request_id(context.get('request'))}"
    properties = getattr(error, "properties", None)
    response = Response(body(found, text, properties), status=found.status)
    if retry_after := _retry_after(error, found):
        response["Retry-After"] = str(retry_after)
    return response


def _retry_after(error: Exception, found: Answer) -> int | None:
    """Seconds. What an upstream asks for counts where waiting helps at all."""
    asked: float | None = getattr(error, "retry_after", None)
    if asked is None or (found.retry_after is None and isinstance(error, UpstreamError)):
        return found.retry_after
    return max(math.ceil(asked), 1)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, for what it refuses before any view is asked."""
    return plain(BAD_REQUEST)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404, for addresses that no view serves."""
    return plain(NOT_FOUND)


def crashed(request: HttpRequest) -> HttpResponse:
    """Django's handler500, for what breaks outside of the API's own views."""
    return plain(INTERNAL._replace(text=f"{INTERNAL.text}, request id {_request_id(request)}"))


def find(error: Exception) -> Answer:
    """How this is answered; INTERNAL for what nobody expected."""
    if isinstance(error, Rejected):
        return REFUSALS[error.refusal]
    for kind in type(error).__mro__:
        if kind in ANSWERS:
            return ANSWERS[kind]
    if isinstance(error, exceptions.APIException):
        return Answer(error.status_code, 4, "invalid_request")
    return INTERNAL


def _request_id(request: Any) -> str:
    return getattr(request, "request_id", "")


def plain(found: Answer) -> HttpResponse:
    """For what is refused outside of the API's views."""
    return HttpResponse(
        orjson.dumps(body(found, found.text or "")),
        status=found.status,
        content_type="application/json",
    )
