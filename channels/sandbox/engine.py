"""Tasks in memory, and the workers that draw them. Nothing here belongs to one dialect."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from .clock import now_ms
from .controls import Switches
from .options import Options
from .pictures import Gallery, Sketch
from .prompts import Word


class Status(StrEnum):
    NOT_START = "NOT_START"
    SUBMITTED = "SUBMITTED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


# midjourney-proxy 2.6: the order and the usual percentages of a drawing's updates.
STEPS: tuple[tuple[Status, str], ...] = (
    (Status.SUBMITTED, "0%"),
    (Status.IN_PROGRESS, "0%"),
    (Status.IN_PROGRESS, "15%"),
    (Status.IN_PROGRESS, "31%"),
    (Status.IN_PROGRESS, "46%"),
    (Status.IN_PROGRESS, "62%"),
    (Status.IN_PROGRESS, "78%"),
    (Status.IN_PROGRESS, "93%"),
    (Status.SUCCESS, "100%"),
)
FIRST_INTERIM_PICTURE = STEPS.index((Status.IN_PROGRESS, "31%"))
SLOW_STOPS_AFTER = STEPS.index((Status.IN_PROGRESS, "31%"))
FAIL_STOPS_AFTER = STEPS.index((Status.IN_PROGRESS, "46%"))
BEFORE_THE_FIRST = -1
LAST = len(STEPS) - 1

FAIL_REASON = "[Job failed] the prompt asked the sandbox to fail (zzfail)"


@dataclass(slots=True, eq=False, kw_only=True)
class Task:
    """A drawing. Times are epoch milliseconds, `progress` is a text such as "46%"."""

    id: str
    action: str
    prompt: str | None
    final_prompt: str
    description: str
    words: frozenset[Word]
    sketch: Sketch
    fail_reason_at_start: str | None = None
    state: str | None = None
    notify_hook: str | None = None
    properties: dict[str, object] = field(default_factory=dict)

    status: Status = Status.NOT_START
    progress: str | None = None
    submit_time: int = field(default_factory=now_ms)
    start_time: int | None = None
    finish_time: int | None = None
    image_url: str | None = None
    fail_reason: str | None = None

    step: int = BEFORE_THE_FIRST
    next_step_at: float = 0.0
    step_seconds: float = 0.0
    timer: asyncio.Handle | None = None

    @property
    def ended(self) -> bool:
        return self.status in (Status.SUCCESS, Status.FAILURE)


class QueueFull(Exception):
    """All workers are busy and no place is left to wait."""


class Engine:
    """One account: so many workers, so many places to wait. Each dialect has its own.

    `on_change` is called after every step of a task, never for a task that still waits. A drawing
    is a chain of timers and not a coroutine: ten thousand at once cost one heap.
    """

    def __init__(
        self,
        options: Options,
        *,
        switches: Switches,
        gallery: Gallery,
        on_change: Callable[[Task], None],
    ) -> None:
        self._options = options
        self._switches = switches
        self._gallery = gallery
        self._on_change = on_change
        self._tasks: dict[str, Task] = {}
        self._live: dict[str, Task] = {}
        self._waiting: deque[Task] = deque()
        self._ended: deque[str] = deque()
        self._busy_workers = 0

    def forget(self) -> None:
        """Lose every task, as midjourney-proxy 2.6 with its in-memory store does at a restart."""
        for task in self._live.values():
            if task.timer:
                task.timer.cancel()
        for memory in (self._tasks, self._live, self._waiting, self._ended):
            memory.clear()
        self._busy_workers = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def find(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    def tasks(self) -> list[Task]:
        """Every task that is remembered, the oldest first."""
        return list(self._tasks.values())

    def live_tasks(self) -> list[Task]:
        """Those that wait or are drawn, the oldest first."""
        return list(self._live.values())

    def accept(self, task: Task) -> int:
        """Take the task in and answer how many were waiting before it. Raises QueueFull."""
        waiting = len(self._waiting)
        all_busy = self._busy_workers >= self._options.workers
        if all_busy and waiting >= self._options.queue_size:
            raise QueueFull
        self._tasks[task.id] = self._live[task.id] = task
        self._gallery.keep(task.id, task.sketch)
        if all_busy:
            self._waiting.append(task)
        else:
            self._start(task)
        return waiting

    def _start(self, task: Task) -> None:
        self._busy_workers += 1
        task.step_seconds = self._switches.drawing_seconds / LAST
        # Not at once: whoever submitted should be answered before the first hook post goes out.
        task.timer = asyncio.get_running_loop().call_soon(self._advance, task)

    def _advance(self, task: Task) -> None:
        loop = asyncio.get_running_loop()
        if task.start_time is None:
            task.start_time = now_ms()
            task.next_step_at = loop.time()
        if reason := _reason_to_fail(task):
            self._fail(task, reason)
        else:
            self._show_next_step(task)
        self._on_change(task)
        if task.ended:
            self._finish(task)
        elif Word.SLOW in task.words and task.step == SLOW_STOPS_AFTER:
            self._free_worker()
        else:
            # Counted from the last due time, so that a busy loop does not make drawings longer.
            task.next_step_at += task.step_seconds
            task.timer = loop.call_at(task.next_step_at, self._advance, task)

    def _show_next_step(self, task: Task) -> None:
        task.step += 1
        task.status, task.progress = STEPS[task.step]
        if task.status is Status.SUCCESS:
            task.finish_time = now_ms()
            task.image_url = self._gallery.link(task.id)
        elif task.step >= FIRST_INTERIM_PICTURE:
            task.image_url = self._gallery.interim_link(task.id)

    def _fail(self, task: Task, reason: str) -> None:
        task.status, task.progress = Status.FAILURE, ""
        task.fail_reason = reason
        task.finish_time = now_ms()

    def _finish(self, task: Task) -> None:
        task.timer = None
        del self._live[task.id]
        self._ended.append(task.id)
        if len(self._ended) > self._options.ended_tasks_kept:
            del self._tasks[self._ended.popleft()]
        self._free_worker()

    def _free_worker(self) -> None:
        self._busy_workers -= 1
        if self._waiting:
            self._start(self._waiting.popleft())


def _reason_to_fail(task: Task) -> str | None:
    if task.step == BEFORE_THE_FIRST:
        return task.fail_reason_at_start
    if task.step == FAIL_STOPS_AFTER and Word.FAIL in task.words:
        return FAIL_REASON
    return None
