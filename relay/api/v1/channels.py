"""The upstream endpoints: what they may be used for, and what they take."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from rest_framework import serializers

from channels import costs
from channels.errors import CostsInvalid
from channels.models import Channel, is_web_address
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
SECRET_MAX_CHARS = 2000
URL_MAX_CHARS = 500


class BaseUrl(Text):
    """The upstream's address without the /mj part."""

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            is_web_address(value)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return value


class Pattern(Text):
    """A price name, a prefix with `*` behind it, or `*` alone."""

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            return check_pattern(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class ChannelFields(Strict):
    """What may be set of a channel; in a change, what is not sent stays as it is."""

    name = Name(required=False)
    kind = serializers.ChoiceField(choices=Channel.Kind.values, required=False)
    base_url = BaseUrl(
        max_length=URL_MAX_CHARS,
        required=False,
        help_text="Without the /mj part, e.g. https://upstream.example.",
    )
    secret = Text(
        max_length=SECRET_MAX_CHARS,
        allow_blank=True,
        required=False,
        trim_whitespace=False,
        help_text="Is never shown again.",
    )
    state = serializers.ChoiceField(
        choices=Channel.State.values,
        required=False,
        help_text="draining: no new work; polling and follow-ups of its tasks go on.",
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
    priority = serializers.IntegerField()
    weight = serializers.IntegerField()
    groups = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())
    modes = serializers.ListField(child=serializers.CharField())
    pass_filters = serializers.BooleanField()
    is_test = serializers.BooleanField()
    created_at = serializers.DateTimeField()

    def get_has_secret(self, channel: Channel) -> bool:
        return bool(channel.secret)


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
    state = serializers.ChoiceField(choices=Channel.State.values, required=False)
    is_test = Flag(required=False)


class Channels(View):
    tag = "channels"
    site_only = True

    @operation(Right.SEE_SITE, "List the channels", query=ChannelQuery, answer=page_of(ChannelLine))
    def get(self, call: Call) -> Page:
        filters = {"q": "name__icontains", "state": "state", "is_test": "is_test"}
        asked = {column: call.query[name] for name, column in filters.items() if name in call.query}
        return page(Channel.objects.filter(**asked), call.query)

    @operation(Right.CHANNELS, "Make a channel", body=NewChannel, answer=ChannelLine, status=201)
    def post(self, call: Call) -> Channel:
        made = Channel.objects.create(**call.body)
        made.refresh_from_db()
        return made


class OneChannel(View):
    tag = "channels"
    site_only = True

    @operation(Right.SEE_SITE, "Show a channel", answer=ChannelLine)
    def get(self, call: Call, channel_id: int) -> Channel:
        return _one(channel_id)

    @operation(Right.CHANNELS, "Change a channel", body=ChannelFields, answer=ChannelLine)
    def patch(self, call: Call, channel_id: int) -> Channel:
        channel = _one(channel_id)
        if call.body:
            for name, value in call.body.items():
                setattr(channel, name, value)
            channel.save(update_fields=list(call.body))
        return channel

    @operation(Right.CHANNELS, "Delete a channel that never had a task")
    def delete(self, call: Call, channel_id: int) -> None:
        channel = _one(channel_id)
        if Task.objects.live().filter(channel=channel).exists():
            raise Conflict("it has tasks under way; drain it first")
        try:
            channel.delete()
        except ProtectedError as error:
            raise Conflict("it has drawn, and its tasks point at it; disable it") from error


class ChannelCosts(View):
    tag = "channels"
    site_only = True

    @operation(Right.SEE_REPORTS, "List what a channel takes", answer=list_of(Cost))
    def get(self, call: Call, channel_id: int) -> dict[str, Any]:
        return _costs(_one(channel_id))

    @operation(Right.CHANNELS, "Set what a channel takes", body=Costs, answer=list_of(Cost))
    def put(self, call: Call, channel_id: int) -> dict[str, Any]:
        channel = _one(channel_id)
        try:
            costs.replace(channel, [PriceLine(**line) for line in call.body["data"]])
        except CostsInvalid as error:
            raise InvalidRequest(f"data: {error}") from error
        return _costs(channel)


def _one(channel_id: int) -> Channel:
    channel: Channel = found(Channel.objects.all(), channel_id, "channel")
    return channel


def _costs(channel: Channel) -> dict[str, Any]:
    return {"data": channel.costs.order_by("pk")}
