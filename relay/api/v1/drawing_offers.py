"""What a key may begin now, and what that costs."""

from typing import Any

from rest_framework import serializers

from billing import pricing, tokens
from billing.errors import InvalidKey
from billing.models import Token
from billing.tokens import Caller
from channels import selection
from channels.adapters import adapter_for
from channels.adapters.base import Submission
from channels.errors import NoChannel, NoRoom, Unsupported
from common import site
from common.models import Generation
from relay.actions import Action
from relay.api.v1.drawing_kinds import KINDS
from relay.api.v1.fields import MODES, Money, Query, Strict, number_of
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.roles import Right


class OfferQuery(Query):
    key = number_of(required=False, help_text="With this key; without one with the newest.")


class Offer(Strict):
    kind = serializers.CharField()
    action = serializers.CharField()
    name = serializers.CharField(help_text="The price name.")
    prices = serializers.DictField(child=Money(), help_text="By mode, as far as the key may.")
    is_served = serializers.BooleanField(help_text="Whether a channel is there that does it.")


class Offers(Strict):
    default_mode = serializers.ChoiceField(
        choices=MODES, help_text="When the submit says none: the key's, else the site's."
    )
    is_test_served = serializers.BooleanField(
        help_text="Whether a channel is there that draws for the tenant's test keys."
    )
    data = Offer(many=True)  # type: ignore[assignment]  # the same


class OfferList(View):
    tag = "tasks"

    @operation(
        Right.SEE, "List what a key may begin, and what it costs", query=OfferQuery, answer=Offers
    )
    def get(self, call: Call) -> dict[str, Any]:
        keys = Token.objects.filter(tenant=call.tenant)
        if "key" in call.query:
            token = found(keys, call.query["key"], "key")
        else:
            token = keys.order_by("-pk").first()
        caller = caller_of(token) if token is not None else None
        default = site.value("default_mode")
        told = {"default_mode": default, "is_test_served": _is_test_served(call), "data": []}
        if caller is None:
            return told
        return told | {
            "default_mode": caller.default_mode or default,
            "data": [_offer(name, kind.action, caller) for name, kind in KINDS.items()],
        }


def caller_of(token: Token) -> Caller | None:
    """None for a key that draws nothing now. Raises TenantDisabled."""
    try:
        return tokens.of_key(token.pk)
    except InvalidKey:
        return None


def _offer(name: str, action: Action, caller: Caller) -> dict[str, Any]:
    prices = _prices(action, caller)
    return {
        "kind": name,
        "action": action.name,
        "name": action.price_names[0],
        "prices": prices,
        "is_served": any(_is_served(action, mode, caller) for mode in prices),
    }


def _prices(action: Action, caller: Caller) -> dict[str, int]:
    """By mode, as far as the key may."""
    if caller.actions and action.name not in caller.actions:
        return {}
    book = pricing.in_force(caller.prices_generation)
    found_prices = book.by_mode(names=action.price_names, buyer=caller.buyer)
    return {m: p for m, p in found_prices.items() if not caller.modes or m in caller.modes}


def _is_served(action: Action, mode: str, caller: Caller) -> bool:
    """Whether a channel does it, if only later."""
    wanted = selection.Wanted(
        group=caller.group_name, action=action.name, mode=mode, is_test=caller.is_test
    )
    return _has_channel(wanted, generation=caller.channels_generation)


def _is_test_served(call: Call) -> bool:
    wanted = selection.Wanted(
        group=call.tenant.group.name,
        action="IMAGINE",
        mode=site.value("default_mode"),
        is_test=True,
    )
    return _has_channel(wanted, generation=Generation.objects.get(name="channels").value)


def _has_channel(wanted: selection.Wanted, *, generation: int) -> bool:
    submission = Submission(action=wanted.action, mode=wanted.mode, correlation="", hint_url="")
    try:
        selection.pick(
            wanted,
            generation=generation,
            obstacle=lambda upstream: adapter_for(upstream.kind).obstacle(submission),
        )
    except NoRoom:
        return True
    except (NoChannel, Unsupported):
        return False
    return True
