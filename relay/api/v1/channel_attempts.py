"""What a channel was given lately and what it said to each, from the newest on."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet
from rest_framework import serializers

from relay.api.v1 import channels
from relay.api.v1.fields import ID_MAX, Flag, Money, Strict
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import Page, PageQuery, fitting, page_of
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest
from relay.models import Attempt

# So many are looked through for one page at most, however few of them are asked for.
LOOK_MAX = 10_000
_CURSOR = re.compile(r"([0-9a-f]{1,14})-([0-9a-f]{1,16})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS_MAX = timedelta(days=365 * 1000)


class ChannelAttemptQuery(PageQuery):
    outcome = serializers.ChoiceField(choices=Attempt.Outcome.values, required=False)
    is_fault = Flag(required=False, help_text="The channel's own fault.")


class ChannelAttempt(Strict):
    """One try to hand a task to this channel."""

    task_id = serializers.CharField()
    tenant_id = serializers.IntegerField()
    action = serializers.CharField()
    mode = serializers.CharField()
    number = serializers.IntegerField(help_text="Counts the attempts of the task, from 1.")
    credential = serializers.CharField(allow_null=True)
    outcome = serializers.ChoiceField(choices=Attempt.Outcome.values)
    is_fault = serializers.BooleanField(help_text="The channel's own fault.")
    milliseconds = serializers.IntegerField(allow_null=True)
    cost = Money(
        required=False,
        allow_null=True,
        help_text="What the channel takes if it draws. For who may see reports.",
    )
    answer = serializers.CharField(help_text="The upstream's own words, cut.")
    created_at = serializers.DateTimeField()


class _Place(NamedTuple):
    """Where an attempt stands among those of its channel."""

    created_at: datetime
    pk: int

    @property
    def cursor(self) -> str:
        microseconds = (self.created_at - _EPOCH) // timedelta(microseconds=1)
        return f"{microseconds:x}-{self.pk:x}"


class Attempts(View):
    tag = "channels"
    site_only = True

    @operation(
        Right.SEE_SITE,
        "List what a channel was given lately, and what it said",
        query=ChannelAttemptQuery,
        answer=page_of(ChannelAttempt),
    )
    def get(self, call: Call, channel_id: int) -> Page:
        """By the index `attempt_by_channel`. A page may be short while there are more."""
        rows = Attempt.objects.filter(channel=channels.one(channel_id))
        if "after" in call.query:
            rows = _before(rows, _place(call.query["after"]))
        found, after = _chosen(rows, call.query)
        return Page(data=_shown(found, call), next=after.cursor if after else None)


def _before(rows: QuerySet[Attempt], place: _Place) -> QuerySet[Attempt]:
    rows = rows.filter(created_at__lte=place.created_at)
    return rows.exclude(created_at=place.created_at, pk__gte=place.pk)


def _chosen(rows: QuerySet[Attempt], query: dict[str, Any]) -> tuple[list[int], _Place | None]:
    """The ids of one page, and where the next one begins behind; None: there is none."""
    limit = query["limit"]
    asked: dict[str, Any] = {name: query[name] for name in ("outcome", "is_fault") if name in query}
    newest = rows.order_by("-created_at", "-pk")
    places = newest.values_list("created_at", "pk")
    if asked:
        found = fitting(newest, asked, limit + 1, look=LOOK_MAX, order=("created_at", "id"))
    else:
        found = list(places[: limit + 1])
    ends = found[limit - 1 : limit] if len(found) > limit else []
    if asked and not ends:
        ends = list(places[LOOK_MAX - 1 : LOOK_MAX])
    return [pk for _, pk in found[:limit]], _Place(*ends[0]) if ends else None


def _shown(ids: list[int], call: Call) -> list[dict[str, Any]]:
    # Not joined: of the tasks themselves one sees in which parts of their table they are.
    found = Attempt.objects.select_related("credential").prefetch_related("task")
    rows = found.in_bulk(ids)
    sees_money = call.may(Right.SEE_REPORTS)
    return [_line(rows[pk], sees_money=sees_money) for pk in ids if pk in rows]


def _line(attempt: Attempt, *, sees_money: bool) -> dict[str, Any]:
    names = ("number", "outcome", "is_fault", "milliseconds", "answer", "created_at")
    told = {name: getattr(attempt, name) for name in names}
    task, credential = attempt.task, attempt.credential
    told |= {"task_id": str(task.pk), "tenant_id": task.tenant_id}
    told |= {"action": task.action, "mode": task.mode}
    told |= {"credential": credential and credential.name}
    return told | ({"cost": attempt.cost} if sees_money else {})


def _place(cursor: str) -> _Place:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidRequest("after: this is not the `next` of a page")
    since, pk = timedelta(microseconds=int(match[1], 16)), int(match[2], 16)
    if since > _YEARS_MAX or pk > ID_MAX:
        raise InvalidRequest("after: this is not the `next` of a page")
    return _Place(_EPOCH + since, pk)
