"""What the site earns: revenue, cost and margin."""

from typing import Any

from django.http import StreamingHttpResponse
from rest_framework import serializers

from billing import reports
from billing.reports import Line, Report
from channels.models import Channel
from common import sheets
from relay.api.v1.fields import Money, Strict, Text, number_of, taken
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.roles import Right
from relay.api.v1.usage import PeriodQuery, chosen
from relay.errors import InvalidRequest
from relay.operators import reports as files

BY_MAX_CHARS = 60
# A file may have more.
SHOWN_MAX = 5000
MEDIA_TYPES = ("application/json", "text/csv")


class ReportQuery(PeriodQuery):
    by = Text(
        max_length=BY_MAX_CHARS,
        default="day",
        allow_blank=True,
        help_text=f"Some of {', '.join(reports.DIMENSIONS)}, with commas between.",
    )
    tenant = number_of(required=False, help_text="Of this tenant only.")
    channel = number_of(required=False, help_text="Of this channel only.")
    format = serializers.ChoiceField(choices=("json", "csv"), default="json")


class ReportFigures(Strict):
    captures = serializers.IntegerField(help_text="How many drawings were paid.")
    revenue = Money()
    refunds = serializers.IntegerField()
    refunded = Money()
    net = Money(help_text="Revenue less refunds.")
    releases = serializers.IntegerField(help_text="How many holds came to nothing.")
    cost = Money(help_text="What channels take, as far as known.")
    cost_unknown = serializers.IntegerField(help_text="Drawings of which no cost is known.")
    margin = Money(allow_null=True, help_text="null while the cost of a drawing is not known.")
    margin_at_most = Money(help_text="As if drawings of unknown cost had cost nothing.")


class ReportLine(ReportFigures):
    """Only what was asked for in `by` tells the lines apart; the rest is null."""

    day = serializers.DateField(allow_null=True)
    channel_id = serializers.IntegerField(allow_null=True)
    channel = serializers.CharField(allow_null=True)
    tenant_id = serializers.IntegerField(allow_null=True)
    tenant = serializers.CharField(allow_null=True)
    key_id = serializers.IntegerField(allow_null=True)
    key = serializers.CharField(allow_null=True, help_text="The key's name.")
    action = serializers.CharField(allow_null=True, help_text="The price name.")
    mode = serializers.CharField(allow_null=True)


class ReportOf(Strict):
    first = serializers.DateField()
    last = serializers.DateField()
    total = ReportFigures()
    lines = ReportLine(many=True)


class Reports(View):
    tag = "site"
    site_only = True

    @operation(
        Right.SEE_REPORTS,
        "Add up revenue, cost and margin",
        query=ReportQuery,
        answer=ReportOf,
        media_types=MEDIA_TYPES,
    )
    def get(self, call: Call) -> Any:
        period = chosen(call.query)
        only = {"tenant_id": call.query.get("tenant"), "channel_id": call.query.get("channel")}
        by = tuple(word for word in call.query["by"].split(",") if word)
        try:
            if call.query["format"] == "csv":
                answer = StreamingHttpResponse(
                    files.csv(by=by, period=period, **only), content_type=sheets.CONTENT_TYPE
                )
                answer["Content-Disposition"] = 'attachment; filename="report.csv"'
                return answer
            return _show(reports.report(by=by, period=period, lines_max=SHOWN_MAX, **only))
        except ValueError as error:
            raise InvalidRequest(f"by: {error}") from error


def _show(report: Report) -> dict[str, Any]:
    names = dict(Channel.objects.values_list("pk", "name")) if "channel" in report.by else {}
    return {
        "first": report.period.first,
        "last": report.period.last,
        "total": report.total,
        "lines": [_line(line, report, names) for line in report.lines],
    }


def _line(line: Line, report: Report, channels: dict[int, str]) -> dict[str, Any]:
    told = dict(zip(report.by, line.values, strict=True))
    return taken(ReportFigures, line.figures) | {
        "day": told.get("day"),
        "channel_id": told.get("channel"),
        "channel": channels.get(told.get("channel", 0)),
        "tenant_id": told.get("tenant"),
        "tenant": report.tenants.get(told.get("tenant", 0)),
        "key_id": told.get("key"),
        "key": report.keys.get(told.get("key", 0)),
        "action": told.get("action"),
        "mode": told.get("mode"),
    }
