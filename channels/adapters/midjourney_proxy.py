"""novicezk/midjourney-proxy 2.6 (frozen in 2024; the words below are those of its 2.6.3 source)."""

import re
from collections.abc import Collection
from typing import Any, ClassVar

from channels.adapters.base import Findings, Submission, Update
from channels.adapters.family import (
    Call,
    FamilyAdapter,
    grid_buttons,
    milliseconds,
    percent,
    status,
    text,
)
from channels.adapters.verdicts import SHUT_OUT
from channels.errors import Unsupported
from channels.selection import Upstream

NEW_ACTIONS = {"IMAGINE", "BLEND", "DESCRIBE"}
# Its `change` route; buttons of these kinds become one.
CHANGES = {"UPSCALE", "VARIATION", "REROLL"}
# Results that are a grid of four. It only changes these, and knows no buttons of its own.
GRID_ACTIONS = {"IMAGINE", "VARIATION", "REROLL", "BLEND"}
_ADDRESSES = re.compile(r"^(/imagine )?(?:https?://\S+(?:\s+|$))+")
_MODE_FLAG = re.compile(r" --(?:fast|relax|turbo)$")


class MidjourneyProxy(FamilyAdapter):
    """No speed modes (Midjourney's own prompt flags do it), no buttons, no action route."""

    # It knows 401 only: 403 comes from whatever stands before it.
    refusal_statuses: ClassVar = dict(FamilyAdapter.refusal_statuses) | {403: SHUT_OUT}

    def obstacle(self, submission: Submission) -> str:
        if submission.parent is None:
            return _obstacle_to_new(submission)
        if submission.action not in CHANGES or submission.prompt:
            return f"the upstream of this task cannot do {submission.action}"
        if submission.parent.action not in GRID_ACTIONS:
            return "the upstream of this task can only continue a grid of four"
        return ""

    def route(self, submission: Submission) -> Call:
        if submission.parent is not None:
            return Call(
                "/mj/submit/change",
                {
                    "taskId": submission.parent.upstream_id,
                    "action": submission.action,
                    "index": submission.index or None,
                },
            )
        images = [image.data_url for image in submission.images if image.data]
        if submission.action == "BLEND":
            body = {"base64Array": images, "dimensions": submission.dimensions or "SQUARE"}
            return Call("/mj/submit/blend", body)
        if submission.action == "DESCRIBE":
            return Call("/mj/submit/describe", {"base64": images[0]})
        return Call("/mj/submit/imagine", {"prompt": _prompt(submission), "base64Array": images})

    def to_update(self, row: dict[str, Any]) -> Update:
        properties = row.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        word = status(row.get("status"))
        is_description = text(row.get("action")) == "DESCRIBE" and word == "SUCCESS"
        return Update(
            upstream_id=text(row.get("id")) or "",
            correlation=text(row.get("state")) or "",
            status=word,
            progress=percent(row.get("progress")),
            prompt=text(row.get("prompt")) if is_description else None,
            prompt_en=_ours(row.get("promptEn")),
            final_prompt=_ours(properties.get("finalPrompt")),
            description=_ours(row.get("description")),
            fail_reason=text(row.get("failReason")) or "",
            image_url=text(row.get("imageUrl")),
            buttons=_buttons(text(row.get("action")), word, properties.get("messageHash")),
            start_time=milliseconds(row.get("startTime")),
            finish_time=milliseconds(row.get("finishTime")),
            raw=row,
        )

    def shown(self, properties: Any) -> dict[str, str]:
        shown = super().shown(properties)
        return {name: _ours(value) or "" for name, value in shown.items()}

    def image_seed(self, upstream: Upstream, upstream_id: str) -> str:
        raise Unsupported("the upstream of this task does not know seeds")

    def headroom(self, upstream: Upstream) -> int:
        """Places of its accounts, less the tasks that stand there or are drawn."""
        accounts = self.ask(upstream, "/mj/account/list")
        places = sum(one["coreSize"] + one["queueSize"] for one in accounts if one["enable"])
        return int(places) - len(self.ask(upstream, "/mj/task/queue"))

    def find(self, upstream: Upstream, correlations: Collection[str]) -> Findings:
        """Its queue is short and holds what runs now; its whole list is asked for only when the
        queue does not show them all. The list is complete: it holds every task it still has."""
        found = self.find_in(self.list_tasks(upstream, "/mj/task/queue"), correlations)
        if len(found) < len(set(correlations)):
            found |= self.find_in(self.list_tasks(upstream, "/mj/task/list"), correlations)
        return Findings(found=found, complete=True)


def _obstacle_to_new(submission: Submission) -> str:
    if submission.action not in NEW_ACTIONS:
        return f"no upstream of this site can do {submission.action}"
    if submission.action != "IMAGINE" and any(image.url for image in submission.images):
        return "the upstream needs the pictures themselves (base64), not their addresses"
    return ""


def _prompt(submission: Submission) -> str:
    """Addresses of pictures stand before the words, as Midjourney has it; the mode is a flag."""
    words = [image.url for image in submission.images if image.url]
    words += [_niji(submission), f"--{submission.mode}"]
    return " ".join(words)


def _niji(submission: Submission) -> str:
    """It has one bot; niji is a flag of the prompt, unless the prompt names a version itself."""
    has_version = re.search(r"(?<!\S)--(?:niji|v|version)\b", submission.prompt)
    if submission.bot_type == "NIJI_JOURNEY" and not has_version:
        return f"{submission.prompt} --niji"
    return submission.prompt


def _ours(value: Any) -> str | None:
    """Without the mode flag that we have put there, and the addresses of the pictures that this
    upstream has put before the words after it had uploaded them."""
    if not isinstance(value, str):
        return None
    return _ADDRESSES.sub(r"\1", _MODE_FLAG.sub("", value))


def _buttons(action: Any, word: str, message_hash: Any) -> list[dict[str, Any]] | None:
    if word != "SUCCESS" or action not in GRID_ACTIONS or not isinstance(message_hash, str):
        return None
    return grid_buttons(message_hash)
