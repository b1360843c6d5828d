"""On-line top-ups: a tenant's orders, and what the site decides about disputed ones."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from billing import providers, topups
from billing.models import TopUp
from billing.providers.base import minor_text
from relay.api.v1.fields import Money, Name, Once, Strict, memo, number_of, taken
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, list_of, page, page_of, shown
from relay.api.v1.roles import Right

PROVIDER_MAX_CHARS = 16
FILTERS = ("state", "number", "provider", "tenant")
SITES_OWN = ("note", "created_by", "provider_reference")


class NewOrder(Strict):
    provider = Name(max_length=PROVIDER_MAX_CHARS)
    amount = Money(least=1)
    method = Name(
        max_length=PROVIDER_MAX_CHARS,
        required=False,
        allow_blank=True,
        default="",
        help_text="One of the provider's own; empty: its first.",
    )


class OrderLine(Strict):
    id = serializers.IntegerField()
    number = serializers.CharField(help_text="The order number.")
    tenant_id = serializers.IntegerField()
    tenant = serializers.CharField()
    provider = serializers.CharField()
    amount = Money(help_text="What is credited.")
    pay_amount = serializers.CharField(help_text="What is to be paid.")
    pay_currency = serializers.CharField()
    state = serializers.ChoiceField(choices=TopUp.State.values)
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    provider_reference = serializers.CharField(required=False, help_text="For the site only.")
    note = serializers.CharField(required=False, help_text="For the site only.")
    created_by = serializers.CharField(required=False, help_text="For the site only.")


class Ordered(Strict):
    pay_url = Once(help_text="Where it is paid.")
    order = OrderLine()


class OrderQuery(PageQuery):
    state = serializers.ChoiceField(choices=TopUp.State.values, required=False)
    number = Name(required=False, help_text="Exactly this one.")
    provider = serializers.ChoiceField(choices=tuple(providers.PROVIDERS), required=False)
    tenant = number_of(required=False, help_text="Of this tenant only.")


class Settlement(Strict):
    amount = Money(least=1, help_text="What is credited.")
    memo = memo(required=True, allow_blank=False, help_text="Why; the tenant can read it.")


class Dismissal(Strict):
    memo = memo(required=True, allow_blank=False, help_text="Why.")


class ProviderLine(Strict):
    name = serializers.CharField()
    methods = serializers.ListField(child=serializers.CharField())


class Orders(View):
    """Without a tenant: everybody's."""

    tag = "money"
    thing, calls_out = "top-up order", True
    whole_site = ("GET",)

    @operation(Right.SEE, "List the top-up orders", query=OrderQuery, answer=page_of(OrderLine))
    def get(self, call: Call) -> Page:
        asked = {name: call.query[name] for name in FILTERS if name in call.query}
        return shown(page(_of(call).filter(**asked), call.query), lambda row: _show(row, call))

    @operation(
        Right.BUY,
        "Order balance, to be paid on line",
        body=NewOrder,
        answer=Ordered,
        status=201,
        refusals=(502,),
    )
    def post(self, call: Call) -> dict[str, Any]:
        placed, url = topups.order(tenant=call.tenant, actor=call.actor, **call.body)
        return {"pay_url": url, "order": _show(placed, call)}


class OneOrder(View):
    tag = "money"
    whole_site = ("GET",)

    @operation(Right.SEE, "Show a top-up order", answer=OrderLine)
    def get(self, call: Call, order_id: int) -> dict[str, Any]:
        return _show(found(_of(call), order_id, "order"), call)


class Providers(View):
    tag = "money"

    @operation(Right.SEE, "List the payment services", answer=list_of(ProviderLine))
    def get(self, call: Call) -> dict[str, Any]:
        return {"data": [offer._asdict() for offer in providers.offers()]}


class Settlements(View):
    tag = "wallets"
    thing, deed = "top-up order", "settle top-up order"
    shown_by = OneOrder
    site_only = True

    @operation(Right.MONEY, "Credit a disputed order", body=Settlement, answer=OrderLine)
    def post(self, call: Call, order_id: int) -> dict[str, Any]:
        order: TopUp = found(_of(call), order_id, "order")
        return _show(topups.settle(order.number, actor=call.actor, **call.body), call)


class Dismissals(View):
    tag = "wallets"
    thing, deed = "top-up order", "dismiss top-up order"
    shown_by = OneOrder
    site_only = True

    @operation(
        Right.MONEY, "Close a disputed order without credit", body=Dismissal, answer=OrderLine
    )
    def post(self, call: Call, order_id: int) -> dict[str, Any]:
        order: TopUp = found(_of(call), order_id, "order")
        return _show(topups.dismiss(order.number, actor=call.actor, **call.body), call)


def _of(call: Call) -> QuerySet[TopUp]:
    rows = TopUp.objects.select_related("tenant")
    return rows if call.scope is None else rows.filter(tenant=call.scope)


def _show(order: TopUp, call: Call) -> dict[str, Any]:
    line = taken(OrderLine, order)
    line["tenant"] = order.tenant.name
    line["pay_amount"] = minor_text(order.pay_amount, order.pay_currency)
    if not call.is_site:
        for name in SITES_OWN:
            del line[name]
    return line
