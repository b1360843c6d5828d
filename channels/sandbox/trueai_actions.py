"""`/submit/action` of trueai: a button below a result is pressed."""

from dataclasses import replace

from .aspnet import Form
from .lives import FAILED_AT_ONCE, Status
from .midjourney_proxy_forms import BAD_INDEX
from .prompts import follow_up_words_in
from .refused import Refused
from .trueai_admission import Admission, Envelope
from .trueai_answers import (
    ACCEPTED,
    DONE,
    FAILURE,
    NO_PARENT,
    NOT_FOUND,
    SUBMITTED,
    VALIDATION_ERROR,
    WRONG_FIELDS,
    WRONG_STATUS,
    Answer,
    Plan,
)
from .trueai_buttons import Result
from .trueai_custom_ids import (
    ALL_PROMPTS,
    ANYTHING_ELSE,
    BOOKMARK,
    PARENTS_OWN,
    PICTURE_READER,
    REROLLABLE,
    Kind,
    can_be_remixed,
    described,
    index_of,
    kind_of,
    opens_modal,
)
from .trueai_forms import lines_of
from .trueai_pool import Pool
from .trueai_tasks import TrueAiTask

CLIPS = {Result.VIDEOS: 4, Result.ONE_VIDEO: 1}


class TrueAiActions:
    """trueai 11.10, the checks in their order: blank fields, the parent is known (404), it is
    SUCCESS, limits, the customId is known, remix, an account is there."""

    def __init__(self, pool: Pool, admission: Admission) -> None:
        self._pool = pool
        self._admission = admission

    def action(self, form: Form, envelope: Envelope) -> Plan:
        parent_id, custom_id = form.filled("taskId"), form.filled("customId")
        asks_for_remix = form.true_or_false("enableRemix") is True
        if not parent_id or not custom_id:
            raise Refused(VALIDATION_ERROR, WRONG_FIELDS)
        return self.press(
            self.parent(parent_id), custom_id, envelope, asks_for_remix=asks_for_remix
        )

    def parent(self, parent_id: str) -> TrueAiTask:
        """Raises Refused: HTTP 404 for an unknown task."""
        parent = self._pool.engine.find(parent_id)
        if parent is None:
            raise Refused(NOT_FOUND, NO_PARENT, status=404)
        if parent.status is not Status.SUCCESS:
            raise Refused(VALIDATION_ERROR, WRONG_STATUS)
        return parent

    def press(
        self, parent: TrueAiTask, custom_id: str, envelope: Envelope, *, asks_for_remix: bool
    ) -> Plan:
        if self._pool.switches.rules.knows_all_custom_ids and custom_id.startswith(BOOKMARK):
            return Plan(frozenset(), lambda: Answer(SUBMITTED, ACCEPTED, parent.id))
        self._admission.check_limits(follow_up_words_in(parent.steering), envelope)
        kind = self._kind(custom_id)
        if custom_id == ALL_PROMPTS:
            return self._imagine_all(parent, custom_id, envelope, kind)
        task = self._task(parent, custom_id, kind)
        self._admission.follow_up(task, envelope, parent)
        remix = self._pool.switches.remix
        if asks_for_remix and remix == "off" and can_be_remixed(custom_id, kind):
            raise Refused(VALIDATION_ERROR, "当前账号不支持 remix，请开启 remix 功能")
        if opens_modal(custom_id, kind, asks_for_remix=asks_for_remix, account_remix=remix):
            return Plan(task.words, lambda: self._pool.ask(task))
        self._admission.check_banned(task)
        start = self._pool.upscale if task.action == "UPSCALE" else self._pool.draw
        return Plan(task.words, lambda: start(task))

    def _kind(self, custom_id: str) -> Kind:
        kind = kind_of(custom_id)
        if kind is None and not self._pool.switches.rules.knows_all_custom_ids:
            raise Refused(VALIDATION_ERROR, "未知的 Action 类型")
        return kind or ANYTHING_ELSE

    def _imagine_all(
        self, parent: TrueAiTask, custom_id: str, envelope: Envelope, kind: Kind
    ) -> Plan:
        """Four tasks at once. trueai 11.10: the hook is not handed on, and `state` is numbered."""
        children = []
        for number, _line in enumerate(_prompts_of(parent), start=1):
            task = self._task(parent, f"{PICTURE_READER}{number}", kind)
            state = f"{envelope.state or ''}::{number}"
            child = replace(envelope, state=state, notify_hook=None)
            self._admission.follow_up(task, child, parent)
            children.append(task)
        if not children:
            raise Refused(FAILURE, "提交失败，系统异常")

        def carry_out() -> Answer:
            ids = [self._pool.draw(task).task_id or "" for task in children]
            return Answer(SUBMITTED, DONE, ",".join(ids))

        return Plan(follow_up_words_in(parent.steering), carry_out)

    def _task(self, parent: TrueAiTask, custom_id: str, kind: Kind) -> TrueAiTask:
        task_id, index = self._pool.parts.ids.next(), index_of(custom_id)
        if kind.result is Result.SINGLE:
            quadrant = index or parent.sketch.quadrant or 1
            sketch = replace(parent.sketch, quadrant=quadrant)
        else:
            sketch = replace(parent.sketch, seed=task_id, quadrant=None)
        task = TrueAiTask(
            id=task_id,
            action=self._action(parent, kind),
            result=kind.result,
            prompt=parent.prompt,
            final_prompt=_prompt_for(custom_id, parent),
            description=described(custom_id, parent),
            steering=parent.steering,
            words=follow_up_words_in(parent.steering),
            sketch=sketch,
            custom_id=custom_id,
            base_image_url=parent.image_url,
            properties={"custom_id": custom_id, "action_index": index or 1},
        )
        if task.action == "VIDEO":
            task.result = Result.VIDEOS
        if clips := CLIPS.get(task.result):
            task.videos, task.video_type = clips, parent.video_type
        if index == 0:
            task.life, task.reason_to_fail = FAILED_AT_ONCE, BAD_INDEX
        return task

    def _action(self, parent: TrueAiTask, kind: Kind) -> str:
        if self._pool.switches.rules.knows_all_custom_ids:
            return kind.old_action
        if kind.action != PARENTS_OWN:
            return kind.action
        if parent.action not in REROLLABLE:
            raise Refused(VALIDATION_ERROR, "该任务不支持重新生成")
        return REROLLABLE[parent.action]


def _prompts_of(parent: TrueAiTask) -> list[str]:
    return lines_of(parent.final_prompt) if parent.result is Result.PROMPTS else []


def _prompt_for(custom_id: str, parent: TrueAiTask) -> str:
    """One described prompt by its number, else the parent's."""
    number = custom_id.removeprefix(PICTURE_READER)
    prompts = _prompts_of(parent)
    if custom_id.startswith(PICTURE_READER) and number in ("1", "2", "3", "4") and prompts:
        return prompts[int(number) - 1]
    return parent.final_prompt
