"""`/submit/modal` of trueai: begin what an action has asked about with code 21."""

from dataclasses import replace

from .aspnet import Form
from .lives import Status
from .prompts import words_in
from .refused import Refused
from .tasks import BEFORE_THE_FIRST
from .trueai_admission import Admission, Envelope
from .trueai_answers import (
    ACCEPTED,
    NO_PARENT,
    NO_PROMPT,
    NOT_FOUND,
    SUBMITTED,
    VALIDATION_ERROR,
    WRONG_FIELDS,
    Answer,
    Plan,
)
from .trueai_pool import Pool
from .trueai_tasks import TrueAiTask


class TrueAiModals:
    def __init__(self, pool: Pool, admission: Admission) -> None:
        self._pool = pool
        self._admission = admission

    def modal(self, form: Form, _envelope: Envelope) -> Plan:
        """trueai 11.10: `state` and `notifyHook` in this body are ignored, the mask is not checked,
        and nobody looks whether the task is a MODAL one: an ended one is drawn again."""
        task_id, prompt = form.filled("taskId"), form.filled("prompt")
        form.text("maskBase64")
        if not task_id:
            raise Refused(VALIDATION_ERROR, WRONG_FIELDS)
        task = self._pool.engine.find(task_id)
        if task is None:
            raise Refused(NOT_FOUND, NO_PARENT, status=404)
        # A twin takes the task's place once it is let in, so that a refusal leaves all as it was.
        begun = replace(
            task,
            prompt=task.prompt or prompt,
            final_prompt=prompt or task.final_prompt,
            steering=f"{task.steering} {prompt}",
            words=task.words | (words_in(prompt) - self._pool.manner.unknown_words),
            status=Status.NOT_START,
            progress=None,
            step=BEFORE_THE_FIRST,
            start_time=None,
            finish_time=None,
            hook_rank=0.0,
        )
        if not begun.final_prompt.strip():
            raise Refused(VALIDATION_ERROR, NO_PROMPT)
        self._admission.check_banned(begun)
        return Plan(begun.words, lambda: self._begin(task, begun))

    def _begin(self, task: TrueAiTask, begun: TrueAiTask) -> Answer:
        if self._pool.engine.is_live(task):
            return Answer(SUBMITTED, ACCEPTED, task.id)
        return self._pool.draw(begun)
