"""The site's tenants, and the groups that they are in."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers

from billing import tenants
from billing.models import Group, Tenant
from relay.api.v1 import entries
from relay.api.v1.entries import Funds
from relay.api.v1.fields import Flag, Name, Strict, Whole, taken
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


class TenantLine(Strict):
    id = serializers.IntegerField()
    name = serializers.CharField()
    group = serializers.CharField()
    is_active = serializers.BooleanField()
    rpm = serializers.IntegerField(allow_null=True)
    concurrency = serializers.IntegerField(allow_null=True)
    queue_seconds = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class WholeTenant(TenantLine):
    wallet = Funds()


class TenantQuery(PageQuery):
    q = Name(required=False, help_text="A part of the name.")
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
    site_only = True

    @operation(Right.SEE_SITE, "List the tenants", query=TenantQuery, answer=page_of(TenantLine))
    def get(self, call: Call) -> Page:
        filters = {"q": "name__icontains", "group": "group__name", "is_active": "is_active"}
        asked = {column: call.query[name] for name, column in filters.items() if name in call.query}
        return shown(page(_all().filter(**asked), call.query), _show)

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

    @operation(Right.SEE_SITE, "Show a tenant", answer=WholeTenant)
    def get(self, call: Call) -> dict[str, Any]:
        return _show_whole(call.tenant)

    @operation(Right.TENANTS, "Change a tenant", body=TenantFields, answer=WholeTenant)
    def patch(self, call: Call) -> dict[str, Any]:
        fields = call.body
        if "group" in fields:
            fields["group"] = _group(fields["group"])
        return _show_whole(_changed(call.tenant, fields))


class Groups(View):
    tag = "tenants"
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
