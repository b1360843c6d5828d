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
_TEXTS = ("prompt_en", "final_prompt", "final_zh_prompt", "image_url", "video_url")
_LISTS = ("image_urls", "video_urls", "buttons")


def between(task: Task, update: Update) -> dict[str, Any]:
    """The columns to write, none when there is nothing new or when the update looks backwards."""
    if RANK[TaskStatus(update.status)] < RANK[TaskStatus(task.status)]:
        return {}
    told: dict[str, Any] = {"status": update.status, "progress": _progress(task, update)}
    told |= {name: getattr(update, name) for name in (*_TEXTS, *_LISTS) if getattr(update, name)}
    if update.description:
        told["description"] = _with_our_id(task, update)
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


def _with_our_id(task: Task, update: Update) -> str:
    """The upstream writes its own id in it ("/up <id> U1")."""
    description = update.description or ""
    if not update.upstream_id:
        return description
    return description.replace(update.upstream_id, str(task.pk))


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
