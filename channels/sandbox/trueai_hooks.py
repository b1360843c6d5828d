"""When trueai posts to a hook: not always when a task changes, and often twice at the end."""

import asyncio

from . import aspnet
from .lives import Status, percent_of
from .parts import Parts
from .prompts import Word
from .trueai_switches import TrueAiSwitches
from .trueai_tasks import TrueAiTask, task_json

# .NET's HttpClient names itself nowhere.
HEADERS = {"Content-Type": "application/json; charset=utf-8"}
RANKS = {Status.SUBMITTED: 1.0, Status.IN_PROGRESS: 3.0, Status.FAILURE: 4.0, Status.SUCCESS: 5.0}


class TrueAiHooks:
    """trueai 11.10: a post goes out if its rank is strictly above the last one of the task; what
    was remembered is deleted after the end, and then the worker saves once more. So progress is
    never seen twice and never runs backwards, but the end arrives twice."""

    def __init__(self, parts: Parts, switches: TrueAiSwitches) -> None:
        self._poster = parts.hooks
        self._switches = switches

    def tell(self, task: TrueAiTask) -> None:
        if task.notify_hook is None or Word.SWEEP in task.words or _rank(task) <= task.hook_rank:
            return
        self._post(task)
        task.hook_rank = _rank(task)
        if task.ended and self._switches.double_end:
            asyncio.get_running_loop().call_later(task.step_seconds, self._post, task)

    def _post(self, task: TrueAiTask) -> None:
        self._poster.tell(
            task,
            rank=_rank(task),
            headers=HEADERS,
            body=lambda: aspnet.json_bytes(task_json(task)),
        )


def _rank(task: TrueAiTask) -> float:
    """NOT_START and others 0, SUBMITTED 1, IN_PROGRESS 3 and a fraction, FAILURE 4, SUCCESS 5."""
    fraction = (percent_of(task.progress) or 0) / 100 if task.status is Status.IN_PROGRESS else 0.0
    return RANKS.get(task.status, 0.0) + fraction
