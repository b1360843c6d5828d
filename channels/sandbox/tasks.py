"""What every dialect knows of a task."""

import asyncio
from dataclasses import dataclass, field

from .clock import now_ms
from .lives import DRAWING, ENDS, Life, Status
from .pictures import Sketch
from .prompts import Word

BEFORE_THE_FIRST = -1
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
    life: Life = DRAWING
    reason_to_fail: str = FAIL_REASON
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
    has_worker: bool = False

    @property
    def ended(self) -> bool:
        return self.status in ENDS
