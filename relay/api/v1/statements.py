"""A tenant's account for a period, for programs and as files."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from rest_framework import serializers

from billing import statements
from billing.periods import Period
from relay.api.v1.fields import Money, Strict
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.roles import Right
from relay.api.v1.usage import PeriodQuery, chosen

FORMATS = ("json", "csv", "entries", "pdf")
MEDIA_TYPES = ("application/json", "text/csv", "application/pdf")


class StatementQuery(PeriodQuery):
    format = serializers.ChoiceField(
        choices=FORMATS,
        default="json",
        help_text="csv: the sums; entries: the single lines, as CSV; pdf: the sums for people.",
    )
    language = serializers.ChoiceField(
        choices=[code for code, _ in settings.LANGUAGES],
        required=False,
        help_text="Of the pdf. Without it: the site's.",
    )


class SumsOf(Strict):
    number = serializers.IntegerField()
    amount = Money(help_text="Change of the balance.")
    held = Money(help_text="Change of the held money.")


class Kinds(Strict):
    hold = SumsOf()
    capture = SumsOf()
    release = SumsOf()
    refund = SumsOf()
    topup = SumsOf()
    adjust = SumsOf()


class DrawnBy(Strict):
    name = serializers.CharField()
    mode = serializers.CharField()
    captured = SumsOf()
    refunded = SumsOf()
    released = SumsOf()
    net = Money(help_text="What it changed the balance by.")


class StatementOf(Strict):
    tenant = serializers.CharField()
    first = serializers.DateField(source="period.first")
    last = serializers.DateField(source="period.last")
    made_at = serializers.DateTimeField()
    is_final = serializers.BooleanField(help_text="The period was over when it was made.")
    opening_balance = Money()
    opening_held = Money()
    closing_balance = Money()
    closing_held = Money()
    total = SumsOf()
    kinds = Kinds()
    by_key = DrawnBy(many=True)
    by_action = DrawnBy(many=True)


class Statement(View):
    tag = "money"

    @operation(
        Right.SEE,
        "Show the account for a period",
        query=StatementQuery,
        answer=StatementOf,
        media_types=MEDIA_TYPES,
    )
    def get(self, call: Call) -> Any:
        period = chosen(call.query)
        if call.query["format"] == "json":
            return statements.statement(tenant_id=call.tenant.pk, period=period)
        return _file(call.query, call.tenant.pk, period)


def _file(query: Mapping[str, Any], tenant_id: int, period: Period) -> StreamingHttpResponse:
    # What makes PDF is loaded by the first who asks for it, not by every process.
    from billing import statement_files

    file = statement_files.make(
        format=query["format"],
        tenant_id=tenant_id,
        period=period,
        language=query.get("language", ""),
    )
    answer = StreamingHttpResponse(file.pieces, content_type=file.content_type)
    answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return answer
