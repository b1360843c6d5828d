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
from relay.api.v1.paging import Page, PageQuery, page, page_of, page_of_few, shown
from relay.api.v1.roles import Right
from relay.lifecycle import LATE_SUFFIX
from relay.models import Attempt, Callback, Task, TaskStatus
from relay.operators import settlements
from relay.pictures import images

ID_DIGITS = 16
# Ids are milliseconds and a counter (relay/migrations/0001_initial.py).
IDS_IN_A_SECOND = 1_000_000
HISTORY_MAX = 200
CHILDREN_MAX = 50
SITES_QUESTIONS = ("tenant", "channel", "written_off", "unknown_outcome")
# Questions that no index answers: of these a page looks through so many tasks and no more.
COLUMNS = {
    "status": "status",
    "action": "action",
    "mode": "mode",
    "key": "token_id",
    "is_test": "is_test",
    "channel": "channel_id",
}
# What lists do not show, and what may be large.
UNSHOWN = ("history", "upstream_row", "mode_prices", "buttons", "description")


class TaskRow(Strict):
    id = serializers.CharField()
    tenant_id = serializers.IntegerField()
    key_id = serializers.IntegerField()
    key_name = serializers.CharField(help_text="Its name.")
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
    finished_at = serializers.DateTimeField(allow_null=True)
    picture = serializers.CharField(
        allow_null=True,
        help_text="Its address on this site, which needs no key; of a task under way a preview, "
        "which changes. null: there is none.",
    )
    videos = serializers.ListField(
        child=serializers.CharField(), help_text="Addresses of the same kind."
    )
    tenant = serializers.CharField(required=False, help_text="Its name. For the site only.")
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
    pictures = serializers.ListField(
        child=serializers.CharField(), help_text="Of several: the address of each."
    )
    paid = Money(help_text="Nothing while it is under way.")
    refunded = Money(help_text="Of that.")
    is_watched = serializers.BooleanField(
        required=False, help_text="Somebody asks the upstream for it. For the site only."
    )
    is_outcome_unknown = serializers.BooleanField(
        required=False,
        help_text="Nobody knows whether an upstream has it: to be settled. For the site only.",
    )
    parent = TaskRow(allow_null=True, help_text="What it was made of.")
    children = TaskRow(many=True, help_text=f"What was made of it, at most {CHILDREN_MAX}.")
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
    tenant = number_of(required=False, help_text="For the site only.")
    channel = number_of(required=False, help_text="For the site only.")
    written_off = Flag(
        required=False,
        help_text="Drawn when it could not be paid for any more. For the site only.",
    )
    unknown_outcome = Flag(
        required=False,
        help_text="Under way, and nobody knows whether an upstream has it. For the site only.",
    )


class Tasks(View):
    tag = "tasks"
    whole_site = ("GET",)

    @operation(
        Right.SEE,
        "List the tasks; a page may have fewer than asked for, or none, before the last one",
        query=TaskQuery,
        answer=page_of(TaskRow),
    )
    def get(self, call: Call) -> Page:
        asked = call.query
        if any(name in asked for name in SITES_QUESTIONS):
            call.demand(Right.SEE_SITE)
        # Each name is asked for once: joined, the tasks would be sorted anew for each page.
        rows = _within(_of(call).prefetch_related("channel", "token", "tenant"), asked)
        columns = {COLUMNS[name]: asked[name] for name in COLUMNS if name in asked}
        rows = rows.defer(*UNSHOWN)
        found = page_of_few(rows, columns, asked) if columns else page(rows, asked)
        return shown(found, lambda task: show(task, call))


class OneTask(View):
    tag = "tasks"
    whole_site = ("GET",)

    @operation(Right.SEE, "Show a task and all that happened to it", answer=WholeTask)
    def get(self, call: Call, task_id: int) -> dict[str, Any]:
        task: Task = found(of(call).select_related("token"), task_id, "task")
        lines = list(entries_of(task))
        return show(task, call) | {
            "pictures": _pictures(task),
            "paid": -sum(row.amount for row in lines if row.kind == Entry.Kind.CAPTURE),
            "refunded": sum(row.amount for row in lines if row.kind == Entry.Kind.REFUND),
            "parent": _parent(task, call),
            "children": [show(row, call) for row in _children(task, call)],
            **_standing(task, call),
            "task": task_object.as_dict(task, task.token.image_setting),
            "attempts": [_attempt(row, call) for row in _attempts(task)],
            "entries": [entries.show(row, call) for row in lines],
            "callbacks": [callbacks.show(row) for row in _callbacks(task)],
        }


def of(call: Call) -> QuerySet[Task]:
    """The tenant's tasks; for the site without a tenant everybody's."""
    return _of(call).select_related("channel", "token", "tenant")


def _of(call: Call) -> QuerySet[Task]:
    rows = Task.objects.all()
    return rows if call.scope is None else rows.filter(tenant=call.scope)


def show(task: Task, call: Call) -> dict[str, Any]:
    row = {
        "id": str(task.pk),
        "tenant_id": task.tenant_id,
        "key_id": task.token_id,
        "key_name": task.token.name,
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
        "finished_at": _moment(task.finish_time) if task.finish_time else None,
        "picture": images.link(task) if task.image_url else None,
        "videos": images.video_links(task),
    }
    if call.is_site:
        row |= {
            "tenant": task.tenant.name,
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


def _pictures(task: Task) -> list[str]:
    several = task.image_urls or []
    return [images.nth_link(task, number) for number in range(len(several))]


def _parent(task: Task, call: Call) -> dict[str, Any] | None:
    row = of(call).filter(pk=task.parent_id).first() if task.parent_id else None
    return None if row is None else show(row, call)


def _children(task: Task, call: Call) -> QuerySet[Task]:
    return of(call).filter(parent=task).defer(*UNSHOWN).order_by("pk")[:CHILDREN_MAX]


def _standing(task: Task, call: Call) -> dict[str, Any]:
    if not call.is_site:
        return {}
    return {
        "is_watched": task.next_poll_at is not None or task.late_look_at is not None,
        "is_outcome_unknown": settlements.is_open_question(task),
    }


def _within(rows: QuerySet[Task], asked: dict[str, Any]) -> QuerySet[Task]:
    """Those that an index finds."""
    if "tenant" in asked:
        rows = rows.filter(tenant_id=asked["tenant"])
    if "written_off" in asked:
        rows = rows.filter(is_written_off=asked["written_off"])
    if "unknown_outcome" in asked:
        ids = list(settlements.open_questions())
        is_among = asked["unknown_outcome"]
        rows = rows.filter(pk__in=ids) if is_among else rows.exclude(pk__in=ids)
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
