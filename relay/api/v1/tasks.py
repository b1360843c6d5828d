"""Tasks, and what happened to each: attempts, entries, callbacks."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, QuerySet
from rest_framework import serializers

from billing.models import Entry
from relay import task_object
from relay.api.v1 import callbacks, entries
from relay.api.v1.fields import ACTIONS, MODES, Flag, Money, Strict, Text, number_of
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.lifecycle import LATE_SUFFIX
from relay.models import Attempt, Callback, Task, TaskStatus

ID_DIGITS = 16
# Ids are milliseconds and a counter (relay/migrations/0001_initial.py).
IDS_IN_A_SECOND = 1_000_000
HISTORY_MAX = 200
SITES_QUESTIONS = ("channel", "written_off")
SITES_OWN = ("channel_id", "channel", "upstream_id")


class TaskRow(Strict):
    id = serializers.CharField()
    tenant_id = serializers.IntegerField()
    key_id = serializers.IntegerField()
    is_test = serializers.BooleanField()
    action = serializers.CharField()
    mode = serializers.CharField()
    status = serializers.ChoiceField(choices=TaskStatus.values)
    progress = serializers.IntegerField(help_text="Percent.")
    parent_id = serializers.CharField(allow_null=True)
    prompt = serializers.CharField()
    state = serializers.CharField(help_text="Your own text.")
    fail_reason = serializers.CharField()
    price = Money(help_text="What was held; what was paid stands in the entries.")
    submitted_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    channel_id = serializers.IntegerField(required=False, help_text="For the site only.")
    channel = serializers.CharField(required=False, help_text="For the site only.")
    upstream_id = serializers.CharField(required=False, help_text="For the site only.")
    is_written_off = serializers.BooleanField(
        required=False,
        help_text="Drawn when it could not be paid for any more. For the site only.",
    )


class AttemptLine(Strict):
    number = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=Attempt.Outcome.values)
    milliseconds = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    channel = serializers.CharField(required=False, help_text="For the site only.")
    cost = Money(required=False, allow_null=True, help_text="For the site only.")
    answer = serializers.CharField(
        required=False, help_text="The upstream's own words. For the site only."
    )


class WholeTask(TaskRow):
    task = serializers.DictField(help_text="As /mj/task/{id}/fetch answers it.")
    attempts = AttemptLine(many=True)
    entries = entries.EntryLine(many=True)
    callbacks = callbacks.CallbackLine(many=True)


class TaskQuery(PageQuery):
    id = Text(
        required=False,
        max_length=ID_DIGITS,
        help_text="The whole id, or how it begins.",
    )
    status = serializers.ChoiceField(choices=TaskStatus.values, required=False)
    action = serializers.ChoiceField(choices=ACTIONS, required=False)
    mode = serializers.ChoiceField(choices=MODES, required=False)
    key = number_of(required=False)
    is_test = Flag(required=False)
    since = serializers.DateTimeField(required=False, help_text="From then on.")
    until = serializers.DateTimeField(required=False, help_text="Before then.")
    channel = number_of(required=False, help_text="For the site only.")
    written_off = Flag(
        required=False,
        help_text="Drawn when it could not be paid for any more. For the site only.",
    )


class Tasks(View):
    tag = "tasks"
    whole_site = ("GET",)

    @operation(Right.SEE, "List the tasks", query=TaskQuery, answer=page_of(TaskRow))
    def get(self, call: Call) -> Page:
        if any(name in call.query for name in SITES_QUESTIONS):
            call.demand(Right.SEE_SITE)
        rows = _filtered(of(call), call.query)
        return shown(page(rows, call.query), lambda task: show(task, call))


class OneTask(View):
    tag = "tasks"
    whole_site = ("GET",)

    @operation(Right.SEE, "Show a task and all that happened to it", answer=WholeTask)
    def get(self, call: Call, task_id: int) -> dict[str, Any]:
        task: Task = found(of(call).select_related("token"), task_id, "task")
        return show(task, call) | {
            "task": task_object.as_dict(task, task.token.image_setting),
            "attempts": [_attempt(row, call) for row in _attempts(task)],
            "entries": [entries.show(row, call) for row in entries_of(task)],
            "callbacks": [callbacks.show(row) for row in _callbacks(task)],
        }


def of(call: Call) -> QuerySet[Task]:
    """The tenant's tasks; for the site without a tenant everybody's."""
    rows = Task.objects.select_related("channel")
    return rows if call.scope is None else rows.filter(tenant=call.scope)


def show(task: Task, call: Call) -> dict[str, Any]:
    row = {
        "id": str(task.pk),
        "tenant_id": task.tenant_id,
        "key_id": task.token_id,
        "is_test": task.is_test,
        "action": task.action,
        "mode": task.mode,
        "status": task.status,
        "progress": task.progress,
        "parent_id": None if task.parent_id is None else str(task.parent_id),
        "prompt": task.prompt,
        "state": task.state,
        "fail_reason": task.fail_reason,
        "price": task.price,
        "submitted_at": _moment(task.submit_time),
        "changed_at": task.changed_at,
    }
    if call.is_site:
        row |= {
            "channel_id": task.channel_id,
            "channel": task.channel.name,
            "upstream_id": task.upstream_id,
            "is_written_off": task.is_written_off,
        }
    return row


def entries_of(task: Task) -> QuerySet[Entry]:
    """Of all its holds: each confirmation of a modal has one, named after its attempt, and a
    drawing that came late."""
    last = task.attempt_set.aggregate(last=Max("number"))["last"] or 0
    suffixes = ["", *(f":{number}" for number in range(1, last + 1)), LATE_SUFFIX]
    references = [f"{task.pk}{suffix}" for suffix in suffixes]
    return Entry.objects.filter(entries.of_references(references)).order_by("pk")[:HISTORY_MAX]


def _attempts(task: Task) -> QuerySet[Attempt]:
    rows = Attempt.objects.filter(task=task).select_related("channel")
    return rows.order_by("number")[:HISTORY_MAX]


def _callbacks(task: Task) -> QuerySet[Callback]:
    return Callback.objects.filter(task=task).order_by("pk")[:HISTORY_MAX]


def _attempt(attempt: Attempt, call: Call) -> dict[str, Any]:
    names = ("number", "outcome", "milliseconds", "created_at")
    row = {name: getattr(attempt, name) for name in names}
    if call.is_site:
        row |= {
            "channel": attempt.channel.name,
            "cost": attempt.cost,
            "answer": attempt.answer,
        }
    return row


def _filtered(rows: QuerySet[Task], asked: dict[str, Any]) -> QuerySet[Task]:
    filters = {
        "status": "status",
        "action": "action",
        "mode": "mode",
        "key": "token_id",
        "is_test": "is_test",
        "channel": "channel_id",
        "written_off": "is_written_off",
    }
    rows = rows.filter(**{column: asked[name] for name, column in filters.items() if name in asked})
    # By ids, which rise with time and have the index.
    if "since" in asked:
        rows = rows.filter(pk__gte=_first_id(asked["since"]))
    if "until" in asked:
        rows = rows.filter(pk__lt=_first_id(asked["until"]))
    return _beginning(rows, asked["id"]) if "id" in asked else rows


def _beginning(rows: QuerySet[Task], digits: str) -> QuerySet[Task]:
    """Ids that begin so, as a range of numbers: text search would read the whole table."""
    if not (digits.isascii() and digits.isdigit()):
        return rows.none()
    scale = 10 ** (ID_DIGITS - len(digits))
    return rows.filter(pk__gte=int(digits) * scale, pk__lt=(int(digits) + 1) * scale)


def _first_id(moment: datetime) -> int:
    return int(moment.timestamp() * IDS_IN_A_SECOND)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
