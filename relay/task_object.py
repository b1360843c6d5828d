"""The task as tenants see it (tenant-api, section 5): all keys, nothing of the upstream."""

from typing import Any

import orjson

from billing.models import Token
from relay.models import Task
from relay.pictures import images
from relay.shown import Shown


def as_dict(task: Task | Shown, image_setting: str) -> dict[str, Any]:
    """The contract's task object. Times are integer milliseconds, texts are never null."""
    by_proxy = image_setting == Token.ImageSetting.PROXY
    return {
        "id": str(task.pk),
        "action": task.action,
        "customId": task.custom_id,
        "botType": task.bot_type,
        "prompt": task.prompt,
        "promptEn": task.prompt_en,
        "description": task.description,
        "state": task.state,
        "submitTime": task.submit_time,
        "startTime": task.start_time,
        "finishTime": task.finish_time,
        "imageUrl": images.link(task) if by_proxy and task.image_url else task.image_url,
        "imageUrls": _images(task) if by_proxy else task.image_urls,
        "videoUrl": images.video_link(task, 0) if by_proxy and task.video_url else task.video_url,
        "videoUrls": _videos(task) if by_proxy else task.video_urls,
        "status": task.status,
        "progress": f"{task.progress}%",
        "failReason": task.fail_reason,
        "fail_reason": task.fail_reason,
        "buttons": task.buttons,
        "maskBase64": "",
        "mode": task.mode.upper(),
        "properties": {
            "finalPrompt": task.final_prompt,
            "finalZhPrompt": task.final_zh_prompt,
        },
    }


def as_json(task: Task | Shown, image_setting: str) -> bytes:
    """Compact UTF-8 JSON, as fetches answer it and callbacks carry it."""
    return orjson.dumps(as_dict(task, image_setting))


def _videos(task: Task | Shown) -> list[dict[str, str]] | None:
    if task.video_urls is None:
        return None
    return [{"url": images.video_link(task, number)} for number in range(len(task.video_urls))]


def _images(task: Task | Shown) -> list[dict[str, str]] | None:
    # Addresses of an upload are made to be used in prompts, so they stay the upstream's own.
    if task.image_urls is None or task.action == "UPLOAD":
        return task.image_urls
    return [{"url": images.nth_link(task, n)} for n in range(len(task.image_urls))]
