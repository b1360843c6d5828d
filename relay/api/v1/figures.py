"""Figures for pages: how the site stands, how channels and how tenants do."""

from datetime import date
from typing import Any

from rest_framework import serializers

from billing import figures
from billing.figures import Outcomes
from billing.models import Wallet
from relay.api.v1.entries import Funds, funds
from relay.api.v1.fields import Money, Strict
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import list_of
from relay.api.v1.roles import Right
from relay.watch import channel_loads, overview, speeds
from relay.watch.attention import About
from relay.watch.speeds import Speed

SITES_MONEY = ("cost", "cost_unknown", "margin", "margin_at_most")
MONEY = (*SITES_MONEY, "revenue", "refunds", "refunded", "net")
WEEK = 7


class Counts(Strict):
    """What is about money of the whole site needs the right to see reports."""

    submits = serializers.IntegerField(help_text="How many drawings were begun.")
    successes = serializers.IntegerField()
    failures = serializers.IntegerField(help_text="They were free.")
    success_rate = serializers.FloatField(
        allow_null=True, help_text="Of 1, among those that have ended."
    )
    revenue = Money(required=False)
    refunds = serializers.IntegerField(required=False)
    refunded = Money(required=False)
    net = Money(required=False, help_text="Revenue less refunds.")
    cost = Money(required=False, help_text="As far as known. For the site only.")
    cost_unknown = serializers.IntegerField(
        required=False, help_text="Drawings of which no cost is known. For the site only."
    )
    margin = Money(
        required=False,
        allow_null=True,
        help_text="null while the cost of a drawing is not known. For the site only.",
    )
    margin_at_most = Money(
        required=False, help_text="As if those had cost nothing. For the site only."
    )


class HourCounts(Counts):
    at = serializers.DateTimeField(help_text="When the hour began.")


class DayCounts(Counts):
    day = serializers.DateField(help_text="UTC.")


class ActionHour(HourCounts):
    price_name = serializers.CharField()
    mode = serializers.CharField()


class NowOf(Strict):
    tasks = serializers.DictField(
        child=serializers.IntegerField(), help_text="Tasks that have not ended, by status."
    )
    live = serializers.IntegerField(help_text="All of them.")
    poll_lag_seconds = serializers.FloatField(help_text="How long the oldest due look is late.")
    callback_lag_seconds = serializers.FloatField()
    callbacks_pending = serializers.IntegerField()
    callbacks_due = serializers.IntegerField(help_text="Those whose time has come.")
    notices_pending = serializers.IntegerField()
    results_pending = serializers.IntegerField()
    hooks_off = serializers.IntegerField()
    unknown_outcomes = serializers.IntegerField()
    written_off = serializers.IntegerField()
    queues = serializers.DictField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="Messages that no worker has taken yet; null: the broker does not answer.",
    )


class AttentionOf(Strict):
    """Something that a person should look at."""

    about = serializers.ChoiceField(
        choices=[about.value for about in About], help_text="Where it is mended."
    )
    text = serializers.CharField()
    channel_id = serializers.IntegerField(allow_null=True)


class OverviewOf(Strict):
    now = NowOf(allow_null=True, help_text="null: the database has no time for it.")
    attention = AttentionOf(many=True, help_text="Empty: all is well.")
    today = Counts(help_text="Since midnight UTC.")
    last_24_hours = Counts(help_text="The present hour and the 23 before it.")
    last_30_days = Counts()
    hours = HourCounts(many=True, help_text="24, from the oldest on.")
    days = DayCounts(many=True, help_text="30, from the oldest on.")


class SpeedOf(Strict):
    attempts = serializers.IntegerField(help_text="Submits that were answered or given up.")
    success_rate = serializers.FloatField(allow_null=True, help_text="Of 1.")
    faults = serializers.IntegerField(help_text="The channel's own.")
    median_ms = serializers.IntegerField(allow_null=True, help_text="Within a tenth, as p95_ms.")
    p95_ms = serializers.IntegerField(allow_null=True)


class HourSpeed(SpeedOf):
    at = serializers.DateTimeField(help_text="When the hour began.")


class ProbePoint(Strict):
    at = serializers.DateTimeField()
    is_ok = serializers.BooleanField()
    milliseconds = serializers.IntegerField()


class Load(Strict):
    """What there is now, and how much there may be (null: no limit)."""

    tasks = serializers.IntegerField(help_text="Under way.")
    concurrency = serializers.IntegerField(allow_null=True)
    waiting = serializers.IntegerField(help_text="Of them those that wait to be begun.")
    queue_depth = serializers.IntegerField(allow_null=True)
    submits = serializers.IntegerField(help_text="In the last 60 seconds.")
    rpm = serializers.IntegerField(allow_null=True)


class ChannelFigures(Strict):
    channel_id = serializers.IntegerField()
    name = serializers.CharField()
    last_hour = SpeedOf(help_text="Of a very busy channel its newest attempts.")
    last_24_hours = SpeedOf()
    hours = HourSpeed(many=True, help_text="24, from the oldest on.")
    probes = ProbePoint(many=True, help_text="The newest, from the oldest on.")
    load = Load()


class TenantFigures(Strict):
    wallet = Funds()
    burn_24_hours = Money(help_text="Net spending of the present hour and the 23 before it.")
    burn_7_days = Money(help_text="Net spending of today and the six days before it.")
    burn_a_day = Money(help_text="What the last 7 days, or as many as there are, come to a day.")
    days_left = serializers.FloatField(
        allow_null=True, help_text="What is available lasts so long; null: nothing is spent."
    )
    last_24_hours = Counts()
    last_7_days = Counts()
    last_30_days = Counts()
    hours = HourCounts(many=True, help_text="24, from the oldest on.")
    actions = ActionHour(
        many=True, help_text="The same hours by action and mode; by day: see usage."
    )
    days = DayCounts(many=True, help_text="30, from the oldest on.")


class Overview(View):
    tag = "site"
    site_only = True

    @operation(
        Right.SEE_SITE, "Show how the site stands, and how it has been doing", answer=OverviewOf
    )
    def get(self, call: Call) -> dict[str, Any]:
        hidden = () if call.may(Right.SEE_REPORTS) else MONEY
        hours, days = figures.by_hour(), figures.by_day()
        now, attention = overview.read()
        return {
            "now": now,
            "attention": [reason._asdict() for reason in attention],
            "today": _counts(list(days.values())[-1], hidden),
            "last_24_hours": _counts(figures.total(hours.values()), hidden),
            "last_30_days": _counts(figures.total(days.values()), hidden),
            "hours": [{"at": at, **_counts(row, hidden)} for at, row in hours.items()],
            "days": [{"day": day, **_counts(row, hidden)} for day, row in days.items()],
        }


class OfChannels(View):
    tag = "channels"
    site_only = True

    @operation(
        Right.SEE_SITE,
        "Show how quick and how busy all channels are",
        answer=list_of(ChannelFigures),
    )
    def get(self, call: Call) -> dict[str, Any]:
        loads = channel_loads.read()
        quick = speeds.read([load.channel_id for load in loads])
        probes = channel_loads.newest_probes()
        return {
            "data": [
                {
                    "channel_id": load.channel_id,
                    "name": load.name,
                    "last_hour": _speed(quick[load.channel_id].last_hour),
                    "last_24_hours": _speed(quick[load.channel_id].last_day),
                    "hours": [
                        {"at": at, **_speed(speed)}
                        for at, speed in quick[load.channel_id].hours.items()
                    ],
                    "probes": [row._asdict() for row in probes[load.channel_id]],
                    "load": load._asdict(),
                }
                for load in loads
            ]
        }


class OfTenant(View):
    tag = "money"

    @operation(
        Right.SEE, "Show what was drawn and how long the balance lasts", answer=TenantFigures
    )
    def get(self, call: Call) -> dict[str, Any]:
        wallet = Wallet.objects.live(call.tenant.pk)
        hours = figures.by_hour(wallet_id=wallet.pk)
        days = figures.by_day(wallet_id=wallet.pk)
        last_hours = figures.total(hours.values())
        week = figures.total(list(days.values())[-WEEK:])
        a_day = week.net // _days_of_history(days)
        return {
            "wallet": funds(call.tenant.pk),
            "burn_24_hours": last_hours.net,
            "burn_7_days": week.net,
            "burn_a_day": a_day,
            "days_left": round(max(wallet.available, 0) / a_day, 1) if a_day > 0 else None,
            "last_24_hours": _counts(last_hours, SITES_MONEY),
            "last_7_days": _counts(week, SITES_MONEY),
            "last_30_days": _counts(figures.total(days.values()), SITES_MONEY),
            "hours": [{"at": at, **_counts(row, SITES_MONEY)} for at, row in hours.items()],
            "actions": [
                {
                    "at": line.at,
                    "price_name": line.price_name,
                    "mode": line.mode,
                    **_counts(line.outcomes, SITES_MONEY),
                }
                for line in figures.actions_by_hour(wallet.pk)
            ],
            "days": [{"day": day, **_counts(row, SITES_MONEY)} for day, row in days.items()],
        }


def _days_of_history(days: dict[date, Outcomes]) -> int:
    """How many of the last seven there are since the first with anything in it: who began two days
    ago has not spent nothing for five."""
    first = next((day for day, row in days.items() if row != Outcomes()), max(days))
    return min((max(days) - first).days + 1, WEEK)


def _counts(outcomes: Outcomes, hidden: tuple[str, ...]) -> dict[str, Any]:
    told = figures.as_dict(outcomes)
    return {name: value for name, value in told.items() if name not in hidden}


def _speed(speed: Speed) -> dict[str, Any]:
    return {
        "attempts": speed.number,
        "success_rate": speed.success_rate,
        "faults": speed.faults,
        "median_ms": speed.quantile(0.5),
        "p95_ms": speed.quantile(0.95),
    }
