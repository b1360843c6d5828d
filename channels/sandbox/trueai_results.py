"""What each step adds to a task of trueai: message ids, the mode in the end, links, buttons."""

from dataclasses import replace
from uuid import uuid4

from .clock import snowflake
from .lives import Status
from .parts import Parts
from .prompts import Word
from .trueai_buttons import Result, buttons, version_of
from .trueai_switches import TrueAiSwitches
from .trueai_tasks import TrueAiTask

SWEPT_AWAY = "任务超时，自动取消"

# trueai 11.10, its own weights: TURBO twice FAST, a video two for each clip.
MODE_COSTS = {"FAST": 1, "TURBO": 2, "RELAX": 0}
VIDEO_COST = 2

MODE_WORDS = {Word.FAST: "FAST", Word.RELAX: "RELAX", Word.TURBO: "TURBO"}


def complete(task: TrueAiTask, *, parts: Parts, switches: TrueAiSwitches) -> None:
    """Called after each step, before anybody is told of it."""
    if task.status is Status.SUBMITTED and task.extends_video and task.step > 0:
        # trueai 11.10: extending a clip is an upscale first, and then begins anew as a video.
        task.action = "VIDEO"
    if task.status is Status.IN_PROGRESS and not task.message_ids:
        task.message_ids.append(snowflake())
        task.properties["finalPrompt"] = task.final_prompt
    if task.status is Status.SUCCESS:
        _succeed(task, parts=parts, switches=switches)
    if Word.SWEEP in task.words:
        _sweep(task)


def _succeed(task: TrueAiTask, *, parts: Parts, switches: TrueAiSwitches) -> None:
    task.job = str(uuid4())
    task.mode = _final_mode(task, switches)
    switches.fast_left -= _cost(task)
    if task.account.is_partner is False:
        task.fail_reason, task.state = "", task.state or ""
    task.message_ids.append(snowflake())
    task.buttons = buttons(
        task.result,
        job=task.job,
        version=version_of(task.final_prompt),
        is_partner=task.account.is_partner,
    )
    task.properties |= {
        "finalPrompt": task.final_prompt,
        "messageId": task.message_ids[-1],
        "flags": 0,
        "messageHash": task.job,
        "messageContent": f"**{task.final_prompt}** - <@1077900000000000009> (fast)",
        "mj_proxy_handled": True,
    }
    _link(task, parts)


def _link(task: TrueAiTask, parts: Parts) -> None:
    if task.result in (Result.PROMPTS, Result.SHORTENED):
        task.prompt = task.final_prompt
    if task.result is Result.SHORTENED:
        task.image_url = None
    if task.result is Result.GRID and task.account.is_partner:
        task.image_urls = [_keep_quarter(task, parts, number) for number in (1, 2, 3, 4)]
    if task.videos:
        names = [f"{task.id}-{number}" for number in range(1, task.videos + 1)]
        task.video_urls = [parts.videos.keep(name) for name in names]


def _keep_quarter(task: TrueAiTask, parts: Parts, number: int) -> str:
    name = f"{task.id}-{number}"
    parts.gallery.keep(name, replace(task.sketch, quadrant=number))
    return parts.gallery.link(name)


def _final_mode(task: TrueAiTask, switches: TrueAiSwitches) -> str:
    """trueai 11.10: read from Midjourney's last message. Without fast credits that says relax."""
    for word, mode in MODE_WORDS.items():
        if word in task.words:
            return mode
    return "RELAX" if switches.fast_left <= 0 else task.mode or "FAST"


def _cost(task: TrueAiTask) -> int:
    if task.is_free_of_charge:
        return 0
    return MODE_COSTS[task.mode or "FAST"] * max(1, VIDEO_COST * task.videos)


def _sweep(task: TrueAiTask) -> None:
    """trueai 11.10: written to the database past everything that would note the time or tell."""
    task.start_time = task.finish_time = None
    if task.status is Status.FAILURE:
        task.fail_reason = SWEPT_AWAY
