"""Keys of this API itself: a tenant's, or without a tenant the site's."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from billing import management_keys
from billing.models import ManagementKey, Role, StaffRole
from relay.api.v1.fields import Flag, Name, Once, Strict
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

ROLES = sorted({*Role.values, *StaffRole.values})


class NewManagementKey(Strict):
    name = Name()
    role = serializers.ChoiceField(
        choices=ROLES,
        help_text=f"Of a tenant: {', '.join(Role.values)}; of the site: "
        f"{', '.join(StaffRole.values)}.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class ManagementKeyLine(Strict):
    id = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=ROLES)
    prefix = serializers.CharField(help_text="Its start, to recognise it by.")
    is_active = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class MadeManagementKey(Strict):
    key = Once()
    details = ManagementKeyLine()


class ManagementKeyQuery(PageQuery):
    is_active = Flag(required=False)


class ManagementKeys(View):
    tag = "access"
    thing = "management key"
    whole_site = ("GET", "POST")

    @operation(
        Right.SEE_MANAGEMENT_KEYS,
        "List the management keys",
        query=ManagementKeyQuery,
        answer=page_of(ManagementKeyLine),
    )
    def get(self, call: Call) -> Page:
        rows = _of(call)
        if "is_active" in call.query:
            rows = rows.filter(is_active=call.query["is_active"])
        return page(rows, call.query)

    @operation(
        Right.MANAGEMENT_KEYS,
        "Make a management key",
        body=NewManagementKey,
        answer=MadeManagementKey,
        status=201,
    )
    def post(self, call: Call) -> dict[str, Any]:
        role = call.body["role"]
        roles = StaffRole.values if call.scope is None else Role.values
        if role not in roles:
            raise InvalidRequest(f"role: this must be one of {', '.join(roles)}")
        _may_touch(call, role)
        row, key = management_keys.make(tenant=call.scope, created_by=call.actor, **call.body)
        return {"key": key, "details": row}


class OneManagementKey(View):
    tag = "access"
    whole_site = ("GET",)

    @operation(Right.SEE_MANAGEMENT_KEYS, "Show a management key", answer=ManagementKeyLine)
    def get(self, call: Call, management_key_id: int) -> ManagementKey:
        return _found(call, management_key_id)


class _OneManagementKey(View):
    tag = "access"
    thing = "management key"
    whole_site = ("POST",)

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        return ManagementKeyLine, _one(call, ids["management_key_id"])


class ManagementKeyRotation(_OneManagementKey):
    deed = "rotate management key"

    @operation(
        Right.MANAGEMENT_KEYS,
        "Replace a management key; the old one stops at once",
        answer=MadeManagementKey,
    )
    def post(self, call: Call, management_key_id: int) -> dict[str, Any]:
        row = _one(call, management_key_id)
        return {"key": management_keys.rotate(row), "details": row}


class ManagementKeyDisabling(_OneManagementKey):
    deed = "disable management key"

    @operation(Right.MANAGEMENT_KEYS, "Disable a management key", answer=ManagementKeyLine)
    def post(self, call: Call, management_key_id: int) -> ManagementKey:
        return _switched(_one(call, management_key_id), is_active=False)


class ManagementKeyEnabling(_OneManagementKey):
    deed = "enable management key"

    @operation(Right.MANAGEMENT_KEYS, "Enable a management key again", answer=ManagementKeyLine)
    def post(self, call: Call, management_key_id: int) -> ManagementKey:
        return _switched(_one(call, management_key_id), is_active=True)


def _of(call: Call) -> QuerySet[ManagementKey]:
    return ManagementKey.objects.filter(tenant=call.scope)


def _one(call: Call, pk: int) -> ManagementKey:
    row = _found(call, pk)
    _may_touch(call, row.role)
    return row


def _found(call: Call, pk: int) -> ManagementKey:
    row: ManagementKey = found(_of(call), pk, "management key")
    return row


def _may_touch(call: Call, role: str) -> None:
    """Nobody makes, or takes over by rotation, a key that may do more than its own."""
    if role == Role.OWNER:
        call.demand(Right.OWNERS_KEYS)


def _switched(row: ManagementKey, *, is_active: bool) -> ManagementKey:
    ManagementKey.objects.filter(pk=row.pk).update(is_active=is_active)
    row.refresh_from_db()
    return row
