"""Tasks in memory, and the workers that draw them. Nothing here belongs to one dialect."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from .clock import now_ms
from .controls import Switches
from .lives import DRAWING, FIRST_INTERIM_PICTURE, Status, percent_of, steered
from .options import Options
from .pictures import Gallery
from .prompts import Word
from .tasks import BEFORE_THE_FIRST, Task

TaskT = TypeVar("TaskT", bound=Task)


class QueueFull(Exception):
    """All workers are busy and no place is left to wait."""


class Engine(Generic[TaskT]):
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
        on_change: Callable[[TaskT], None],
    ) -> None:
        self._options = options
        self._switches = switches
        self._gallery = gallery
        self._on_change = on_change
        self._tasks: dict[str, TaskT] = {}
        self._live: dict[str, TaskT] = {}
        self._waiting: deque[TaskT] = deque()
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

    def find(self, task_id: str) -> TaskT | None:
        return self._tasks.get(task_id)

    def tasks(self) -> list[TaskT]:
        """Every task that is remembered, the oldest first."""
        return list(self._tasks.values())

    def live_tasks(self) -> list[TaskT]:
        """Those that wait or are drawn, the oldest first."""
        return list(self._live.values())

    def twin_of(self, task: TaskT) -> TaskT | None:
        """An earlier follow-up that says the same, if the words ask for it (zznextexists)."""
        if Word.EXISTS not in task.words:
            return None
        twins = (other for other in self._tasks.values() if other.description == task.description)
        return next(twins, None)

    def is_live(self, task: TaskT) -> bool:
        return task.id in self._live

    def keep(self, task: TaskT) -> None:
        """Remember the task without drawing it: nothing happens to it by itself."""
        self._tasks[task.id] = task
        self._gallery.keep(task.id, task.sketch)

    def accept(self, task: TaskT) -> int:
        """Take the task in and answer how many were waiting before it. Raises QueueFull."""
        waiting = len(self._waiting)
        all_busy = self._busy_workers >= self._options.workers
        if all_busy and waiting >= self._options.queue_size:
            raise QueueFull
        self._bring_to_life(task)
        if all_busy:
            self._waiting.append(task)
        else:
            self._give_worker(task)
        return waiting

    def draw_beside(self, task: TaskT) -> None:
        """Draw it now, without a worker and whatever the queue holds."""
        self._bring_to_life(task)
        self._start(task)

    def end_now(self, task: TaskT) -> None:
        """The whole life before this call returns; `on_change` is not called."""
        self.keep(task)
        task.life = steered(task.life, task.words)
        task.start_time = now_ms()
        task.step = len(task.life) - 2
        self._show_next_step(task)
        if task.ended:
            self._remember_end(task)

    def cancel(self, task: TaskT, *, reason: str) -> None:
        """Fail it now. One that waits keeps its place, and `on_change` hears of it at its turn; of
        one that is only kept it never does."""
        if task.ended:
            return
        self._fail(task, reason)
        if not self.is_live(task):
            self._remember_end(task)
        elif task not in self._waiting:
            if task.timer:
                task.timer.cancel()
            self._on_change(task)
            self._finish(task)

    def _bring_to_life(self, task: TaskT) -> None:
        self.keep(task)
        self._live[task.id] = task
        task.life = steered(task.life, task.words)

    def _give_worker(self, task: TaskT) -> None:
        self._busy_workers += 1
        task.has_worker = True
        self._start(task)

    def _start(self, task: TaskT) -> None:
        task.step_seconds = self._switches.drawing_seconds / (len(DRAWING) - 1)
        # Not at once: whoever submitted should be answered before the first hook post goes out.
        task.timer = asyncio.get_running_loop().call_soon(self._advance, task)

    def _advance(self, task: TaskT) -> None:
        loop = asyncio.get_running_loop()
        if task.step == BEFORE_THE_FIRST:
            task.start_time = now_ms()
            task.next_step_at = loop.time()
        self._show_next_step(task)
        self._on_change(task)
        if task.ended:
            self._finish(task)
        elif task.step == len(task.life) - 1:
            self._free_worker_of(task)
        else:
            # Counted from the last due time, so that a busy loop does not make drawings longer.
            task.next_step_at += task.step_seconds
            task.timer = loop.call_at(task.next_step_at, self._advance, task)

    def _show_next_step(self, task: TaskT) -> None:
        task.step += 1
        step = task.life[task.step]
        if step.status is Status.FAILURE:
            self._fail(task, task.reason_to_fail)
            return
        task.status, task.progress = step
        if task.status is Status.SUCCESS:
            task.finish_time = now_ms()
            task.image_url = self._gallery.link(task.id)
        elif (percent_of(task.progress) or 0) >= FIRST_INTERIM_PICTURE:
            task.image_url = self._gallery.interim_link(task.id)

    def _fail(self, task: TaskT, reason: str) -> None:
        task.status, task.progress = Status.FAILURE, ""
        task.fail_reason = reason
        task.finish_time = now_ms()

    def _finish(self, task: TaskT) -> None:
        task.timer = None
        del self._live[task.id]
        self._remember_end(task)
        self._free_worker_of(task)

    def _remember_end(self, task: TaskT) -> None:
        self._ended.append(task.id)
        if len(self._ended) > self._options.ended_tasks_kept:
            self._tasks.pop(self._ended.popleft(), None)

    def _free_worker_of(self, task: TaskT) -> None:
        if not task.has_worker:
            return
        task.has_worker = False
        self._busy_workers -= 1
        while self._waiting:
            following = self._waiting.popleft()
            if not following.ended:
                self._give_worker(following)
                break
            # Cancelled while it waited: it is told of now, and skipped.
            self._on_change(following)
            self._finish(following)
