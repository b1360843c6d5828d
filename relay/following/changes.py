"""What an upstream's look at a task changes in it. Pure: nothing is written here."""

import time
from typing import Any

from channels.adapters.base import Update
from relay.models import TERMINAL, Task, TaskStatus

# A task only ever moves to the right.
_ORDER = (
    TaskStatus.NOT_START,
    TaskStatus.SUBMITTED,
    TaskStatus.IN_PROGRESS,
    TaskStatus.SUCCESS,
    TaskStatus.FAILURE,
)
RANK = {status: rank for rank, status in enumerate(_ORDER)}
# 100 % is kept for the end: clients stop looking when they see it.
LAST_PROGRESS = 99
_TEXTS = (
    "mode",
    "prompt",
    "prompt_en",
    "final_prompt",
    "final_zh_prompt",
    "image_url",
    "video_url",
)
_LISTS = ("image_urls", "video_urls", "buttons")


def between(task: Task, update: Update) -> dict[str, Any]:
    """The columns to write, none when there is nothing new or when the update looks backwards."""
    rank = RANK.get(TaskStatus(update.status))
    if rank is None or rank < RANK[TaskStatus(task.status)]:
        return {}
    told: dict[str, Any] = {"status": update.status, "progress": _progress(task, update)}
    told |= {name: getattr(update, name) for name in (*_TEXTS, *_LISTS) if getattr(update, name)}
    if update.description:
        told["description"] = _with_our_ids(task, update)
    if update.status == TaskStatus.FAILURE:
        told["fail_reason"] = update.fail_reason or "the upstream gave no reason"
    told |= _times(task, update)
    news = {name: value for name, value in told.items() if value != getattr(task, name)}
    return news | {"upstream_row": update.raw} if news else {}


def failure(reason: str) -> dict[str, Any]:
    """The columns of a task that we end ourselves."""
    return {
        "status": TaskStatus.FAILURE,
        "progress": 100,
        "fail_reason": reason,
        "finish_time": _now(),
    }


def late_success(task: Task, update: Update) -> dict[str, Any]:
    """The columns of a task that failed by our own verdict and that the upstream has finished all
    the same."""
    told: dict[str, Any] = {"status": TaskStatus.SUCCESS, "progress": 100, "fail_reason": ""}
    told["upstream_id"] = task.upstream_id or update.upstream_id
    told |= {name: getattr(update, name) for name in (*_TEXTS, *_LISTS) if getattr(update, name)}
    if update.description:
        told["description"] = _with_our_ids(task, update)
    return told | _times(task, update) | {"upstream_row": update.raw, "late_look_at": None}


def upload(urls: list[str]) -> dict[str, Any]:
    """The columns of an upload, which is finished when it is answered."""
    now = _now()
    return {
        "status": TaskStatus.SUCCESS,
        "progress": 100,
        "image_url": urls[0] if urls else "",
        "image_urls": [{"url": url} for url in urls],
        "start_time": now,
        "finish_time": now,
    }


def drawn(*, image_url: str, video_url: str) -> dict[str, Any]:
    """The columns of a task of which a person knows that the upstream has drawn it."""
    told = {"image_url": image_url, "video_url": video_url}
    known = {name: url for name, url in told.items() if url}
    return {"status": TaskStatus.SUCCESS, "progress": 100, "finish_time": _now(), **known}


def cancellation() -> dict[str, Any]:
    """The columns of a task that its tenant has called off."""
    return {"status": TaskStatus.CANCEL, "finish_time": _now()}


def _with_our_ids(task: Task, update: Update) -> str:
    """The upstream writes its own ids of the task or its parent ("/up <id> U1")."""
    description = update.description or ""
    for upstream_id, known in ((update.upstream_id, task), *_parent(task)):
        if upstream_id:
            description = description.replace(upstream_id, str(known.pk))
    return description


def _parent(task: Task) -> list[tuple[str, Task]]:
    return [(task.parent.upstream_id, task.parent)] if task.parent else []


def _progress(task: Task, update: Update) -> int:
    if update.status in TERMINAL:
        return 100
    return min(max(task.progress, update.progress or 0), LAST_PROGRESS)


def _times(task: Task, update: Update) -> dict[str, int]:
    """The upstream's times, kept between our submit and now: its clock may be wrong."""
    times = {}
    now = _now()
    if update.start_time and not task.start_time:
        times["start_time"] = min(max(update.start_time, task.submit_time), now)
    if update.status in TERMINAL:
        finish = update.finish_time or now
        times["finish_time"] = min(max(finish, task.submit_time), now)
    return times


def _now() -> int:
    return int(time.time() * 1000)
