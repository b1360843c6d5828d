"""The site's tenants, and the groups that they are in."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from rest_framework import serializers

from billing import spending, tenants
from billing.models import Group, Member, Tenant, Wallet
from relay.api.v1 import entries
from relay.api.v1.entries import Funds
from relay.api.v1.fields import ID_MAX, Flag, Money, Name, Strict, Whole, memo, taken
from relay.api.v1.keys import QUEUE_MAX_SECONDS, RATE_MAX
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

GROUP_MAX_CHARS = 64


class TenantFields(Strict):
    name = Name(required=False)
    group = Name(required=False, max_length=GROUP_MAX_CHARS)
    is_active = Flag(required=False)
    rpm = Whole(max_value=RATE_MAX, required=False, allow_null=True)
    concurrency = Whole(max_value=RATE_MAX, required=False, allow_null=True)
    queue_seconds = Whole(max_value=QUEUE_MAX_SECONDS, required=False)


class NewTenant(TenantFields):
    name = Name()
    group = Name(default=tenants.DEFAULT_GROUP, max_length=GROUP_MAX_CHARS)


class TenantChanges(TenantFields):
    reason = memo(help_text="Why, for the record.")


class TenantLine(Strict):
    id = serializers.IntegerField()
    name = serializers.CharField()
    group = serializers.CharField()
    is_active = serializers.BooleanField()
    rpm = serializers.IntegerField(allow_null=True)
    concurrency = serializers.IntegerField(allow_null=True)
    queue_seconds = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class TenantRow(TenantLine):
    balance = Money()
    held = Money()
    credit_limit = Money()
    available = Money()
    spent_30_days = Money(help_text="Paid less refunded, of today and the 29 days before it (UTC).")


class WholeTenant(TenantLine):
    wallet = Funds()


class TenantQuery(PageQuery):
    q = Name(
        required=False, help_text="A part of the name, the number, or a member's whole address."
    )
    name = Name(required=False, help_text="Exactly this one.")
    group = Name(required=False, max_length=GROUP_MAX_CHARS)
    is_active = Flag(required=False)


class NewGroup(Strict):
    name = Name(max_length=GROUP_MAX_CHARS)


class GroupLine(NewGroup):
    id = serializers.IntegerField()


class GroupQuery(PageQuery):
    q = Name(required=False, help_text="A part of the name.")


class Tenants(View):
    tag = "tenants"
    thing = "tenant"
    site_only = True

    @operation(Right.SEE_SITE, "List the tenants", query=TenantQuery, answer=page_of(TenantRow))
    def get(self, call: Call) -> Page:
        filters = {"name": "name", "group": "group__name", "is_active": "is_active"}
        asked = {column: call.query[name] for name, column in filters.items() if name in call.query}
        rows = _all().filter(**asked)
        if text := call.query.get("q"):
            rows = rows.filter(_called(text))
        return _with_money(page(rows, call.query))

    @operation(Right.TENANTS, "Make a tenant", body=NewTenant, answer=WholeTenant, status=201)
    @transaction.atomic
    def post(self, call: Call) -> dict[str, Any]:
        fields = call.body
        if fields["group"] != tenants.DEFAULT_GROUP:
            _group(fields["group"])
        made = tenants.create(name=fields.pop("name"), group=fields.pop("group"))
        return _show_whole(_changed(made, fields))


class OneTenant(View):
    tag = "tenants"
    thing = "tenant"

    @operation(Right.SEE_SITE, "Show a tenant", answer=WholeTenant)
    def get(self, call: Call) -> dict[str, Any]:
        return _show_whole(call.tenant)

    @operation(Right.TENANTS, "Change a tenant", body=TenantChanges, answer=WholeTenant)
    def patch(self, call: Call) -> dict[str, Any]:
        fields = call.body
        fields.pop("reason", None)
        if "group" in fields:
            fields["group"] = _group(fields["group"])
        return _show_whole(_changed(call.tenant, fields))


class Groups(View):
    tag = "tenants"
    thing = "group"
    site_only = True

    @operation(Right.SEE_SITE, "List the groups", query=GroupQuery, answer=page_of(GroupLine))
    def get(self, call: Call) -> Page:
        rows = Group.objects.all()
        if "q" in call.query:
            rows = rows.filter(name__icontains=call.query["q"])
        return page(rows, call.query)

    @operation(Right.TENANTS, "Make a group", body=NewGroup, answer=GroupLine, status=201)
    def post(self, call: Call) -> Group:
        return Group.objects.create(**call.body)


def _all() -> QuerySet[Tenant]:
    return Tenant.objects.select_related("group")


def _called(text: str) -> Q:
    """Whom somebody may mean by this."""
    meant = Q(name__icontains=text)
    if text.isascii() and text.isdigit() and int(text) <= ID_MAX:
        meant |= Q(pk=int(text))
    if "@" in text:
        meant |= Q(pk__in=Member.objects.filter(user__email__iexact=text).values("tenant"))
    return meant


def _with_money(found: Page) -> Page:
    ids = [tenant.pk for tenant in found["data"]]
    wallets = {row.tenant_id: row for row in Wallet.objects.filter(tenant__in=ids, is_test=False)}
    spent = spending.net([wallet.pk for wallet in wallets.values()])

    def show(tenant: Tenant) -> dict[str, Any]:
        wallet = wallets[tenant.pk]
        return _show(tenant) | {
            "balance": wallet.balance,
            "held": wallet.held,
            "credit_limit": wallet.credit_limit,
            "available": wallet.available,
            "spent_30_days": spent.get(wallet.pk, 0),
        }

    return shown(found, show)


def _group(name: str) -> Group:
    group = Group.objects.filter(name=name).first()
    if group is None:
        raise InvalidRequest("group: there is no such group")
    return group


def _changed(tenant: Tenant, fields: dict[str, Any]) -> Tenant:
    if fields:
        Tenant.objects.filter(pk=tenant.pk).update(**fields)
    return _all().get(pk=tenant.pk)


def _show(tenant: Tenant) -> dict[str, Any]:
    return taken(TenantLine, tenant, without=("group",)) | {"group": tenant.group.name}


def _show_whole(tenant: Tenant) -> dict[str, Any]:
    return _show(tenant) | {"wallet": entries.funds(tenant.pk)}
