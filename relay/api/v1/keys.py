"""A tenant's API keys."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers

from billing import tenants, tokens
from billing.models import Group, Tenant, Token, Wallet
from relay.api.v1.fields import (
    ACTIONS,
    MODES,
    Flag,
    Items,
    Money,
    Name,
    Network,
    Once,
    Strict,
    WebAddress,
    Whole,
    choices,
    taken,
)
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import Conflict, InvalidRequest
from relay.messages import hooks

ADDRESSES_MAX = 100
RATE_MAX = 1_000_000
QUEUE_MAX_SECONDS = 300
OVERLAP_MAX_SECONDS = 30 * 24 * 3600
OVERLAP_SECONDS = 24 * 3600
COMPUTED = ("group", "old_key_until", "left", "open_tasks", "periods")


class Period(Strict):
    """A day, week or month (UTC)."""

    budget = Money(allow_null=True, help_text="null: no limit.")
    used = Money(help_text="Held and paid in this period.")
    left = Money(allow_null=True, help_text="null: no limit.")
    resets_at = serializers.DateTimeField(help_text="When the next period begins.")


class Periods(Strict):
    day = Period()
    week = Period()
    month = Period()


class KeyFields(Strict):
    """What may be set of a key; in a change, what is not sent stays as it is."""

    name = Name(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    group = Name(
        required=False,
        allow_null=True,
        help_text="Whose prices and channels it uses; null: the tenant's. For the site only.",
    )
    image_setting = serializers.ChoiceField(choices=Token.ImageSetting.values, required=False)
    default_mode = serializers.ChoiceField(choices=MODES, allow_blank=True, required=False)
    policy = serializers.ChoiceField(
        choices=Token.Policy.values,
        required=False,
        help_text="Which channel draws: the site's order (priority), the one that takes least "
        "(cost), or the one that failed least in the last minutes (stability).",
    )
    hook = WebAddress(required=False, allow_blank=True, help_text="Empty: the tenant's.")
    actions = choices(ACTIONS, required=False, help_text="Empty: every action.")
    modes = choices(MODES, required=False, help_text="Empty: every mode.")
    addresses = Items(
        child=Network(),
        most=ADDRESSES_MAX,
        required=False,
        help_text="IP addresses and networks it may be used from. Empty: everywhere.",
    )
    rpm = Whole(
        max_value=RATE_MAX,
        required=False,
        allow_null=True,
        help_text="Submits in any 60 seconds; null: no limit.",
    )
    concurrency = Whole(
        max_value=RATE_MAX,
        required=False,
        allow_null=True,
        help_text="Tasks under way at once; null: no limit.",
    )
    queue_seconds = Whole(
        max_value=QUEUE_MAX_SECONDS,
        required=False,
        help_text="How long a submit waits for room instead of being answered 429.",
    )
    budget = Money(required=False, allow_null=True, help_text="In all; null: no limit.")
    day_budget = Money(required=False, allow_null=True)
    week_budget = Money(required=False, allow_null=True)
    month_budget = Money(required=False, allow_null=True)


class NewKey(KeyFields):
    name = Name()
    is_test = Flag(
        default=False,
        help_text="Draws at the sandbox and pays with play money; it never touches real money.",
    )


class Key(Strict):
    """An API key, without the key itself."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    is_test = serializers.BooleanField()
    prefix = serializers.CharField(help_text="Its start, to recognise it by.")
    is_active = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    old_key_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the key that it replaced works too."
    )
    group = serializers.CharField(allow_null=True)
    image_setting = serializers.CharField()
    default_mode = serializers.CharField()
    policy = serializers.CharField()
    hook = serializers.CharField()
    actions = serializers.ListField(child=serializers.CharField())
    modes = serializers.ListField(child=serializers.CharField())
    addresses = serializers.ListField(child=serializers.CharField())
    rpm = serializers.IntegerField(allow_null=True)
    concurrency = serializers.IntegerField(allow_null=True)
    queue_seconds = serializers.IntegerField()
    budget = Money(allow_null=True, help_text="In all; null: no limit.")
    spent = Money()
    held = Money(help_text="For tasks under way.")
    left = Money(allow_null=True, help_text="Of the budget in all; null: no limit.")
    open_tasks = serializers.IntegerField()
    periods = Periods()
    created_at = serializers.DateTimeField()


class MadeKey(Strict):
    key = Once()
    details = Key()


class Rotation(Strict):
    overlap_seconds = Whole(
        max_value=OVERLAP_MAX_SECONDS,
        default=OVERLAP_SECONDS,
        help_text="How long the old key goes on.",
    )


class KeyQuery(PageQuery):
    q = Name(required=False, help_text="A part of the name, or of the beginning of the key.")
    name = Name(required=False, help_text="Exactly this one.")
    is_test = Flag(required=False)
    is_active = Flag(required=False)


class TestMoney(Strict):
    balance = Money()


class Keys(View):
    tag = "keys"
    thing = "key"

    @operation(Right.SEE, "List the keys", query=KeyQuery, answer=page_of(Key))
    def get(self, call: Call) -> Page:
        rows = _keys(call.tenant)
        for name in ("name", "is_test", "is_active"):
            if name in call.query:
                rows = rows.filter(**{name: call.query[name]})
        if text := call.query.get("q"):
            rows = rows.filter(name__icontains=text) | rows.filter(prefix__startswith=text)
        return shown(page(rows, call.query), show)

    @operation(Right.KEYS, "Make a key", body=NewKey, answer=MadeKey, status=201)
    def post(self, call: Call) -> dict[str, Any]:
        token, key = tokens.make(tenant=call.tenant, **_fields(call))
        return {"key": key, "details": show(token)}


class OneKey(View):
    tag = "keys"
    thing = "key"

    @operation(Right.SEE, "Show a key", answer=Key)
    def get(self, call: Call, key_id: int) -> dict[str, Any]:
        return show(_key(call, key_id))

    @operation(Right.KEYS, "Change a key", body=KeyFields, answer=Key)
    def patch(self, call: Call, key_id: int) -> dict[str, Any]:
        key = _changed(_key(call, key_id), **_fields(call))
        # An address that is named is called again.
        hooks.switch_on(call.tenant.pk, call.body.get("hook", ""))
        return key


class KeyRotation(View):
    tag = "keys"
    thing, deed = "key", "rotate key"
    shown_by = OneKey

    @operation(
        Right.KEYS, "Replace a key; the old one goes on for a while", body=Rotation, answer=MadeKey
    )
    def post(self, call: Call, key_id: int) -> dict[str, Any]:
        token = _key(call, key_id)
        key = tokens.rotate(token, overlap=timedelta(seconds=call.body["overlap_seconds"]))
        return {"key": key, "details": show(token)}


class KeyDisabling(View):
    tag = "keys"
    thing, deed = "key", "disable key"
    shown_by = OneKey

    @operation(Right.SWITCH_KEYS, "Disable a key, at once and everywhere", answer=Key)
    def post(self, call: Call, key_id: int) -> dict[str, Any]:
        return _changed(_key(call, key_id), is_active=False)


class KeyEnabling(View):
    tag = "keys"
    thing, deed = "key", "enable key"
    shown_by = OneKey

    @operation(Right.SWITCH_KEYS, "Enable a key again", answer=Key)
    def post(self, call: Call, key_id: int) -> dict[str, Any]:
        return _changed(_key(call, key_id), is_active=True)


class TestWallet(View):
    tag = "keys"
    thing, deed = "test wallet", "refill test wallet"

    @operation(Right.KEYS, "Put play money into the test wallet", answer=TestMoney)
    def post(self, call: Call) -> dict[str, Any]:
        try:
            tenants.fill_test_wallet(call.tenant, actor=call.actor)
        except Wallet.DoesNotExist as error:
            raise Conflict("there is no test wallet before there is a test key") from error
        return {"balance": Wallet.objects.get(tenant=call.tenant, is_test=True).balance}


def show(token: Token) -> dict[str, Any]:
    now = timezone.now()
    left = None if token.budget is None else token.budget - token.spent - token.held
    until = token.old_expires_at
    return taken(Key, token, without=COMPUTED) | {
        "group": None if token.group is None else token.group.name,
        "old_key_until": until if until is not None and until > now else None,
        "left": None if left is None else max(left, 0),
        "open_tasks": token.open_holds,
        "periods": {period: _period(token, period, now) for period in Token.PERIODS},
    }


def _period(token: Token, period: str, now: datetime) -> dict[str, Any]:
    began, ends = bounds(period, now.astimezone(UTC).date())
    budget = getattr(token, f"{period}_budget")
    used = getattr(token, f"{period}_used") if getattr(token, f"{period}_began") == began else 0
    return {
        "budget": budget,
        "used": used,
        "left": None if budget is None else max(budget - used, 0),
        "resets_at": datetime.combine(ends, datetime.min.time(), UTC),
    }


def bounds(period: str, day: date) -> tuple[date, date]:
    """When the period that `day` is in began, and when the next one begins (UTC; weeks begin on
    Mondays, as PostgreSQL's do)."""
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _keys(tenant: Tenant) -> QuerySet[Token]:
    return Token.objects.filter(tenant=tenant).select_related("group")


def _key(call: Call, key_id: int) -> Token:
    token: Token = found(_keys(call.tenant), key_id, "key")
    return token


def _changed(token: Token, **fields: Any) -> dict[str, Any]:
    """Only what is changed is written: the money fields are the ledger's."""
    if fields:
        Token.objects.filter(pk=token.pk).update(**fields)
        token.refresh_from_db()
    return show(token)


def _fields(call: Call) -> dict[str, Any]:
    """What was sent, as a Token has it. A group decides prices, so tenants do not choose it."""
    fields = dict(call.body)
    if "group" in fields:
        call.demand(Right.TENANTS)
        name = fields["group"]
        fields["group"] = None if name is None else Group.objects.filter(name=name).first()
        if name is not None and fields["group"] is None:
            raise InvalidRequest("group: there is no such group")
    return fields
