"""What was drawn and paid, by day, key, price name and mode: up to this moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework import serializers

from billing import periods, usage
from billing.models import Wallet
from billing.periods import Period
from common import sql
from relay.api.v1.fields import Flag, Money, Query, Strict, Text
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import list_of
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

DAYS = 30
ROWS_MAX = 5000
WAYS = {"day": "day", "key": "token_id", "price_name": "price_name", "mode": "mode"}
BY_MAX_CHARS = 40

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


class UsageLine(Strict):
    """Only what was asked for in `by` tells the lines apart; the rest is null."""

    day = serializers.DateField(allow_null=True)
    key_id = serializers.IntegerField(allow_null=True)
    price_name = serializers.CharField(allow_null=True)
    mode = serializers.CharField(allow_null=True)
    drawn = serializers.IntegerField(help_text="How many were paid.")
    paid = Money()
    refunded = Money()
    net = Money(help_text="Paid less refunded.")


class Usage(View):
    tag = "money"

    @operation(Right.SEE, "Add up what was drawn", query=UsageQuery, answer=list_of(UsageLine))
    def get(self, call: Call) -> dict[str, Any]:
        asked = call.query
        ways = _ways(asked["by"])
        wallet = Wallet.objects.filter(tenant=call.tenant, is_test=asked["test"]).first()
        if wallet is None:
            return {"data": []}
        columns = ", ".join(WAYS[way] for way in ways)
        params = {"wallet": wallet.pk, "limit": ROWS_MAX + 1, **chosen(asked)._asdict()}
        rows = sql.fetch_all(_SUMS.format(usage=usage.USAGE, columns=columns), params)
        if len(rows) > ROWS_MAX:
            raise InvalidRequest(f"by: more than {ROWS_MAX} lines; take fewer days or groups")
        return {"data": [_line(row, ways) for row in rows]}


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


def _line(row: Any, ways: list[str]) -> dict[str, Any]:
    told = {
        "key_id" if way == "key" else way: getattr(row, column) if way in ways else None
        for way, column in WAYS.items()
    }
    sums = {"drawn": row.drawn, "paid": row.paid, "refunded": row.refunded}
    return told | sums | {"net": row.paid - row.refunded}
