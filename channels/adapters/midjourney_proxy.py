"""novicezk/midjourney-proxy 2.6 (frozen in 2024; the words below are those of its 2.6.3 source)."""

import logging
import re
from collections.abc import Collection
from typing import Any

from django.conf import settings

from channels import http
from channels.adapters.base import Accepted, Adapter, Findings, Submission, Update
from channels.errors import OutcomeUnknown, Refusal, Rejected, UpstreamError
from channels.selection import Upstream

logger = logging.getLogger(__name__)

# ReturnCode in its source. 1 accepted, 22 accepted and queued.
ACCEPTED_CODES = {1, 22}
# Every other code is an explicit refusal: nothing was stored. (refusal, another channel may help)
REFUSAL_CODES = {
    3: (Refusal.NO_ACCOUNT, True),
    4: (Refusal.BAD_REQUEST, False),
    9: (Refusal.OTHER, True),
    23: (Refusal.QUEUE_FULL, True),
    24: (Refusal.BANNED_PROMPT, False),
}
REFUSAL_STATUSES = {
    401: (Refusal.NO_ACCOUNT, True),
    403: (Refusal.NO_ACCOUNT, True),
    429: (Refusal.QUEUE_FULL, True),
    503: (Refusal.OTHER, True),
}
# A gateway in front of it gave up waiting or lost it: it may have been accepted all the same.
UNKNOWN_STATUSES = {408, 499, 502, 504, 520, 521, 522, 523, 524}
# TaskStatus in its source has our words. Anything else is taken for "still being drawn".
STATUSES = {"NOT_START", "SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE"}
# The progress may also be text such as "Waiting to start" or "fast".
PERCENT = re.compile(r"^(\d{1,3})%$")
# Results that are a grid of four have buttons; this upstream knows none, so they are made here.
GRID_ACTIONS = {"IMAGINE", "VARIATION", "REROLL", "BLEND"}
RAW_MAX_CHARS = 4000


class MidjourneyProxy(Adapter):
    """Routes under `/mj`, header `mj-api-secret`, no modes, no buttons, no action route."""

    def submit(self, upstream: Upstream, submission: Submission) -> Accepted:
        answer = _call(
            upstream,
            "POST",
            "/mj/submit/imagine",
            seconds=settings.UPSTREAM_SUBMIT_SECONDS,
            body={
                "prompt": submission.prompt,
                "base64Array": [image.data_url for image in submission.images],
                "state": submission.correlation,
                "notifyHook": submission.hint_url,
            },
        )
        return _accepted(answer)

    def poll(self, upstream: Upstream, ids: Collection[str]) -> dict[str, Update]:
        rows = _rows(
            upstream, "POST", "/mj/task/list-by-condition", body={"ids": [str(i) for i in ids]}
        )
        wanted = set(ids)
        return {row["id"]: _readable(row) for row in rows if _text(row.get("id")) in wanted}

    def find(self, upstream: Upstream, correlations: Collection[str]) -> Findings:
        """Its queue is short and holds what runs now; its whole list is asked for only when the
        queue does not show them all. The list is complete: it holds every task it still has."""
        found = _by_state(_rows(upstream, "GET", "/mj/task/queue"), correlations)
        if len(found) == len(set(correlations)):
            return Findings(found=found, complete=True)
        found |= _by_state(_rows(upstream, "GET", "/mj/task/list"), correlations)
        return Findings(found=found, complete=True)


def to_update(row: dict[str, Any]) -> Update:
    """One of its task objects in our words."""
    properties = row.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    status = _text(row.get("status"))
    if status not in STATUSES:
        status = "IN_PROGRESS"
    return Update(
        upstream_id=_text(row.get("id")) or "",
        correlation=_text(row.get("state")) or "",
        status=status,
        progress=_percent(row.get("progress")),
        prompt_en=_text(row.get("promptEn")),
        final_prompt=_text(properties.get("finalPrompt")),
        description=_text(row.get("description")),
        fail_reason=_text(row.get("failReason")) or "",
        image_url=_text(row.get("imageUrl")),
        buttons=_buttons(_text(row.get("action")), status, properties.get("messageHash")),
        start_time=_milliseconds(row.get("startTime")),
        finish_time=_milliseconds(row.get("finishTime")),
        raw=row,
    )


def _readable(row: dict[str, Any]) -> Update:
    """A row that cannot be read still says that the task is there. It harms no other row."""
    try:
        return to_update(row)
    except Exception:
        logger.exception("a task object cannot be read: %.500r", row)
        return Update(
            upstream_id=_text(row.get("id")) or "", correlation=_text(row.get("state")) or ""
        )


def _call(
    upstream: Upstream, method: str, path: str, *, seconds: float, body: Any = None
) -> http.Answer:
    headers = {"mj-api-secret": upstream.secret} if upstream.secret else {}
    return http.request(
        method, upstream.base_url + path, headers=headers, seconds=seconds, body=body
    )


def _rows(upstream: Upstream, method: str, path: str, *, body: Any = None) -> list[dict[str, Any]]:
    answer = _call(upstream, method, path, seconds=settings.UPSTREAM_POLL_SECONDS, body=body)
    listed = answer.json()
    if answer.status != 200 or not isinstance(listed, list):
        raise UpstreamError(_raw(answer), milliseconds=answer.milliseconds)
    rows = [row for row in listed if isinstance(row, dict)]
    if listed and not rows:
        # Nothing in it can be read, so it proves no absence either.
        raise UpstreamError(_raw(answer), milliseconds=answer.milliseconds)
    return rows


def _accepted(answer: http.Answer) -> Accepted:
    """Reads the answer to a submit. Raises Rejected, OutcomeUnknown."""
    ms = answer.milliseconds
    if answer.status in UNKNOWN_STATUSES:
        raise OutcomeUnknown(_raw(answer), milliseconds=ms)
    payload = answer.json()
    code = payload.get("code") if isinstance(payload, dict) else None
    if not isinstance(code, int):
        code = None
    if answer.status == 200 and code is None:
        # Not this program's answer, or only the beginning of it: the rest was lost on the way.
        raise OutcomeUnknown(_raw(answer), milliseconds=ms)
    if answer.status != 200:
        # A 5xx is a no, but no proof: nobody else is asked.
        is_proof = 400 <= answer.status < 500
        refusal, again = REFUSAL_STATUSES.get(answer.status, (Refusal.OTHER, is_proof))
        raise Rejected(_raw(answer), refusal=refusal, next_channel=again, milliseconds=ms)
    if code not in ACCEPTED_CODES:
        refusal, again = REFUSAL_CODES.get(code or 0, (Refusal.OTHER, True))
        raise Rejected(
            _raw(answer),
            refusal=refusal,
            next_channel=again,
            milliseconds=ms,
            properties=_banned(payload.get("properties")),
        )
    upstream_id = _text(payload.get("result"))
    if not upstream_id:
        raise OutcomeUnknown(_raw(answer), milliseconds=ms)
    return Accepted(upstream_id=upstream_id, milliseconds=ms, raw=_raw(answer))


def _raw(answer: http.Answer) -> str:
    return f"HTTP {answer.status} {answer.text}"[:RAW_MAX_CHARS]


def _banned(properties: Any) -> dict[str, str]:
    if not isinstance(properties, dict):
        return {}
    return {key: str(properties[key]) for key in ("promptEn", "bannedWord") if key in properties}


def _by_state(rows: list[dict[str, Any]], correlations: Collection[str]) -> dict[str, Update]:
    wanted = set(correlations)
    return {row["state"]: _readable(row) for row in rows if _text(row.get("state")) in wanted}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _percent(value: Any) -> int | None:
    match = PERCENT.match(value) if isinstance(value, str) else None
    return min(int(match.group(1)), 100) if match else None


def _milliseconds(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**53 else 0


def _buttons(action: Any, status: Any, message_hash: Any) -> list[dict[str, Any]] | None:
    if status != "SUCCESS" or action not in GRID_ACTIONS or not isinstance(message_hash, str):
        return None
    upscale = [(f"MJ::JOB::upsample::{n}::{message_hash}", "", f"U{n}") for n in range(1, 5)]
    vary = [(f"MJ::JOB::variation::{n}::{message_hash}", "", f"V{n}") for n in range(1, 5)]
    reroll = [(f"MJ::JOB::reroll::0::{message_hash}::SOLO", "🔄", "")]
    return [
        {"customId": custom_id, "emoji": emoji, "label": label, "type": 2, "style": 2}
        for custom_id, emoji, label in [*upscale, *reroll, *vary]
    ]
