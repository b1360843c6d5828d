"""The task object of a new-api relay: its own row, with what its poller copied from upstream."""

import time
from dataclasses import dataclass

from .lives import Status
from .trueai_buttons import Button
from .trueai_tasks import TrueAiTask

BUTTON_KEYS = ("customId", "emoji", "label", "type", "style")


@dataclass(frozen=True, slots=True)
class Row:
    """What the relay wrote down when upstream took the submit. Never refreshed."""

    action: str
    prompt: str
    description: str


def task_json(row: Row, task: TrueAiTask, *, address: str, forward_urls: bool) -> dict[str, object]:
    """new-api: every key always, texts never null, times 0 when unset. A task that no poll has seen
    change has the status "" and 0%; a failed one has 100%, and only an ended one a failReason."""
    seen = task.status is not Status.NOT_START
    return {
        "id": task.id,
        "action": row.action,
        "customId": "",
        "botType": "",
        "prompt": row.prompt,
        "promptEn": task.final_prompt if seen else "",
        "description": row.description,
        "state": task.state or "",
        "submitTime": task.submit_time,
        "startTime": task.start_time or 0,
        "finishTime": task.finish_time or 0,
        "imageUrl": _image_url(task, address) if forward_urls else task.image_url or "",
        "videoUrl": task.video_urls[0] if task.video_urls else "",
        "videoUrls": [{"url": url} for url in task.video_urls] if task.video_urls else None,
        "status": task.status if seen else "",
        "progress": _progress(task),
        "failReason": task.fail_reason or "",
        "buttons": [_button(button) for button in task.buttons] if seen else None,
        "maskBase64": "",
        "properties": _properties(task) if seen else None,
    }


def _image_url(task: TrueAiTask, address: str) -> str:
    """new-api: its own address, with a number that changes until the picture is done."""
    if not task.image_url:
        return ""
    link = f"{address}/mj/image/{task.id}"
    return link if task.status is Status.SUCCESS else f"{link}?rand={time.time_ns()}"


def _progress(task: TrueAiTask) -> str:
    if task.status is Status.NOT_START:
        return "0%"
    return "100%" if task.status is Status.FAILURE else task.progress or ""


def _button(button: Button) -> Button:
    return {key: button[key] for key in BUTTON_KEYS}


def _properties(task: TrueAiTask) -> dict[str, str]:
    return {"finalPrompt": str(task.properties.get("finalPrompt", "")), "finalZhPrompt": ""}
