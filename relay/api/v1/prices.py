"""What a tenant pays."""

from typing import Any

from rest_framework import serializers

from billing import pricing
from billing.models import Token
from billing.pricing import Buyer
from common.models import Generation
from relay import actions
from relay.api.v1.fields import LIST_MAX, Money, Query, Strict, number_of
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import list_of
from relay.api.v1.roles import Right


class PriceQuery(Query):
    key = number_of(required=False, help_text="As this key pays, if it has a group of its own.")


class PriceLine(Strict):
    action = serializers.CharField()
    name = serializers.CharField(help_text="The price name.")
    prices = serializers.DictField(
        child=Money(), help_text="By mode; a mode that is not there cannot be bought."
    )


class PricedKey(Strict):
    id = serializers.IntegerField()
    name = serializers.CharField()
    group = serializers.CharField()


class Prices(View):
    tag = "money"

    @operation(Right.SEE, "List what you pay now", query=PriceQuery, answer=list_of(PriceLine))
    def get(self, call: Call) -> dict[str, Any]:
        home = call.tenant.group_id
        group = home
        if "key" in call.query:
            keys = Token.objects.filter(tenant=call.tenant)
            group = found(keys, call.query["key"], "key").group_id or home
        buyer = Buyer(tenant_id=call.tenant.pk, group_id=group, home_id=home)
        book = pricing.in_force(Generation.objects.get(name="prices").value)
        return {"data": [price_line(action, book, buyer) for action in actions.ALL]}


class KeysWithPrices(View):
    tag = "money"

    @operation(Right.SEE, "List the keys that have prices of their own", answer=list_of(PricedKey))
    def get(self, call: Call) -> dict[str, Any]:
        keys = Token.objects.filter(tenant=call.tenant, is_active=True).exclude(group=None)
        others = keys.exclude(group=call.tenant.group_id).select_related("group").order_by("name")
        shown = others[:LIST_MAX]
        return {"data": [{"id": k.pk, "name": k.name, "group": str(k.group)} for k in shown]}


def price_line(action: actions.Action, book: pricing.Prices, buyer: Buyer) -> dict[str, Any]:
    prices = book.by_mode(names=action.price_names, buyer=buyer)
    return {"action": action.name, "name": action.price_names[0], "prices": prices}
