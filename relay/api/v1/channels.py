"""The upstream endpoints: what they may be used for, and what they take."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch, ProtectedError, Q, QuerySet
from rest_framework import serializers

from channels import costs, credentials, states
from channels.errors import CostsInvalid
from channels.history import tell
from channels.models import Channel, ChannelEvent, Credential, is_web_address
from common.patterns import check_pattern
from common.price_lines import PriceLine
from relay.api.v1.fields import (
    ACTIONS,
    MODES,
    Flag,
    Items,
    Money,
    Name,
    Strict,
    Text,
    Whole,
    choices,
)
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, list_of, page, page_of
from relay.api.v1.roles import Right
from relay.errors import Conflict, InvalidRequest
from relay.models import Task

COSTS_MAX = 500
GROUPS_MAX = 100
GROUP_MAX_CHARS = 64
PRIORITY_MAX = 1_000_000
WEIGHT_MAX = 1_000_000
PATTERN_MAX_CHARS = 64
CAP_MAX = 1_000_000
URL_MAX_CHARS = 500
REASON_MAX_CHARS = 200
FILTERS = {
    "q": "name__icontains",
    "name": "name",
    "state": "state",
    "breaker": "breaker",
    "kind": "kind",
    "is_test": "is_test",
}
SEVERAL = "secret: it has several credentials; change one of them"


class BaseUrl(Text):
    """The upstream's address without the /mj part."""

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            is_web_address(value)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return value


class Secret(Text):
    """What is sent in a header. It goes in and never comes out."""

    def __init__(self, **kwargs: Any) -> None:
        details = {"trim_whitespace": False, "max_length": credentials.SECRET_MAX_CHARS}
        super().__init__(**{**details, "help_text": "Is never shown again.", **kwargs})

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            return credentials.check(value)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error


class Pattern(Text):
    """A price name, a prefix with `*` behind it, or `*` alone."""

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            return check_pattern(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


def _cap(meaning: str) -> Whole:
    return Whole(max_value=CAP_MAX, required=False, allow_null=True, help_text=meaning)


class ChannelFields(Strict):
    """What may be set of a channel; in a change, what is not sent stays as it is."""

    name = Name(required=False)
    kind = serializers.ChoiceField(choices=Channel.Kind.values, required=False)
    base_url = BaseUrl(
        max_length=URL_MAX_CHARS,
        required=False,
        help_text="Without the /mj part, e.g. https://upstream.example.",
    )
    secret = Secret(
        allow_blank=True,
        required=False,
        help_text="Of its first credential. Is never shown again.",
    )
    state = serializers.ChoiceField(
        choices=Channel.State.values,
        required=False,
        help_text="draining: no new work; polling and follow-ups of its tasks go on. disabled: "
        "polling only. enabled also closes its breaker and ends its rest.",
    )
    reason = Name(
        max_length=REASON_MAX_CHARS,
        required=False,
        allow_blank=True,
        help_text="Why it gets this state.",
    )
    priority = Whole(
        min_value=-PRIORITY_MAX,
        max_value=PRIORITY_MAX,
        required=False,
        help_text="The highest is asked first.",
    )
    weight = Whole(
        min_value=1,
        max_value=WEIGHT_MAX,
        required=False,
        help_text="Share of the work among channels of equal priority.",
    )
    groups = Items(
        child=Name(max_length=GROUP_MAX_CHARS),
        most=GROUPS_MAX,
        required=False,
        help_text="Empty: every group.",
    )
    actions = choices(ACTIONS, required=False, help_text="Empty: every action.")
    modes = choices(MODES, required=False, help_text="Empty: every mode.")
    concurrency = _cap("Tasks under way at once; null: no limit.")
    rpm = _cap("Submits in any 60 seconds; null: no limit.")
    queue_depth = _cap("Tasks that wait to be begun there; null: no limit.")
    pass_filters = Flag(required=False, help_text="Pass the tenant's accountFilter on.")
    is_test = Flag(required=False, help_text="Draws for test keys, and for them only.")


class NewChannel(ChannelFields):
    name = Name()
    kind = serializers.ChoiceField(choices=Channel.Kind.values)
    base_url = BaseUrl(max_length=URL_MAX_CHARS)


class ChannelLine(Strict):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    base_url = serializers.CharField()
    has_secret = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=Channel.State.values)
    reason = serializers.CharField(help_text="Why it is in this state, as far as it is known.")
    breaker = serializers.ChoiceField(
        choices=Channel.Breaker.values,
        help_text="open: too much went wrong, nothing goes there. half_open: one task tries it.",
    )
    breaker_until = serializers.DateTimeField(allow_null=True)
    rests_until = serializers.DateTimeField(
        allow_null=True, help_text="Full, or asked us to wait: nothing new goes there until then."
    )
    priority = serializers.IntegerField()
    weight = serializers.IntegerField()
    groups = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())
    modes = serializers.ListField(child=serializers.CharField())
    concurrency = serializers.IntegerField(allow_null=True)
    rpm = serializers.IntegerField(allow_null=True)
    queue_depth = serializers.IntegerField(allow_null=True)
    pass_filters = serializers.BooleanField()
    is_test = serializers.BooleanField()
    created_at = serializers.DateTimeField()

    def get_has_secret(self, channel: Channel) -> bool:
        return any(credential.secret for credential in channel.credentials.all())


class Cost(Strict):
    name = Pattern(
        max_length=PATTERN_MAX_CHARS, help_text="A price name, a prefix with * behind it, or *."
    )
    mode = serializers.ChoiceField(choices=MODES, allow_blank=True, default="", help_text="Or any.")
    amount = Money()


class Costs(Strict):
    data = Items(  # type: ignore[assignment]  # a field of that name
        child=Cost(), most=COSTS_MAX, help_text="All of them; the others go."
    )


class ChannelQuery(PageQuery):
    q = Name(required=False, help_text="A part of the name.")
    name = Name(required=False, help_text="Exactly this one.")
    state = serializers.ChoiceField(choices=Channel.State.values, required=False)
    breaker = serializers.ChoiceField(choices=Channel.Breaker.values, required=False)
    kind = serializers.ChoiceField(choices=Channel.Kind.values, required=False)
    group = Name(
        required=False,
        max_length=GROUP_MAX_CHARS,
        help_text="Those that serve this group, also because they serve every one.",
    )
    is_test = Flag(required=False)


class Channels(View):
    tag = "channels"
    thing = "channel"
    site_only = True

    @operation(Right.SEE_SITE, "List the channels", query=ChannelQuery, answer=page_of(ChannelLine))
    def get(self, call: Call) -> Page:
        asked = {column: call.query[name] for name, column in FILTERS.items() if name in call.query}
        rows = _channels().filter(**asked)
        if "group" in call.query:
            rows = rows.filter(Q(groups__contains=[call.query["group"]]) | Q(groups=[]))
        return page(rows, call.query)

    @operation(Right.CHANNELS, "Make a channel", body=NewChannel, answer=ChannelLine, status=201)
    def post(self, call: Call) -> Channel:
        fields = dict(call.body)
        secret = fields.pop("secret", "")
        made = states.make(Channel(**fields), secret=secret, actor=call.actor)
        return one(made.pk)


class OneChannel(View):
    tag = "channels"
    thing = "channel"
    site_only = True

    @operation(Right.SEE_SITE, "Show a channel", answer=ChannelLine)
    def get(self, call: Call, channel_id: int) -> Channel:
        return one(channel_id)

    @operation(Right.CHANNELS, "Change a channel", body=ChannelFields, answer=ChannelLine)
    @transaction.atomic
    def patch(self, call: Call, channel_id: int) -> Channel:
        Channel.objects.select_for_update(no_key=True).filter(pk=channel_id).first()
        channel, fields = one(channel_id), dict(call.body)
        state, reason = fields.pop("state", None), fields.pop("reason", "")
        if reason and state is None:
            raise InvalidRequest("reason: it belongs to a state")
        if "secret" in fields:
            _set_secret(channel, fields.pop("secret"), actor=call.actor)
        _write(channel, fields, actor=call.actor)
        if state is not None:
            states.set_state(channel_id, state, actor=call.actor, reason=reason)
        return one(channel_id)

    @operation(Right.CHANNELS, "Delete a channel that never had a task")
    def delete(self, call: Call, channel_id: int) -> None:
        channel = one(channel_id)
        if Task.objects.open().filter(channel=channel).exists():
            raise Conflict("it has tasks under way; drain it first")
        try:
            channel.delete()
        except ProtectedError as error:
            raise Conflict(
                "it has been given tasks, which point at it for ever; disable it"
            ) from error


class ChannelCosts(View):
    tag = "channels"
    thing, deed = "channel", "set channel costs"
    site_only = True

    @operation(Right.SEE_REPORTS, "List what a channel takes", answer=list_of(Cost))
    def get(self, call: Call, channel_id: int) -> dict[str, Any]:
        return _costs(one(channel_id))

    @operation(Right.CHANNELS, "Set what a channel takes", body=Costs, answer=list_of(Cost))
    def put(self, call: Call, channel_id: int) -> dict[str, Any]:
        channel = one(channel_id)
        try:
            costs.replace(channel, [PriceLine(**line) for line in call.body["data"]])
        except CostsInvalid as error:
            raise InvalidRequest(f"data: {error}") from error
        return _costs(channel)


def one(channel_id: int) -> Channel:
    """Raises ObjectNotFound."""
    channel: Channel = found(_channels(), channel_id, "channel")
    return channel


def _channels() -> QuerySet[Channel]:
    in_order = Credential.objects.order_by("pk")
    return Channel.objects.prefetch_related(Prefetch("credentials", queryset=in_order))


def _set_secret(channel: Channel, secret: str, *, actor: str) -> None:
    """Of a channel with one credential at most."""
    known = list(channel.credentials.all())
    if len(known) > 1:
        raise InvalidRequest(SEVERAL)
    if known:
        credentials.change(known[0], secret=secret, actor=actor)
    elif secret:
        credentials.add(channel, name=states.FIRST, secret=secret, actor=actor)


def _write(channel: Channel, fields: dict[str, Any], *, actor: str) -> None:
    """What really changes, with a line in its history."""
    news = {name: value for name, value in fields.items() if getattr(channel, name) != value}
    if not news:
        return
    lines = [f"{name}: {getattr(channel, name)} → {value}" for name, value in news.items()]
    Channel.objects.filter(pk=channel.pk).update(**news)
    tell(channel.pk, ChannelEvent.Kind.CHANGED, text="; ".join(lines), actor=actor)


def _costs(channel: Channel) -> dict[str, Any]:
    return {"data": channel.costs.order_by("pk")}
