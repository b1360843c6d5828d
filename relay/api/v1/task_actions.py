"""What the site's people do with a task: look at it now, decide what became of it, read all that
happened to it."""

from typing import Any

from rest_framework import serializers

from billing.models import Entry
from relay.api.v1 import tasks
from relay.api.v1.fields import Money, Name, Strict, WebAddress, memo
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import list_of
from relay.api.v1.roles import Right
from relay.api.v1.tasks import OneTask, TaskRow
from relay.errors import Conflict, InvalidRequest
from relay.following import looks
from relay.models import Attempt, Callback, CallbackAttempt, Task, TaskStatus
from relay.operators import settlements, timeline
from relay.operators.timeline import Change, Event, Kind

REASON_MAX_CHARS = 200


class TaskSettlement(Strict):
    outcome = serializers.ChoiceField(
        choices=settlements.OUTCOMES,
        help_text="failed: the hold is released. drawn: it is paid, and the tenant gets the file.",
    )
    image_url = WebAddress(
        default="", allow_blank=True, help_text="Where the upstream has it. Only of what is drawn."
    )
    video_url = WebAddress(default="", allow_blank=True, help_text="The same.")
    reason = Name(
        max_length=REASON_MAX_CHARS,
        default="",
        allow_blank=True,
        help_text="Why it failed, for the tenant. Only of what has failed.",
    )
    memo = memo(required=True, allow_blank=False, help_text="Why you say so; for the ledger.")


class TimelineEvent(Strict):
    """One thing that happened; of the fields only those that its kind has."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    # Of a request.
    action = serializers.CharField(required=False)
    mode = serializers.CharField(required=False)
    price = Money(required=False, help_text="What was to be held.")
    # Of an entry.
    entry_id = serializers.IntegerField(required=False)
    entry = serializers.ChoiceField(choices=Entry.Kind.values, required=False)
    reference = serializers.CharField(required=False)
    amount = Money(required=False, help_text="Change of the balance.")
    held = Money(required=False, help_text="Change of the held money.")
    balance_after = Money(required=False)
    held_after = Money(required=False)
    memo = serializers.CharField(required=False)
    actor = serializers.CharField(required=False, help_text="For the site only.")
    # Of an attempt, or of a try of a callback.
    number = serializers.IntegerField(required=False)
    milliseconds = serializers.IntegerField(required=False, allow_null=True)
    answer = serializers.CharField(
        required=False, help_text="The receiver's own words; an upstream's for the site only."
    )
    outcome = serializers.ChoiceField(choices=Attempt.Outcome.values, required=False)
    channel_id = serializers.IntegerField(required=False, help_text="For the site only.")
    channel = serializers.CharField(required=False, help_text="For the site only.")
    credential = serializers.CharField(
        required=False, allow_null=True, help_text="For the site only."
    )
    cost = Money(required=False, allow_null=True, help_text="For the site only.")
    # Of a change.
    status = serializers.ChoiceField(choices=TaskStatus.values, required=False)
    progress = serializers.IntegerField(required=False, help_text="Percent.")
    # Of a callback, or a try of one.
    callback_id = serializers.IntegerField(required=False)
    url = serializers.CharField(required=False)
    state = serializers.ChoiceField(choices=Callback.State.values, required=False)
    is_final = serializers.BooleanField(required=False)
    status_code = serializers.IntegerField(
        required=False, allow_null=True, help_text="null: no answer came."
    )


class Look(View):
    tag = "tasks"
    thing, deed = "task", "look at task"
    whole_site = ("POST",)

    @operation(
        Right.LOOK, "Ask the upstream for a task now instead of when it is due", answer=TaskRow
    )
    def post(self, call: Call, task_id: int) -> dict[str, Any]:
        task = _task(call, task_id)
        if not looks.look_now(task):
            raise Conflict("nobody looks at it: it has ended for good, or is to be confirmed first")
        return tasks.show(task, call)


class Settling(View):
    tag = "tasks"
    thing, deed = "task", "settle task"
    shown_by = OneTask
    whole_site = ("POST",)

    @operation(
        Right.SETTLE,
        "Decide what became of a task of which nobody knows it",
        body=TaskSettlement,
        answer=TaskRow,
    )
    def post(self, call: Call, task_id: int) -> dict[str, Any]:
        task = _task(call, task_id)
        news = _news(call.body)
        settlements.settle(task.pk, news, actor=call.actor, memo=call.body["memo"])
        return tasks.show(_task(call, task_id), call)


class Timeline(View):
    tag = "tasks"
    whole_site = ("GET",)

    @operation(
        Right.SEE, "Show all that happened to a task, in order", answer=list_of(TimelineEvent)
    )
    def get(self, call: Call, task_id: int) -> dict[str, Any]:
        task = _task(call, task_id)
        events = timeline.of(task, list(tasks.entries_of(task)))
        return {"data": [_line(event, call) for event in events]}


def _task(call: Call, task_id: int) -> Task:
    task: Task = found(tasks.of(call), task_id, "task")
    return task


def _news(body: dict[str, Any]) -> dict[str, Any]:
    """Raises InvalidRequest for what does not belong together."""
    urls = {"image_url": body["image_url"], "video_url": body["video_url"]}
    if body["outcome"] == settlements.FAILED:
        if any(urls.values()):
            raise InvalidRequest("outcome: what has failed has no image_url and no video_url")
        return settlements.failed(body["reason"])
    if body["reason"]:
        raise InvalidRequest("reason: it belongs to the outcome failed")
    if not any(urls.values()):
        raise InvalidRequest("image_url: say where the picture is, or the video in video_url")
    return settlements.drawn(**urls)


def _line(event: Event, call: Call) -> dict[str, Any]:
    told: dict[str, Any] = _TELLS[event.kind](event.row, call)
    return {"at": event.at, "kind": event.kind.value} | told


def _request(task: Task, call: Call) -> dict[str, Any]:
    return {"action": task.action, "mode": task.mode, "price": task.price}


def _entry(row: Entry, call: Call) -> dict[str, Any]:
    names = ("reference", "amount", "held", "balance_after", "held_after", "memo")
    told = {name: getattr(row, name) for name in names}
    told |= {"entry_id": row.pk, "entry": row.kind}
    return told | ({"actor": row.actor, "cost": row.cost} if call.is_site else {})


def _attempt(row: Attempt, call: Call) -> dict[str, Any]:
    told = {"number": row.number, "outcome": row.outcome, "milliseconds": row.milliseconds}
    if not call.is_site:
        return told
    return told | {
        "channel_id": row.channel_id,
        "channel": row.channel.name,
        "credential": None if row.credential is None else row.credential.name,
        "cost": row.cost,
        "answer": row.answer,
    }


def _change(row: Change, call: Call) -> dict[str, Any]:
    return row._asdict()


def _callback(row: Callback, call: Call) -> dict[str, Any]:
    return {
        "callback_id": row.pk,
        "url": row.url,
        "state": row.state,
        "is_final": row.is_final,
    }


def _callback_attempt(row: CallbackAttempt, call: Call) -> dict[str, Any]:
    return {
        "callback_id": row.callback_id,
        "number": row.number,
        "status_code": row.status_code,
        "milliseconds": row.milliseconds,
        "answer": row.answer,
    }


_TELLS: dict[Kind, Any] = {
    Kind.REQUEST: _request,
    Kind.ENTRY: _entry,
    Kind.ATTEMPT: _attempt,
    Kind.CHANGE: _change,
    Kind.CALLBACK: _callback,
    Kind.CALLBACK_ATTEMPT: _callback_attempt,
}
