"""A submit on its way through a new-api relay: what it reads itself, hands on, and writes down."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from . import aspnet, mishaps
from .journal import Submit, shortened
from .newapi_actions import (
    BY_BODY,
    MODAL_ACTIONS,
    action_of,
    check_channel,
    check_fields,
    check_parent,
)
from .newapi_errors import DoorProblem, DrawingProblem, Problem, json_answer
from .newapi_tasks import Row
from .prompts import Word, follow_up_words_in, words_in
from .refused import BareRefusal, Refused
from .trueai import plan_makers, refusal_json
from .trueai_admission import read_envelope
from .trueai_answers import Answer, Plan
from .trueai_pool import Pool
from .trueai_tasks import TrueAiTask

SWAP = "insight-face/swap"
MODAL = "submit/modal"
FOLLOW_UPS = ("submit/action", "submit/change", MODAL, "submit/video")


@dataclass(frozen=True, slots=True)
class Call:
    path: str
    action: str
    prompt: str
    parent: TrueAiTask | None

    @property
    def words(self) -> frozenset[Word]:
        """Those that speak to the relay rather than to its upstream."""
        inherited = follow_up_words_in(self.parent.steering) if self.parent else frozenset()
        return words_in(self.prompt) | inherited

    @property
    def row_prompt(self) -> str:
        """new-api: a follow-up is written down with its parent's prompt, whatever it brings."""
        if self.path == SWAP:
            return "InsightFace"
        return (self.parent.prompt if self.parent else self.prompt) or ""


class NewApiSubmits:
    def __init__(self, pool: Pool, rows: dict[str, Row]) -> None:
        self._pool = pool
        self._rows = rows
        self._makers = plan_makers(pool)

    def handler(self, path: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            submit = self._pool.parts.journal.open_submit(request)
            body = await _read_object(request, path)
            submit.body = shortened(body)
            # new-api: another content type is read as an empty object, and handed on in full.
            is_read = request.headers.get("Content-Type", "").startswith("application/json")
            call = self._read(path, aspnet.Form(body if is_read else {}))
            self._check_words(call)
            return await self._hand_on(request, submit, call, self._passed_on(body))

        return handle

    def _read(self, path: str, form: aspnet.Form) -> Call:
        """Raises Problem."""
        try:
            action = action_of(path, form)
            check_channel(action, alive=self._pool.parts.switches.alive)
            check_fields(path, form)
            return Call(path, action, form.text("prompt") or "", self._parent(path, form))
        except aspnet.Failure as failure:
            raise _unbound(path, str(failure)) from failure

    def _parent(self, path: str, form: aspnet.Form) -> TrueAiTask | None:
        """new-api: without a taskId nothing is checked; upstream is to refuse it."""
        parent_id = form.text("taskId")
        if path not in FOLLOW_UPS or not parent_id:
            return None
        parent = self._pool.engine.find(parent_id) if parent_id in self._rows else None
        success_only = self._pool.parts.switches.newapi.check_success
        return check_parent(path, parent, success_only=success_only)

    def _check_words(self, call: Call) -> None:
        """Raises Problem."""
        if Word.HTTP401 in call.words:
            raise DoorProblem(401, "Invalid token")
        if Word.HTTP503 in call.words:
            check_channel(call.action, alive=False)
        if Word.QUOTA in call.words and call.action not in MODAL_ACTIONS:
            raise DrawingProblem(4, "quota_not_enough")

    def _passed_on(self, body: Mapping[str, object]) -> aspnet.Form:
        """new-api: takes account filters out, and hooks unless the operator lets them through."""
        dropped = {"accountFilter"}
        if not self._pool.parts.switches.newapi.hooks:
            dropped.add("notifyHook")
        return aspnet.Form({name: body[name] for name in body if name not in dropped})

    async def _hand_on(
        self, request: web.Request, submit: Submit, call: Call, form: aspnet.Form
    ) -> web.Response:
        """What upstream says, with upstream's status."""
        try:
            if Word.MINUS1 in call.words:
                raise aspnet.Failure("操作失败")
            plan = self._makers[call.path](form, read_envelope(form, prefix_mode=None))
            if broken := mishaps.before_accepting(request, plan.words):
                return broken
            answer = plan.carry_out()
        except BareRefusal as no:
            return _upstream_answer(call, {"code": no.code, "description": no.description})
        except Refused as no:
            return _upstream_answer(call, refusal_json(no), status=no.status)
        except aspnet.Failure as failure:
            return _upstream_answer(call, aspnet.failure_json(str(failure)))
        submit.accepted, submit.id = True, answer.task_id
        self._write_down(call, plan, answer)
        seconds = self._pool.parts.options.hang_seconds
        if broken := await mishaps.before_answering(request, plan.words, hang_seconds=seconds):
            return broken
        return _upstream_answer(call, answer.as_json())

    def _write_down(self, call: Call, plan: Plan, answer: Answer) -> None:
        """new-api: a modal gets a second row of the same id, which nobody ever finds.

        Raises DrawingProblem for the words that make the relay lose its upstream's answer.
        """
        if Word.ORPHAN in plan.words:
            raise DrawingProblem(5, "do_request_failed")
        if answer.task_id:
            row = Row(call.action, call.row_prompt, answer.description)
            self._rows.setdefault(answer.task_id, row)


def _upstream_answer(
    call: Call, answer: Mapping[str, object], *, status: int = 200
) -> web.Response:
    """new-api: byte for byte as plain text, codes 21 and 22 made 1 by replacing text, 21 kept where
    a modal follows. A face swap is read and written anew, with its code."""
    if call.path == SWAP:
        return json_answer(four_keys(answer), status=status)
    text = aspnet.json_bytes(answer)
    if call.action not in MODAL_ACTIONS:
        text = text.replace(b'"code":21', b'"code":1')
    text = text.replace(b'"code":22', b'"code":1')
    return web.Response(status=status, body=text, content_type="text/plain", charset="utf-8")


def four_keys(answer: Mapping[str, object]) -> dict[str, object]:
    return {
        "code": answer.get("code", 0),
        "description": answer.get("description") or "",
        "properties": answer.get("properties"),
        "result": answer.get("result") or "",
    }


async def _read_object(request: web.Request, path: str) -> dict[str, object]:
    """Raises Problem."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise _unbound(path, str(error)) from error
    if not isinstance(body, dict):
        raise _unbound(path, "json: cannot unmarshal into Go value")
    return body


def _unbound(path: str, reason: str) -> Problem:
    """new-api: where the body names the action it is read at the door, elsewhere behind it."""
    if path in BY_BODY:
        return DoorProblem(400, f"Invalid request: Invalid Midjourney request: {reason}")
    return DrawingProblem(4, "bind_request_body_failed")
