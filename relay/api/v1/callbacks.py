"""What was sent to a tenant's hooks, how it went, and once more."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from relay import callbacks
from relay.api.v1.fields import Strict, number_of, taken
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import Conflict
from relay.models import Callback

ATTEMPTS_MAX = 100


class CallbackLine(Strict):
    id = serializers.IntegerField()
    message_id = serializers.CharField(help_text="The header webhook-id.")
    task_id = serializers.CharField()
    url = serializers.CharField()
    state = serializers.ChoiceField(choices=Callback.State.values)
    is_final = serializers.BooleanField(help_text="Final states are retried, progress is not.")
    tries = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried next.")
    created_at = serializers.DateTimeField()


class CallbackTry(Strict):
    number = serializers.IntegerField()
    status_code = serializers.IntegerField(allow_null=True, help_text="null: no answer came.")
    answer = serializers.CharField(help_text="The receiver's answer or the error, cut.")
    milliseconds = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class WholeCallback(CallbackLine):
    body = serializers.CharField(help_text="As it is sent and signed.")
    attempts = CallbackTry(many=True)


class CallbackQuery(PageQuery):
    task = number_of(required=False)
    state = serializers.ChoiceField(choices=Callback.State.values, required=False)
    since = serializers.DateTimeField(required=False, help_text="From then on.")
    until = serializers.DateTimeField(required=False, help_text="Before then.")


class Callbacks(View):
    tag = "callbacks"

    @operation(Right.SEE, "List the callbacks", query=CallbackQuery, answer=page_of(CallbackLine))
    def get(self, call: Call) -> Page:
        filters = {
            "task": "task_id",
            "state": "state",
            "since": "created_at__gte",
            "until": "created_at__lt",
        }
        asked = {column: call.query[name] for name, column in filters.items() if name in call.query}
        return shown(page(_of(call).filter(**asked), call.query), show)


class OneCallback(View):
    tag = "callbacks"

    @operation(Right.SEE, "Show a callback with its tries", answer=WholeCallback)
    def get(self, call: Call, callback_id: int) -> dict[str, Any]:
        row: Callback = found(_of(call), callback_id, "callback")
        tries = row.attempts.order_by("-pk")[:ATTEMPTS_MAX]
        return show(row) | {
            "body": row.body,
            "attempts": list(reversed(tries)),
        }


class Replay(View):
    tag = "callbacks"

    @operation(Right.CALLBACKS, "Send a callback again", answer=CallbackLine, status=202)
    def post(self, call: Call, callback_id: int) -> dict[str, Any]:
        row: Callback = found(_of(call), callback_id, "callback")
        if not callbacks.replay(row):
            raise Conflict("it is on its way, or tells of a progress that is past")
        row.refresh_from_db()
        return show(row)


def show(row: Callback) -> dict[str, Any]:
    return taken(CallbackLine, row, without=("task_id",)) | {"task_id": str(row.task_id)}


def _of(call: Call) -> QuerySet[Callback]:
    return Callback.objects.filter(tenant=call.tenant)
