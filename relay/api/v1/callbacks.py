"""What was sent to a tenant's hooks, how it went, and once more."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers

from billing import tenants
from relay.api.v1.fields import (
    ID_MAX,
    Strict,
    Text,
    WebAddress,
    Whole,
    choices,
    number_of,
    taken,
)
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import Conflict, InvalidRequest
from relay.messages import callbacks, delivery, hooks
from relay.models import Callback

ATTEMPTS_MAX = 100
REPLAYS, REPLAYS_MAX = 500, 1000
MARK_MAX_CHARS = 60
# Far longer than a transaction can take, so ids and times are in the same order over it.
SLACK = timedelta(hours=1)


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
    headers = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="What a try at this moment would carry: each is signed anew, with its own time. "
        "Only for who may change hooks.",
    )


class CallbackQuery(PageQuery):
    task = number_of(required=False)
    state = serializers.ChoiceField(choices=Callback.State.values, required=False)
    since = serializers.DateTimeField(required=False, help_text="From then on.")
    until = serializers.DateTimeField(required=False, help_text="Before then.")


class NewReplay(Strict):
    url = WebAddress(
        required=False,
        help_text="Where to, if not to the old address; needs the right to change hooks.",
    )


class NewReplays(NewReplay):
    since = serializers.DateTimeField(help_text="Of the messages, from then on.")
    until = serializers.DateTimeField(required=False, help_text="Before then; by default now.")
    states = choices(
        callbacks.REPLAYABLE,
        required=False,
        help_text="Which of them; by default what was held back or given up.",
    )
    limit = Whole(
        min_value=1,
        max_value=REPLAYS_MAX,
        required=False,
        default=REPLAYS,
        help_text="How many at once at most.",
    )
    after = Text(
        max_length=MARK_MAX_CHARS, required=False, help_text="`next` of the answer before."
    )


class Replays(Strict):
    replayed = serializers.IntegerField(help_text="How many are sent again.")
    next = serializers.CharField(
        allow_null=True, help_text="Send it as `after` for the following ones; null: that was all."
    )


class Callbacks(View):
    tag = "callbacks"

    @operation(Right.SEE, "List the callbacks", query=CallbackQuery, answer=page_of(CallbackLine))
    def get(self, call: Call) -> Page:
        return shown(page(_filtered(_of(call), call), call.query), show)


class OneCallback(View):
    tag = "callbacks"

    @operation(Right.SEE, "Show a callback with its tries", answer=WholeCallback)
    def get(self, call: Call, callback_id: int) -> dict[str, Any]:
        row: Callback = found(_of(call), callback_id, "callback")
        tries = row.attempts.order_by("-pk")[:ATTEMPTS_MAX]
        told = show(row) | {"body": row.body, "attempts": list(reversed(tries))}
        return told | ({"headers": _headers(call, row)} if call.may(Right.HOOKS) else {})


class Replay(View):
    tag = "callbacks"
    thing, deed = "callback", "replay callback"

    @operation(
        Right.CALLBACKS,
        "Send a callback about an end again; it is the same message",
        body=NewReplay,
        answer=CallbackLine,
        status=202,
    )
    def post(self, call: Call, callback_id: int) -> dict[str, Any]:
        row: Callback = found(_of(call), callback_id, "callback")
        url = _other_address(call)
        if hooks.is_off(call.tenant.pk, url or row.url):
            raise Conflict("its hook is switched off")
        if not callbacks.replay(row, url=url):
            raise Conflict("it is on its way, or tells of what is past")
        row.refresh_from_db()
        return show(row)


class ManyReplays(View):
    tag = "callbacks"
    thing, deed = "callback", "replay callbacks"

    @operation(
        Right.CALLBACKS,
        "Send the callbacks about the ends of a time again, the oldest first",
        body=NewReplays,
        answer=Replays,
        status=202,
    )
    def post(self, call: Call) -> dict[str, Any]:
        asked = call.body
        url = _other_address(call)
        if url and hooks.is_off(call.tenant.pk, url):
            raise Conflict("this hook is switched off")
        replayed = callbacks.replay_some(
            tenant=call.tenant,
            since=asked["since"],
            until=asked.get("until") or timezone.now(),
            states=asked.get("states") or callbacks.LOST,
            after=_mark(asked["after"]) if "after" in asked else None,
            limit=asked["limit"],
            url=url,
        )
        mark = replayed.mark
        return {"replayed": replayed.number, "next": mark and _text(mark)}


def _headers(call: Call, row: Callback) -> dict[str, str]:
    secrets = tenants.webhook_secrets(call.tenant)
    return delivery.headers(row, timestamp=int(time.time()), secrets=secrets)


def _filtered(rows: QuerySet[Callback], call: Call) -> QuerySet[Callback]:
    """Each filter in the words of an index, however many messages there are."""
    asked = call.query
    if "task" in asked:
        rows = rows.filter(task_id=asked["task"])
    if "state" in asked:
        rows = rows.filter(state=asked["state"])
    if asked.get("state") == Callback.State.PENDING:
        rows = rows.filter(due_at__isnull=False)
    if "since" in asked:
        rows = _since(rows.filter(created_at__gte=asked["since"]), call)
    if "until" in asked:
        rows = _before(rows.filter(created_at__lt=asked["until"]), call)
    return rows


def _since(rows: QuerySet[Callback], call: Call) -> QuerySet[Callback]:
    """Ends to look where the time begins."""
    try:
        earlier = _finals(call).filter(created_at__lt=call.query["since"] - SLACK)
    except OverflowError:
        return rows
    last = earlier.order_by("-created_at", "-id").values_list("pk", flat=True).first()
    return rows if last is None else rows.filter(pk__gt=last)


def _before(rows: QuerySet[Callback], call: Call) -> QuerySet[Callback]:
    """Begins to look where the time ends, and not at the newest."""
    try:
        later = _finals(call).filter(created_at__gte=call.query["until"] + SLACK)
    except OverflowError:
        return rows
    first = later.order_by("created_at", "id").values_list("pk", flat=True).first()
    return rows if first is None else rows.filter(pk__lt=first)


def _finals(call: Call) -> QuerySet[Callback]:
    """Those that have an index of their times."""
    return _of(call).filter(is_final=True)


def _other_address(call: Call) -> str:
    """Where a replay goes instead; it may not go where the asker could not have sent it before."""
    url: str = call.body.get("url", "")
    if url:
        call.demand(Right.HOOKS)
    return url


def _text(mark: callbacks.Mark) -> str:
    return f"{mark.created_at.isoformat()}_{mark.id}"


def _mark(text: str) -> callbacks.Mark:
    moment, _, number = text.partition("_")
    try:
        created_at = datetime.fromisoformat(moment)
        mark = callbacks.Mark(created_at, int(number))
    except ValueError as error:
        raise InvalidRequest("after: this is not the `next` of an answer") from error
    if created_at.tzinfo is None or not 0 < mark.id <= ID_MAX:
        raise InvalidRequest("after: this is not the `next` of an answer")
    return mark


def show(row: Callback) -> dict[str, Any]:
    return taken(CallbackLine, row, without=("task_id",)) | {"task_id": str(row.task_id)}


def _of(call: Call) -> QuerySet[Callback]:
    return Callback.objects.filter(tenant=call.tenant)
