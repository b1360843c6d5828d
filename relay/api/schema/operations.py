"""The operations as data: one row per route of relay/api/urls.py, aliases included."""

from typing import NamedTuple

from relay.api.schema.answers import array_of
from relay.api.schema.bodies import Schema, ref
from relay.api.schema.parameters import (
    DATES,
    HINT,
    IDEMPOTENCY_KEY,
    IMAGE_NUMBER,
    IMAGE_VERSION,
    LANGUAGE,
    SIGNATURE,
    TASK_ID,
    VIDEO_NUMBER,
    Parameter,
)
from relay.pictures.images import PICTURE_TYPES, VIDEO_TYPES

JSON = ("application/json",)
BYTES = {"type": "string", "format": "binary"}


class Answer(NamedTuple):
    """An answer with HTTP 200. Without a schema it has no body."""

    schema: Schema | None
    text: str
    media_types: tuple[str, ...] = JSON


class Operation(NamedTuple):
    """`id` is also the name of its texts and examples. `refusals` are names in refusals.py."""

    id: str
    tag: str
    answer: Answer
    refusals: tuple[str, ...]
    body: str = ""
    parameters: tuple[Parameter, ...] = ()
    calls_back: bool = False


_KEY = ("InvalidKey", "Internal")
_QUERY = ("BadRequest", *_KEY, "Forbidden", "Limited", "Unavailable")
_PAID = (
    *_KEY,
    "QuotaNotEnough",
    "NotAllowed",
    "InProgress",
    "TooSlow",
    "TooLarge",
    "IdempotencyMismatch",
    "Busy",
    "UpstreamRejected",
    "NoChannel",
)
_NEW = ("BadSubmit", *_PAID)
_FOLLOW_UP = ("BadFollowUp", "TaskNotFound", *_PAID)
_SEED = (
    *_KEY,
    "NotFinished",
    "Forbidden",
    "TaskNotFound",
    "Busy",
    "UpstreamRejected",
    "NoChannel",
)
_OPEN = ("BadRequest", "Internal", "Unavailable")
_FILE = (*_OPEN, "WrongSignature", "TaskNotFound", "PictureUnavailable")

_ACCEPTED = Answer(ref("Accepted"), "accepted.description")
# An upstream may ask for a confirmation after any follow-up.
_SUBMITTED = Answer({"oneOf": [ref("Accepted"), ref("Waiting")]}, "submitted.description")
_PRESSED = Answer({"oneOf": [ref("Pressed"), ref("Waiting")]}, "submitted.description")
_TASKS = Answer(array_of("Task"), "task.list")


def _submit(id: str, body: str, tag: str = "submit", answer: Answer = _ACCEPTED) -> Operation:
    refusals = _FOLLOW_UP if tag == "follow_ups" or id == "video" else _NEW
    return Operation(id, tag, answer, refusals, body, (IDEMPOTENCY_KEY,), calls_back=True)


def _follow_up(id: str, body: str, answer: Answer = _SUBMITTED) -> Operation:
    return _submit(id, body, "follow_ups", answer)


def _list_by_ids(id: str) -> Operation:
    return Operation(id, "tasks", _TASKS, (*_QUERY, "TooSlow", "TooLarge"), "ListByCondition")


def _account(id: str, schema: str, text: str, *parameters: Parameter) -> Operation:
    return Operation(id, "account", Answer(ref(schema), text), _QUERY, "", parameters)


def _subscription(id: str) -> Operation:
    return _account(id, "Subscription", "subscription.description")


def _usage(id: str) -> Operation:
    return _account(id, "Usage", "usage.description", *DATES)


_UPLOADED = Answer(ref("Uploaded"), "uploaded.description")
_IMAGE = Answer(BYTES, "image.description", tuple(sorted(PICTURE_TYPES)))
_VIDEO = Answer(BYTES, "video_file.description", tuple(sorted(VIDEO_TYPES)))
_SCHEMA = Answer({"type": "object"}, "openapi.description")

OPERATIONS: dict[str, Operation] = {
    "POST /mj/submit/imagine": _submit("imagine", "Imagine"),
    "POST /mj/submit/blend": _submit("blend", "Blend"),
    "POST /mj/submit/describe": _submit("describe", "Describe"),
    "POST /mj/submit/shorten": _submit("shorten", "Shorten"),
    "POST /mj/submit/edits": _submit("edits", "Edits"),
    "POST /mj/submit/edit": _submit("edit", "Edits"),
    "POST /mj/submit/video": _submit("video", "Video"),
    "POST /mj/submit/upload-discord-images": _submit("upload", "Upload", answer=_UPLOADED),
    "POST /mj/insight-face/swap": _submit("swap", "Swap"),
    "POST /mj/submit/change": _follow_up("change", "Change"),
    "POST /mj/submit/simple-change": _follow_up("simple_change", "SimpleChange"),
    "POST /mj/submit/action": _follow_up("action", "Action", _PRESSED),
    "POST /mj/submit/modal": _follow_up("modal", "ModalConfirmation", _ACCEPTED)._replace(
        calls_back=False
    ),
    "GET /mj/task/{task_id}/fetch": Operation(
        "fetch",
        "tasks",
        Answer(ref("Task"), "task.description"),
        (*_QUERY, "TaskNotFound"),
        parameters=(TASK_ID,),
    ),
    "POST /mj/task/list-by-condition": _list_by_ids("list_by_condition"),
    "POST /mj/task/list-by-ids": _list_by_ids("list_by_ids"),
    "GET /mj/task/list": Operation("list", "tasks", _TASKS, _QUERY),
    "GET /mj/task/queue": Operation("queue", "tasks", _TASKS, _QUERY),
    "GET /mj/task/{task_id}/image-seed": Operation(
        "image_seed",
        "tasks",
        Answer(ref("Seed"), "seed.description"),
        _SEED,
        parameters=(TASK_ID,),
    ),
    "POST /mj/task/{task_id}/cancel": Operation(
        "cancel", "tasks", _ACCEPTED, (*_QUERY, "TaskNotFound"), parameters=(TASK_ID,)
    ),
    "GET /mj/image/{task_id}": Operation(
        "image",
        "results",
        _IMAGE,
        _FILE,
        parameters=(TASK_ID, SIGNATURE, IMAGE_NUMBER, IMAGE_VERSION),
    ),
    "GET /mj/video/{task_id}/{number}": Operation(
        "video_file", "results", _VIDEO, _FILE, parameters=(TASK_ID, VIDEO_NUMBER, SIGNATURE)
    ),
    "GET /v1/models": _account("models", "Models", "models.description"),
    "GET /v1/dashboard/billing/subscription": _subscription("subscription"),
    "GET /v1/dashboard/billing/usage": _usage("usage"),
    "GET /dashboard/billing/subscription": _subscription("subscription_short"),
    "GET /dashboard/billing/usage": _usage("usage_short"),
    "GET /api/usage/token": _account("token_usage", "TokenUsage", "token_usage.description"),
    "GET /openapi.json": Operation(
        "openapi", "site", _SCHEMA, ("BadRequest", "Internal"), parameters=(LANGUAGE,)
    ),
    "GET /healthz": Operation(
        "healthz", "site", Answer(ref("Health"), "health.description"), ("BadRequest", "Internal")
    ),
    # Its 503 has a shape of its own, see generator.py.
    "GET /readyz": Operation(
        "readyz", "site", Answer(ref("Readiness"), "ready.description"), ("BadRequest", "Internal")
    ),
    "POST /hints/{word}": Operation(
        "hint",
        "site",
        Answer(None, "hint.description"),
        (*_OPEN, "TaskNotFound"),
        "Hint",
        (HINT,),
    ),
}
