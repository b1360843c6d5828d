"""Drawing for people who are signed in: what the tenant API does for a key, done for the tenant's
people with a key of their choice, which they need not hold in their hands.

It is the very same path: the key's limits, budgets, holds and idempotency apply as if the key
itself had asked. The audit is told nothing of it: what is drawn stands in the tasks, what it costs
in the ledger.
"""

from typing import Any

import orjson
from rest_framework import serializers

from billing.errors import AddressNotAllowed
from billing.models import Token
from billing.tokens import Caller
from common import addresses, logs
from relay import lifecycle
from relay.api import errors, views
from relay.api import fields as bodies
from relay.api.readers import Ask
from relay.api.v1 import drawing_rows, tasks
from relay.api.v1.drawing_kinds import BUTTON, KINDS, MODAL
from relay.api.v1.drawing_offers import caller_of
from relay.api.v1.drawing_rows import Drawing
from relay.api.v1.fields import Name, Query, Strict, Text, number_of
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import list_of
from relay.api.v1.roles import Right
from relay.api.v1.tasks import TaskRow
from relay.api.views import SubmitView
from relay.errors import Conflict, InvalidRequest
from relay.models import Task
from relay.pictures import seeds
from relay.watch import metrics

IDS_MAX = 50
NEWEST = 20
WAITS = 21


class _Paid(Strict):
    key_id = number_of(help_text="Which of the tenant's API keys pays: its limits count.")
    body = serializers.DictField(
        default=dict, help_text="The body of this submit, as the tenant API has it."
    )
    idempotency_key = Name(
        max_length=bodies.IDEMPOTENCY_KEY_MAX_CHARS,
        default="",
        allow_blank=True,
        help_text="As the header Idempotency-Key there: the same submit sent again is the same.",
    )


class NewDrawing(_Paid):
    kind = serializers.ChoiceField(choices=list(KINDS))


class FollowUp(_Paid):
    """`taskId` stands in the address, and need not be in the body."""


class Drawn(Strict):
    task_ids = serializers.ListField(child=serializers.CharField())
    urls = serializers.ListField(child=serializers.CharField(), help_text="Of an upload.")
    waits_for_modal = serializers.BooleanField(
        help_text="Nothing is held yet: confirm or cancel it."
    )
    final_prompt = serializers.CharField(help_text="Proposed for the confirmation.")
    is_replay = serializers.BooleanField(help_text="It was sent before; this is its answer.")


class DrawingQuery(Query):
    ids = Text(
        required=False,
        max_length=IDS_MAX * 17,
        help_text="Separated by commas. Without: the newest.",
    )


class SeedAnswer(Strict):
    seed = serializers.CharField()


class Drawings(View):
    tag = "tasks"
    thing, deed = "task", "draw"
    is_recorded = False

    @operation(
        Right.SEE,
        "List tasks as pages show them",
        query=DrawingQuery,
        answer=list_of(Drawing),
    )
    def get(self, call: Call) -> dict[str, Any]:
        rows = Task.objects.filter(tenant=call.tenant)
        rows = rows.select_related("channel", "token", "token__tenant", "parent", "tenant")
        newest = rows.order_by("-pk")
        if "ids" in call.query:
            return {"data": drawing_rows.show(newest.filter(pk__in=_ids(call.query["ids"])), call)}
        return {"data": drawing_rows.show(newest[:NEWEST], call)}

    @operation(
        Right.DRAW,
        "Draw with one of the tenant's keys",
        body=NewDrawing,
        answer=Drawn,
        refusals=(402, 422, 429, 502),
    )
    def post(self, call: Call) -> dict[str, Any]:
        kind = KINDS[call.body["kind"]]
        return _submit(kind.view(), kind.path, _caller(call), call.body)


class Press(View):
    tag = "tasks"
    thing, deed = "task", "press button of task"
    is_recorded = False

    @operation(
        Right.DRAW,
        "Press a button of a finished task (`customId`)",
        body=FollowUp,
        answer=Drawn,
        refusals=(402, 422, 429, 502),
    )
    def post(self, call: Call, task_id: int) -> dict[str, Any]:
        return _follow_up(call, task_id, views.Button(), BUTTON)


class Confirmation(View):
    tag = "tasks"
    thing, deed = "task", "confirm task"
    is_recorded = False

    @operation(
        Right.DRAW,
        "Confirm a task that waits for it (`prompt`, `maskBase64`)",
        body=FollowUp,
        answer=Drawn,
        refusals=(402, 422, 429, 502),
    )
    def post(self, call: Call, task_id: int) -> dict[str, Any]:
        return _follow_up(call, task_id, views.Modal(), MODAL)


class Cancellation(View):
    tag = "tasks"
    thing, deed = "task", "cancel task"
    is_recorded = False

    @operation(Right.DRAW, "Give up a task that waits for its confirmation", answer=TaskRow)
    def post(self, call: Call, task_id: int) -> dict[str, Any]:
        task = _task(call, task_id)
        if not lifecycle.cancel(task):
            raise Conflict("this task is drawn already and cannot be cancelled")
        return tasks.show(_task(call, task_id), call)


class Seed(View):
    tag = "tasks"
    thing, deed = "task", "ask for seed of task"
    is_recorded = False

    @operation(
        Right.DRAW,
        "Ask for the seed of a picture; free",
        answer=SeedAnswer,
        refusals=(429, 502),
    )
    def post(self, call: Call, task_id: int) -> dict[str, Any]:
        return {"seed": seeds.of(_task(call, task_id))}


def _follow_up(call: Call, task_id: int, view: SubmitView, path: str) -> dict[str, Any]:
    """Raises Conflict for a key of the other world: play money draws on with play money only."""
    task, caller = _task(call, task_id), _caller(call)
    if task.is_test != caller.is_test:
        raise Conflict("key_id: a test key continues the tasks of test keys, and no others")
    body = {**call.body["body"], "taskId": str(task.pk)}
    return _submit(view, path, caller, call.body | {"body": body})


def _submit(view: SubmitView, path: str, caller: Caller, said: dict[str, Any]) -> dict[str, Any]:
    ask = Ask(said["body"], caller, path_mode="")
    try:
        response = view.answer(ask, key=said["idempotency_key"], path=path)
    except Exception as error:
        metrics.submitted(errors.find(error).type)
        raise
    is_replay = "Idempotent-Replayed" in response
    known = str(logs.known().get("outcome", "accepted"))
    metrics.submitted("replayed" if is_replay else known)
    data = orjson.loads(response.data) if isinstance(response.data, bytes) else response.data
    result = data["result"]
    return {
        "task_ids": result.split(",") if isinstance(result, str) else [],
        "urls": [] if isinstance(result, str) else result,
        "waits_for_modal": data["code"] == WAITS,
        "final_prompt": data["properties"].get("finalPrompt", ""),
        "is_replay": is_replay,
    }


def _caller(call: Call) -> Caller:
    """As if the key had been sent. Raises ObjectNotFound, Conflict, TenantDisabled,
    AddressNotAllowed."""
    token: Token = found(Token.objects.filter(tenant=call.tenant), call.body["key_id"], "key")
    caller = caller_of(token)
    if caller is None:
        raise Conflict("key_id: this key is disabled, or has expired")
    if caller.addresses and not _is_from(call.origin.address, caller.addresses):
        raise AddressNotAllowed
    logs.add(key=token.prefix)
    return caller


def _is_from(address: str, networks: list[str]) -> bool:
    return bool(address) and addresses.is_in(addresses.address(address), networks)


def _task(call: Call, task_id: int) -> Task:
    rows = Task.objects.filter(tenant=call.tenant).select_related("channel", "token")
    task: Task = found(rows, task_id, "task")
    return task


def _ids(text: str) -> list[int]:
    numbers = [bodies.task_id(word.strip()) for word in text.split(",")]
    if None in numbers or len(numbers) > IDS_MAX:
        raise InvalidRequest(f"ids: this must be at most {IDS_MAX} task ids with commas between")
    return [number for number in numbers if number is not None]
