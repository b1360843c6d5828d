"""What was drawn and paid, by day, key, price name and mode: up to this moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework import serializers

from billing import money, periods, usage
from billing.models import Token, Wallet
from billing.periods import Period
from common import sheets, sql
from relay.api.v1.fields import Flag, Money, Query, Strict, Text
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import list_of
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

DAYS = 30
ROWS_MAX = 5000
WAYS = {"day": "day", "key": "token_id", "price_name": "price_name", "mode": "mode"}
BY_MAX_CHARS = 40
MEDIA_TYPES = ("application/json", "text/csv")
FILE_COLUMNS = {"key": ("key_id", "key")}
SUMS = ("drawn", "paid", "refunded", "net")

_SUMS = """
WITH chosen AS (SELECT %(wallet)s::bigint AS wallet_id), {usage}
SELECT {columns},
       coalesce(sum(number) FILTER (WHERE kind = 'capture'), 0)::int AS drawn,
       coalesce(-sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint AS paid,
       coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::bigint AS refunded
FROM usage
WHERE kind IN ('capture', 'refund') AND day BETWEEN %(first)s AND %(last)s
GROUP BY {columns} ORDER BY {columns} LIMIT %(limit)s
"""


class PeriodQuery(Query):
    first = serializers.DateField(required=False, help_text="UTC; both or none: the last 30 days.")
    last = serializers.DateField(required=False)


class UsageQuery(PeriodQuery):
    by = Text(
        max_length=BY_MAX_CHARS,
        default="day",
        help_text=f"Some of {', '.join(WAYS)}, with commas between.",
    )
    test = Flag(default=False, help_text="Of test keys instead of the others.")
    format = serializers.ChoiceField(choices=("json", "csv"), default="json")


class UsageLine(Strict):
    """Only what was asked for in `by` tells the lines apart; the rest is null."""

    day = serializers.DateField(allow_null=True)
    key_id = serializers.IntegerField(allow_null=True)
    key = serializers.CharField(allow_null=True, help_text="The key's name.")
    price_name = serializers.CharField(allow_null=True)
    mode = serializers.CharField(allow_null=True)
    drawn = serializers.IntegerField(help_text="How many were paid.")
    paid = Money()
    refunded = Money()
    net = Money(help_text="Paid less refunded.")


class Usage(View):
    tag = "money"

    @operation(
        Right.SEE,
        "Add up what was drawn",
        query=UsageQuery,
        answer=list_of(UsageLine),
        media_types=MEDIA_TYPES,
    )
    def get(self, call: Call) -> Any:
        asked = call.query
        ways = _ways(asked["by"])
        lines = self._lines(call, ways)
        if asked["format"] == "csv":
            return _file(lines, ways)
        return {"data": lines}

    def _lines(self, call: Call, ways: list[str]) -> list[dict[str, Any]]:
        asked = call.query
        wallet = Wallet.objects.filter(tenant=call.tenant, is_test=asked["test"]).first()
        if wallet is None:
            return []
        columns = ", ".join(WAYS[way] for way in ways)
        params = {"wallet": wallet.pk, "limit": ROWS_MAX + 1, **chosen(asked)._asdict()}
        rows = sql.read_all(_SUMS.format(usage=usage.USAGE, columns=columns), params)
        if len(rows) > ROWS_MAX:
            raise InvalidRequest(f"by: more than {ROWS_MAX} lines; take fewer days or groups")
        keys = {row.token_id for row in rows} if "key" in ways else set()
        names = dict(Token.objects.filter(pk__in=keys).values_list("pk", "name"))
        return [_line(row, ways, names) for row in rows]


def chosen(asked: dict[str, Any]) -> Period:
    """The days that were asked for. Raises InvalidRequest."""
    first, last = asked.get("first"), asked.get("last")
    if first is None and last is None:
        today = datetime.now(UTC).date()
        return periods.period(today - timedelta(days=DAYS - 1), today)
    if first is None or last is None:
        raise InvalidRequest("first and last: send both or none")
    try:
        return periods.period(first, last)
    except ValueError as error:
        raise InvalidRequest(f"first and last: {error}") from error


def _ways(text: str) -> list[str]:
    words = text.split(",")
    if unknown := [word for word in words if word not in WAYS]:
        raise InvalidRequest(f"by: {unknown[0]!r} is none of {', '.join(WAYS)}")
    return [way for way in WAYS if way in words]


def _line(row: Any, ways: list[str], names: dict[int, str]) -> dict[str, Any]:
    told = {
        "key_id" if way == "key" else way: getattr(row, column) if way in ways else None
        for way, column in WAYS.items()
    }
    told["key"] = names.get(row.token_id) if "key" in ways else None
    sums = {"drawn": row.drawn, "paid": row.paid, "refunded": row.refunded}
    return told | sums | {"net": row.paid - row.refunded}


def _file(lines: list[dict[str, Any]], ways: list[str]) -> StreamingHttpResponse:
    """Names are others' texts, sums are ours."""
    columns = [name for way in ways for name in FILE_COLUMNS.get(way, (way,))]
    rows = [
        (
            *(sheets.text("" if line[name] is None else str(line[name])) for name in columns),
            line["drawn"],
            *(money.text(line[name]) for name in SUMS[1:]),
        )
        for line in lines
    ]
    pieces = sheets.stream([(*columns, *SUMS), *rows])
    answer = StreamingHttpResponse(pieces, content_type=sheets.CONTENT_TYPE)
    answer["Content-Disposition"] = 'attachment; filename="usage.csv"'
    return answer
