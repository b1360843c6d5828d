"""What happened to a channel, and how it answers to free questions."""

from typing import Any

from rest_framework import serializers

from channels import probe_series
from channels.models import ChannelEvent, Probe
from relay.api.v1 import channels
from relay.api.v1.fields import Query, Strict, Whole
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import Page, PageQuery, list_of, page, page_of
from relay.api.v1.roles import Right


class EventQuery(PageQuery):
    kind = serializers.ChoiceField(choices=ChannelEvent.Kind.values, required=False)


class EventLine(Strict):
    """One thing that happened to a channel."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=ChannelEvent.Kind.values)
    text = serializers.CharField()
    actor = serializers.CharField(help_text="Empty: the relay itself.")
    created_at = serializers.DateTimeField()


class ProbeLine(Strict):
    """One free question to a channel."""

    id = serializers.IntegerField()
    is_ok = serializers.BooleanField()
    milliseconds = serializers.IntegerField()
    headroom = serializers.IntegerField(
        allow_null=True, help_text="Tasks it could take then; null: it does not say."
    )
    error = serializers.CharField()
    created_at = serializers.DateTimeField()


class SeriesQuery(Query):
    hours = Whole(
        min_value=1,
        max_value=probe_series.HOURS_MAX,
        default=24,
        help_text="How far back from now.",
    )


class ProbeSpan(Strict):
    """What the free questions of one stretch of time said."""

    at = serializers.DateTimeField(help_text="When it began.")
    number = serializers.IntegerField()
    failures = serializers.IntegerField()
    median_ms = serializers.IntegerField(allow_null=True)
    slowest_ms = serializers.IntegerField(allow_null=True)
    headroom = serializers.IntegerField(
        allow_null=True, help_text="The least that was told; null: nothing was."
    )


class Events(View):
    tag = "channels"
    site_only = True

    @operation(
        Right.SEE_SITE,
        "List what happened to a channel",
        query=EventQuery,
        answer=page_of(EventLine),
    )
    def get(self, call: Call, channel_id: int) -> Page:
        rows = ChannelEvent.objects.filter(channel=channels.one(channel_id))
        if "kind" in call.query:
            rows = rows.filter(kind=call.query["kind"])
        return page(rows, call.query)


class Probes(View):
    tag = "channels"
    site_only = True

    @operation(
        Right.SEE_SITE,
        "List how a channel answers to free questions",
        query=PageQuery,
        answer=page_of(ProbeLine),
    )
    def get(self, call: Call, channel_id: int) -> Page:
        return page(Probe.objects.filter(channel=channels.one(channel_id)), call.query)


class ProbeSeries(View):
    tag = "channels"
    site_only = True

    @operation(
        Right.SEE_SITE,
        "Show how quickly a channel answers free questions, for a plot",
        query=SeriesQuery,
        answer=list_of(ProbeSpan),
    )
    def get(self, call: Call, channel_id: int) -> dict[str, Any]:
        channel = channels.one(channel_id)
        rows = probe_series.read(channel.pk, hours=call.query["hours"])
        return {"data": [row._asdict() for row in rows]}
