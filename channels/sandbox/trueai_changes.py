"""`change` and `simple-change` of trueai until v9.5.0: a button named by an action and a place."""

from .aspnet import Form
from .midjourney_proxy_forms import CHANGE_LETTERS, CHANGEABLE, CHANGES
from .refused import Refused
from .trueai_actions import TrueAiActions
from .trueai_admission import Envelope
from .trueai_answers import VALIDATION_ERROR, Plan

CUSTOM_IDS = {
    "UPSCALE": "MJ::JOB::upsample::{index}::{job}",
    "VARIATION": "MJ::JOB::variation::{index}::{job}",
    "REROLL": "MJ::JOB::reroll::0::{job}::SOLO",
}
WRONG_CONTENT = "content参数错误"


class TrueAiChanges:
    def __init__(self, actions: TrueAiActions) -> None:
        self._actions = actions

    def change(self, form: Form, envelope: Envelope) -> Plan:
        parent_id, action = form.filled("taskId"), form.choice("action", CHANGES)
        index = form.integer("index")
        if not parent_id:
            raise Refused(VALIDATION_ERROR, "taskId不能为空")
        if action is None:
            raise Refused(VALIDATION_ERROR, "action参数错误")
        return self._press(parent_id, action, index, envelope)

    def simple_change(self, form: Form, envelope: Envelope) -> Plan:
        """`content` is "<task id> <operation>": u1 to u4, v1 to v4, or r."""
        parent_id, _, operation = (form.text("content") or "").partition(" ")
        if operation.lower() == "r":
            return self._press(parent_id, "REROLL", None, envelope)
        action = CHANGE_LETTERS.get(operation[:1].lower())
        if action is None or operation[1:] not in ("1", "2", "3", "4"):
            raise Refused(VALIDATION_ERROR, WRONG_CONTENT)
        return self._press(parent_id, action, int(operation[1:]), envelope)

    def _press(self, parent_id: str, action: str, index: int | None, envelope: Envelope) -> Plan:
        parent = self._actions.parent(parent_id)
        if parent.action not in CHANGEABLE:
            raise Refused(VALIDATION_ERROR, "关联任务不允许执行变化")
        custom_id = CUSTOM_IDS[action].format(index=index or 0, job=parent.job)
        return self._actions.press(parent, custom_id, envelope, asks_for_remix=False)
