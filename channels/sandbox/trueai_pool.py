"""The accounts of trueai at work: who is taken in, who has to wait, what is told of it."""

from collections import Counter
from dataclasses import dataclass

from .engine import Engine, QueueFull
from .lives import DRAWING, SUCCEEDED, Life, Status
from .parts import Parts
from .prompts import Word
from .refused import Refused
from .trueai_answers import (
    ACCEPTED,
    CONFIRM,
    EXISTED,
    NEEDS_MODAL,
    NO_ACCOUNT,
    NOT_FOUND,
    SUBMITTED,
    WAITING,
    Answer,
    instance,
)
from .trueai_hooks import TrueAiHooks
from .trueai_results import complete
from .trueai_switches import TrueAiSwitches
from .trueai_tasks import TrueAiTask

UPSCALE_AT_DISCORD: Life = (DRAWING[0], SUCCEEDED)
IN_ONE_STEP: Life = (SUCCEEDED,)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a pool behaves where its dialects differ: (code, text) of two refusals, and the words
    that it does not know."""

    queue_full: tuple[int, str]
    all_busy: tuple[int, str]
    unknown_words: frozenset[Word] = frozenset()


class Pool:
    def __init__(self, parts: Parts, switches: TrueAiSwitches, manner: Manner) -> None:
        self.parts = parts
        self.switches = switches
        self.manner = manner
        self.ended: Counter[tuple[str, str, Status]] = Counter()
        self.engine: Engine[TrueAiTask] = parts.new_engine(on_change=self._changed)
        self._hooks = TrueAiHooks(parts, switches)

    def draw(self, task: TrueAiTask) -> Answer:
        """Raises Refused."""
        self._check_alive(task)
        if twin := self._twin(task):
            return twin
        waiting = 0 if Word.LOST in task.words else self._enqueue(task)
        if Word.QUEUE in task.words:
            waiting = max(waiting, 1)
        properties = {} if task.is_replicate else instance(task.account)
        if not waiting:
            return Answer(SUBMITTED, ACCEPTED, task.id, properties)
        text = f"排队中，前面还有{waiting}个任务"
        return Answer(WAITING, text, task.id, {"numberOfQueues": waiting, **properties})

    def upscale(self, task: TrueAiTask) -> Answer:
        """A U waits for nobody: its queue has no end, and it is always code 1. Raises Refused.

        trueai 11.10: SUBMITTED and SUCCESS on Discord, SUCCESS in one step elsewhere; and where
        that account is off-line, SUCCESS within the submit call and without a hook.
        """
        is_offline = task.account.is_partner and not self.parts.switches.alive
        if not is_offline:
            self._check_alive(task)
        if twin := self._twin(task):
            return twin
        if task.life is DRAWING:
            task.life = IN_ONE_STEP if task.account.is_partner else UPSCALE_AT_DISCORD
        if Word.LOST in task.words:
            pass
        elif is_offline or self.switches.instant_upscale or Word.INSTANT in task.words:
            self.engine.end_now(task)
            self._complete(task)
        else:
            self.engine.draw_beside(task)
        return Answer(SUBMITTED, ACCEPTED, task.id, instance(task.account))

    def ask(self, task: TrueAiTask) -> Answer:
        """Keep the task as MODAL until /submit/modal confirms it. No hook is told. Raises Refused.

        trueai 11.10: the answer to an Inpaint has no prompt.
        """
        self._check_alive(task)
        task.status = Status.MODAL
        if Word.LOST not in task.words:
            self.engine.keep(task)
        inpaints = (task.custom_id or "").startswith("MJ::Inpaint::")
        properties: dict[str, object] = {
            "finalPrompt": "" if inpaints else task.final_prompt,
            "remix": True,
        }
        return Answer(NEEDS_MODAL, CONFIRM, task.id, properties)

    def _twin(self, task: TrueAiTask) -> Answer | None:
        twin = self.engine.twin_of(task)
        if twin is None:
            return None
        found: dict[str, object] = {"status": twin.status, "imageUrl": twin.image_url}
        return Answer(EXISTED, "任务已存在", twin.id, found)

    def _check_alive(self, task: TrueAiTask) -> None:
        if not self.parts.switches.alive or Word.CODE3 in task.words:
            raise Refused(NOT_FOUND, NO_ACCOUNT)

    def _enqueue(self, task: TrueAiTask) -> int:
        if Word.FULL in task.words:
            raise Refused(*self.manner.queue_full, instance(task.account))
        try:
            return self.engine.accept(task)
        except QueueFull:
            raise Refused(*self.manner.all_busy) from None

    def _changed(self, task: TrueAiTask) -> None:
        self._complete(task)
        self._hooks.tell(task)

    def _complete(self, task: TrueAiTask) -> None:
        complete(task, parts=self.parts, switches=self.switches)
        if task.ended:
            self.ended[task.mode or "FAST", task.action, task.status] += 1
