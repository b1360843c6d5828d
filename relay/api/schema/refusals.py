"""What is refused, and how: the one shape, from the same table that makes the answers."""

from typing import Any, NamedTuple

from django.conf import settings
from django.http import UnreadablePostError
from rest_framework.exceptions import MethodNotAllowed

from billing.errors import (
    AddressNotAllowed,
    BookRefused,
    CodeRefused,
    ConcurrencyLimited,
    InvalidKey,
    InvalidSignature,
    NothingCaptured,
    Overdrawn,
    PriceMissing,
    ProviderFailed,
    ProviderOff,
    QuotaNotEnough,
    RateLimited,
    RefundRefused,
    TenantDisabled,
    TopUpRefused,
)
from channels.errors import Refusal
from relay.api import errors
from relay.api.errors import ANSWERS, REFUSALS, Answer
from relay.api.schema.answers import TEXT, described, plain
from relay.api.schema.bodies import Schema, ref
from relay.errors import (
    BannedPrompt,
    BodyTooLarge,
    Conflict,
    InvalidRequest,
    RoleNotAllowed,
    TaskNotFound,
    TaskNotSuccess,
    WrongSignature,
)
from relay.pictures.images import PictureUnavailable

REQUEST_ID = "6b4f6c4de4f94b0f8f7c4a0c1c1b6a52"


class Documented(NamedTuple):
    """One HTTP status, and the `type`s that it comes with."""

    status: int
    types: tuple[str, ...]
    headers: tuple[str, ...] = ("X-Request-Id",)


RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
LATER = ("X-Request-Id", "Retry-After")

DOCUMENTED: dict[str, Documented] = {
    "BadRequest": Documented(400, ("invalid_request",)),
    "BadSubmit": Documented(400, ("invalid_request", "banned_prompt")),
    "BadFollowUp": Documented(400, ("invalid_request", "task_not_success", "banned_prompt")),
    "NotFinished": Documented(400, ("task_not_success", "invalid_request")),
    "InvalidKey": Documented(401, ("invalid_api_key",)),
    "QuotaNotEnough": Documented(402, ("quota_not_enough",)),
    "Forbidden": Documented(403, ("tenant_disabled", "ip_not_allowed")),
    "NotAllowed": Documented(403, ("action_not_allowed", "tenant_disabled", "ip_not_allowed")),
    "WrongSignature": Documented(403, ("wrong_signature",)),
    "TaskNotFound": Documented(404, ("task_not_found",)),
    "TooSlow": Documented(408, ("body_too_slow",)),
    "InProgress": Documented(409, ("idempotency_in_progress",), LATER),
    "TooLarge": Documented(413, ("body_too_large",)),
    "IdempotencyMismatch": Documented(422, ("idempotency_mismatch",)),
    "Limited": Documented(429, ("rate_limited",), LATER + RATE_HEADERS),
    "Busy": Documented(
        429, ("rate_limited", "concurrency_limited", "queue_full"), LATER + RATE_HEADERS
    ),
    "Internal": Documented(500, ("internal_error",)),
    "UpstreamRejected": Documented(502, ("upstream_rejected",)),
    "PictureUnavailable": Documented(502, ("picture_unavailable",)),
    "Unavailable": Documented(503, ("unavailable",), LATER),
    "NoChannel": Documented(503, ("no_channel", "unavailable"), LATER),
}

HEADERS: dict[str, Schema] = {
    "X-Request-Id": {"description": "@headers.request_id", "schema": {"type": "string"}},
    "Retry-After": {"description": "@headers.retry_after", "schema": {"type": "integer"}},
    "X-RateLimit-Limit": {"description": "@headers.limit", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "@headers.remaining", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {"description": "@headers.reset", "schema": {"type": "integer"}},
    "Idempotent-Replayed": {"description": "@headers.replayed", "schema": {"type": "string"}},
}

_BANNED = BannedPrompt(prompt="a forbidden thing", word="forbidden")


def _shown(found: Answer, text: str = "", properties: dict[str, str] | None = None) -> Any:
    return errors.body(found, text or found.text or "", properties)


# Each `type` as it is answered. Those that name their own Answer are not in the table yet.
BODIES: dict[str, dict[str, Any]] = {
    "invalid_request": _shown(ANSWERS[InvalidRequest], "prompt is required"),
    "task_not_success": _shown(ANSWERS[TaskNotSuccess], str(TaskNotSuccess())),
    "banned_prompt": _shown(ANSWERS[BannedPrompt], str(_BANNED), _BANNED.properties),
    "invalid_api_key": _shown(ANSWERS[InvalidKey], str(InvalidKey())),
    "quota_not_enough": _shown(
        ANSWERS[QuotaNotEnough], "quota_not_enough: the price is 0.10, the wallet has 0.05 left"
    ),
    "tenant_disabled": _shown(ANSWERS[TenantDisabled], str(TenantDisabled())),
    "ip_not_allowed": _shown(ANSWERS[AddressNotAllowed], str(AddressNotAllowed())),
    "action_not_allowed": _shown(ANSWERS[PriceMissing], str(PriceMissing("mj_low_variation"))),
    "wrong_signature": _shown(ANSWERS[WrongSignature], str(WrongSignature())),
    "role_not_allowed": _shown(
        ANSWERS[RoleNotAllowed], str(RoleNotAllowed("viewer", "redeem codes and order top-ups"))
    ),
    "task_not_found": _shown(ANSWERS[TaskNotFound], str(TaskNotFound())),
    "not_found": _shown(errors.NOT_FOUND),
    "method_not_allowed": _shown(ANSWERS[MethodNotAllowed], str(MethodNotAllowed("PUT"))),
    "idempotency_in_progress": _shown(
        Answer(409, 4, "idempotency_in_progress"),
        "the first request with this Idempotency-Key is still running",
    ),
    "body_too_slow": _shown(ANSWERS[UnreadablePostError]),
    "body_too_large": _shown(
        ANSWERS[BodyTooLarge], f"the body is larger than {settings.BODY_MAX_BYTES // 2**20} MB"
    ),
    "idempotency_mismatch": _shown(
        Answer(422, 4, "idempotency_mismatch"),
        "this Idempotency-Key was used with another body",
    ),
    "rate_limited": _shown(ANSWERS[RateLimited], "this key may make 60 submits in 60 seconds"),
    "concurrency_limited": _shown(
        ANSWERS[ConcurrencyLimited], str(ConcurrencyLimited("this key", 3))
    ),
    "conflict": _shown(ANSWERS[Conflict], "this reference has been booked before"),
    "price_book_refused": _shown(ANSWERS[BookRefused], "price book 7 is published already"),
    "nothing_captured": _shown(ANSWERS[NothingCaptured], str(NothingCaptured("1320098173412546"))),
    "refund_refused": _shown(ANSWERS[RefundRefused], "it has been refunded meanwhile"),
    "overdrawn": _shown(ANSWERS[Overdrawn], str(Overdrawn())),
    "code_refused": _shown(ANSWERS[CodeRefused], "this code is not valid"),
    "top_up_refused": _shown(ANSWERS[TopUpRefused], "a top-up is at least 1.00"),
    "provider_off": _shown(ANSWERS[ProviderOff], str(ProviderOff("stripe"))),
    "provider_failed": _shown(ANSWERS[ProviderFailed], str(ProviderFailed("stripe"))),
    "payment_refused": _shown(ANSWERS[InvalidSignature], str(InvalidSignature())),
    "queue_full": _shown(REFUSALS[Refusal.QUEUE_FULL]),
    "internal_error": _shown(errors.INTERNAL, f"{errors.INTERNAL.text}, request id {REQUEST_ID}"),
    "upstream_rejected": _shown(REFUSALS[Refusal.OTHER]),
    "picture_unavailable": _shown(ANSWERS[PictureUnavailable]),
    "unavailable": _shown(errors.UNAVAILABLE),
    "no_channel": _shown(errors.NO_CHANNEL),
}

ERROR: Schema = described(
    "error",
    code={"type": "integer", "enum": [4, 9, 23, 24]},
    description=TEXT | {"description": "@error.text"},
    result=TEXT | {"const": ""},
    properties={"type": "object", "additionalProperties": TEXT},
    type=TEXT | {"enum": sorted(BODIES)},
    message=TEXT,
    error=plain(message=TEXT, type=TEXT, code=TEXT),
) | {"description": "@error.description"}


def responses() -> dict[str, Schema]:
    """The `components.responses` of the schema."""
    return {name: _response(name, row) for name, row in DOCUMENTED.items()}


def _response(name: str, row: Documented) -> Schema:
    examples = {kind: {"value": BODIES[kind]} for kind in row.types}
    return {
        "description": f"@refusals.{name}",
        "headers": {header: {"$ref": f"#/components/headers/{header}"} for header in row.headers},
        "content": {"application/json": {"schema": ref("Error"), "examples": examples}},
    }
