"""What all upstreams of this family share; an adapter of its own fills in what differs.

Routes lie under `/mj`, a submit answers `{"code", "description", "result", "properties"}`, tasks
are asked for in bulk with `task/list-by-condition`. The codes are those of midjourney-proxy
(ReturnCode in its source), which the others took over.
"""

import logging
import re
from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from django.conf import settings

from channels import http
from channels.adapters.base import (
    Accepted,
    Adapter,
    Findings,
    Listing,
    ProbeResult,
    Submission,
    TakenAs,
    Update,
)
from channels.adapters.verdicts import BAD_CREDENTIAL, SHUT_OUT, Verdict
from channels.errors import OutcomeUnknown, Refusal, Rejected, UpstreamError
from channels.selection import Upstream

logger = logging.getLogger(__name__)

RAW_MAX_CHARS = 4000
PROBE_ERROR_MAX_CHARS = 300
# How many of its newest tasks an upstream's list shows, where it is cut.
LIST_LENGTH = 100
BANNED = ("promptEn", "bannedWord")
LINK = re.compile(r"https?://\S+\s*")
# The progress may also be text such as "Waiting to start" or "fast".
PERCENT = re.compile(r"^(\d{1,3})%$")
DOOR_STATUSES = (401, 403)
# What Update.status may be. An upstream's own CANCEL is a failure to the tenant.
STATUSES = {"NOT_START", "SUBMITTED", "IN_PROGRESS", "MODAL", "SUCCESS", "FAILURE"}


class Call(NamedTuple):
    """A request: the path below the base address, and its JSON body."""

    path: str
    body: dict[str, Any]


class FamilyAdapter(Adapter):
    # 1 accepted, 22 accepted and queued, 21 waits for confirmation or existed before.
    accepted_codes: ClassVar[frozenset[int]] = frozenset({1, 22})
    # Every code that is not known is an explicit refusal too.
    refusal_codes: ClassVar[Mapping[int, Verdict]] = {
        3: Verdict(Refusal.NO_ACCOUNT, next_channel=True),
        4: Verdict(Refusal.BAD_REQUEST, next_channel=False),
        9: Verdict(Refusal.OTHER, next_channel=True),
        23: Verdict(Refusal.QUEUE_FULL, next_channel=True),
        24: Verdict(Refusal.BANNED_PROMPT, next_channel=False),
    }
    # Words in a refusal that tell more than its code does; the first match counts.
    refusal_words: ClassVar[tuple[tuple[str, Verdict], ...]] = (
        ("队列已满", Verdict(Refusal.QUEUE_FULL, next_channel=True)),
        ("关联任务", Verdict(Refusal.OTHER, next_channel=False)),
    )
    refusal_statuses: ClassVar[Mapping[int, Verdict]] = {
        401: BAD_CREDENTIAL,
        403: BAD_CREDENTIAL,
        429: Verdict(Refusal.QUEUE_FULL, next_channel=True),
        503: Verdict(Refusal.OTHER, next_channel=True),
    }
    # A gateway in front gave up waiting or lost it: it may have been accepted all the same.
    unknown_statuses: ClassVar[frozenset[int]] = frozenset(
        {408, 499, 502, 504, 520, 521, 522, 523, 524}
    )

    @abstractmethod
    def route(self, submission: Submission) -> Call:
        """Which request hands this task over."""

    @abstractmethod
    def to_update(self, row: dict[str, Any]) -> Update:
        """One of the upstream's task objects in our words."""

    def headers(self, upstream: Upstream) -> dict[str, str]:
        return {"mj-api-secret": upstream.secret} if upstream.secret else {}

    def submit(self, upstream: Upstream, submission: Submission) -> Accepted:
        if not upstream.pass_filters:
            submission = replace(submission, filters={})
        call = self.route(submission)
        body = call.body | {"state": submission.correlation, "notifyHook": submission.hint_url}
        return self.read_submit(self.post(upstream, Call(call.path, body)))

    def confirm(self, upstream: Upstream, submission: Submission, upstream_id: str) -> Accepted:
        body = {
            "taskId": upstream_id,
            "prompt": submission.prompt,
            "maskBase64": submission.mask,
        }
        return self.read_submit(self.post(upstream, Call("/mj/submit/modal", body)))

    def upload(self, upstream: Upstream, submission: Submission) -> list[str]:
        images = [image.data_url_or_address for image in submission.images]
        call = Call("/mj/submit/upload-discord-images", {"base64Array": images})
        answer = self.post(upstream, call)
        urls = self._payload(answer).get("result")
        if not isinstance(urls, list) or not all(isinstance(url, str) and url for url in urls):
            raise OutcomeUnknown(raw(answer), milliseconds=answer.milliseconds)
        return urls

    def image_seed(self, upstream: Upstream, upstream_id: str) -> str:
        answer = self.get(
            upstream,
            f"/mj/task/{upstream_id}/image-seed",
            seconds=settings.UPSTREAM_SUBMIT_SECONDS,
        )
        seed = self._payload(answer).get("result")
        if not isinstance(seed, str | int) or isinstance(seed, bool) or seed == "":
            raise UpstreamError(raw(answer), milliseconds=answer.milliseconds)
        return str(seed)

    def poll(self, upstream: Upstream, ids: Collection[str]) -> Listing:
        wanted = set(ids)
        call = Call("/mj/task/list-by-condition", {"ids": sorted(wanted)})
        answer = self.post(upstream, call, seconds=settings.UPSTREAM_POLL_SECONDS)
        listing = Listing([])
        for item in items(answer):
            name = text(item.get("id")) if isinstance(item, dict) else None
            if not name:
                listing.malformed.append(item)
            elif name in wanted:
                listing.rows.append(self.readable(item, malformed=listing.malformed))
        return listing

    def probe(self, upstream: Upstream) -> ProbeResult:
        """By the question for no tasks: what polling needs works, and the credential is taken."""
        call = Call("/mj/task/list-by-condition", {"ids": []})
        try:
            answer = self.post(upstream, call, seconds=settings.UPSTREAM_POLL_SECONDS)
            items(answer)
        except UpstreamError as error:
            text = f"{error}"[:PROBE_ERROR_MAX_CHARS]
            return ProbeResult(is_ok=False, milliseconds=error.milliseconds, error=text)
        try:
            headroom = self.headroom(upstream)
        except (UpstreamError, TypeError, ValueError, KeyError, AttributeError):
            # Not every version has these routes.
            headroom = None
        return ProbeResult(is_ok=True, milliseconds=answer.milliseconds, headroom=headroom)

    def headroom(self, upstream: Upstream) -> int | None:
        """How many tasks it could take now. Raises UpstreamError, and what odd answers raise."""
        return None

    def ask(self, upstream: Upstream, path: str) -> Any:
        """The JSON of a free question. Raises UpstreamError, without a word of what it said: there
        may be other people's secrets in it."""
        answer = self.get(upstream, path)
        if answer.status != 200:
            raise UpstreamError(f"HTTP {answer.status}", milliseconds=answer.milliseconds)
        return answer.json()

    def find_in(
        self, listed: list[dict[str, Any]], correlations: Collection[str]
    ) -> dict[str, Update]:
        """Our tasks in one of the upstream's lists, by the `state` that we gave them."""
        wanted = set(correlations)
        return {
            row["state"]: self.readable(row) for row in listed if text(row.get("state")) in wanted
        }

    def find_in_newest(self, upstream: Upstream, correlations: Collection[str]) -> Findings:
        """In a list that is cut at a length: it proves an absence only while it is shorter."""
        listed = self.list_tasks(upstream, "/mj/task/list")
        found = self.find_in(listed, correlations)
        return Findings(found=found, complete=len(listed) < LIST_LENGTH)

    def readable(self, row: dict[str, Any], malformed: list[Any] | None = None) -> Update:
        """A row that cannot be read still says that the task is there. It harms no other row, and
        is put to the `malformed`."""
        try:
            return self.to_update(row)
        except Exception:
            logger.exception("a task object cannot be read: %.500r", row)
            if malformed is not None:
                malformed.append(row)
            return Update(
                upstream_id=text(row.get("id")) or "",
                correlation=text(row.get("state")) or "",
                raw=row,
            )

    def list_tasks(self, upstream: Upstream, path: str) -> list[dict[str, Any]]:
        return rows(self.get(upstream, path))

    def post(self, upstream: Upstream, call: Call, *, seconds: float | None = None) -> http.Answer:
        return http.request(
            "POST",
            upstream.base_url + call.path,
            headers=self.headers(upstream),
            seconds=seconds or settings.UPSTREAM_SUBMIT_SECONDS,
            body=call.body,
        )

    def get(self, upstream: Upstream, path: str, *, seconds: float | None = None) -> http.Answer:
        return http.request(
            "GET",
            upstream.base_url + path,
            headers=self.headers(upstream),
            seconds=seconds or settings.UPSTREAM_POLL_SECONDS,
        )

    def read_submit(self, answer: http.Answer) -> Accepted:
        """Reads the answer to a submit. Raises Rejected, OutcomeUnknown."""
        payload = self._payload(answer)
        properties = payload.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        upstream_id = text(payload.get("result"))
        if not upstream_id:
            # It says yes and does not say to what.
            raise OutcomeUnknown(raw(answer), milliseconds=answer.milliseconds)
        return Accepted(
            upstream_id=upstream_id,
            milliseconds=answer.milliseconds,
            raw=raw(answer),
            taken_as=_taken_as(payload, properties),
            final_prompt=text(properties.get("finalPrompt")) or "",
        )

    def verdict(self, code: Any, description: str) -> Verdict:
        """What a refusal means, by its words first."""
        known = self.refusal_codes.get(code) if isinstance(code, int) else None
        other = Verdict(Refusal.OTHER, next_channel=True)
        return self._by_words(description) or known or other

    def _by_words(self, description: str) -> Verdict | None:
        found = (verdict for word, verdict in self.refusal_words if word in description)
        return next(found, None)

    def has_refused(self, payload: dict[str, Any]) -> bool:
        """Whether an answer with a gateway's status is the program's own no."""
        return False

    def lacks_route(self, answer: http.Answer) -> bool:
        """Whether an answer with HTTP 200 says that there is no such route."""
        return False

    def shown(self, properties: Any) -> dict[str, str]:
        """What a tenant may see of a refusal: the banned word, and the prompt it stands in."""
        if not isinstance(properties, dict):
            return {}
        return {name: str(properties[name]) for name in BANNED if name in properties}

    def _payload(self, answer: http.Answer) -> dict[str, Any]:
        """The JSON of an accepting answer. Raises Rejected, OutcomeUnknown."""
        parsed = answer.json()
        payload: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
        if answer.status in self.unknown_statuses and not self.has_refused(payload):
            raise OutcomeUnknown(raw(answer), milliseconds=answer.milliseconds)
        is_result = isinstance(payload.get("code"), int)
        if answer.status == 200 and not is_result and not self.lacks_route(answer):
            # Not this program's answer, or only the beginning of it: the rest was lost on the way.
            raise OutcomeUnknown(raw(answer), milliseconds=answer.milliseconds)
        if not is_result or (answer.status != 200 and answer.status in self.refusal_statuses):
            raise self._rejected(answer, self._verdict_by_status(answer, payload), {})
        if answer.status != 200 or payload["code"] not in {*self.accepted_codes, 21}:
            verdict = self.verdict(payload["code"], said(payload))
            if self.has_refused(payload):
                verdict = verdict._replace(is_fault=False)
            elif answer.status >= 500:
                # It crashed, and may have done so after it had taken the task.
                verdict = verdict._replace(next_channel=False)
            raise self._rejected(answer, verdict, payload.get("properties"))
        return payload

    def _verdict_by_status(self, answer: http.Answer, payload: dict[str, Any]) -> Verdict:
        """A page instead of an answer is a no; only a 4xx proves that nothing was accepted."""
        is_proof = 400 <= answer.status < 500 or self.lacks_route(answer)
        return (
            self._by_words(said(payload))
            or self.verdict_at_the_door(answer, payload)
            or self.refusal_statuses.get(
                answer.status, Verdict(Refusal.OTHER, next_channel=is_proof)
            )
        )

    def verdict_at_the_door(self, answer: http.Answer, payload: dict[str, Any]) -> Verdict | None:
        """What a status means by who says it, None where the status says it all. A page with 401
        or 403 is not the program's own: a gateway's, a guard's before it."""
        if answer.status in DOOR_STATUSES and is_page(answer):
            return SHUT_OUT
        return None

    def _rejected(self, answer: http.Answer, verdict: Verdict, properties: Any) -> Rejected:
        return Rejected(
            raw(answer),
            refusal=verdict.refusal,
            next_channel=verdict.next_channel,
            milliseconds=answer.milliseconds,
            properties=self.shown(properties),
            is_fault=answer.status >= 500 if verdict.is_fault is None else verdict.is_fault,
            retry_after=answer.retry_after,
        )


def rows(answer: http.Answer) -> list[dict[str, Any]]:
    """The task objects of a list answer. Raises UpstreamError when it is none."""
    return [item for item in items(answer) if isinstance(item, dict)]


def items(answer: http.Answer) -> list[Any]:
    """What stands in a list answer, task objects or not. Raises UpstreamError when it is none."""
    listed = answer.json()
    is_list = answer.status == 200 and isinstance(listed, list)
    # A list in which nothing can be read proves no absence either.
    if not is_list or (listed and not any(isinstance(item, dict) for item in listed)):
        raise UpstreamError(raw(answer), milliseconds=answer.milliseconds)
    return list(listed)


def is_page(answer: http.Answer) -> bool:
    """Whether it is HTML, which none of these programs answers to a submit."""
    return answer.text.lstrip().startswith("<")


def raw(answer: http.Answer) -> str:
    """What came, for the operator."""
    return f"HTTP {answer.status} {answer.text}"[:RAW_MAX_CHARS]


def said(payload: dict[str, Any]) -> str:
    """The words of a refusal, wherever they stand."""
    error = payload.get("error")
    inner = error.get("message") if isinstance(error, dict) else error
    words = (payload.get("description"), payload.get("message"), inner)
    return next((word for word in words if isinstance(word, str) and word), "")


def text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def status(value: Any) -> str:
    """Our words; any other is taken for "still being drawn"."""
    if value == "CANCEL":
        return "FAILURE"
    return value if isinstance(value, str) and value in STATUSES else "IN_PROGRESS"


def without_links(value: Any, row: dict[str, Any]) -> str | None:
    """A prompt without the addresses of uploaded pictures: they name the upstream's storage. Those
    that the task's own prompt has are the tenant's."""
    if not isinstance(value, str):
        return None
    own = text(row.get("prompt")) or ""
    return LINK.sub(lambda link: link[0] if link[0].strip() in own else "", value)


def percent(value: Any) -> int | None:
    match = PERCENT.match(value) if isinstance(value, str) else None
    return min(int(match.group(1)), 100) if match else None


def milliseconds(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**53 else 0


def grid_buttons(message_hash: str) -> list[dict[str, Any]]:
    """The buttons of a grid of four, for upstreams that know none. U1 stands first: some clients
    read the picture's hash out of it."""
    upscale = [(f"MJ::JOB::upsample::{n}::{message_hash}", "", f"U{n}") for n in range(1, 5)]
    vary = [(f"MJ::JOB::variation::{n}::{message_hash}", "", f"V{n}") for n in range(1, 5)]
    reroll = (f"MJ::JOB::reroll::0::{message_hash}::SOLO", "🔄", "")
    return [
        {"customId": custom_id, "emoji": emoji, "label": label, "type": 2, "style": 2}
        for custom_id, emoji, label in [*upscale, reroll, *vary]
    ]


def _taken_as(payload: dict[str, Any], properties: dict[str, Any]) -> TakenAs:
    """Code 21 has two meanings: a modal, and midjourney-proxy's "exists" (until 2.6.0), which
    tells the old task's status."""
    if payload["code"] != 21:
        return TakenAs.TASK
    return TakenAs.EXISTING if "status" in properties else TakenAs.MODAL
