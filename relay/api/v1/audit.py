"""Who did what, and why: all of it for the site's operators, its own for a tenant."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.serializers import BaseSerializer

from billing.models import Tenant
from common.models import AuditEntry
from relay.api.v1 import people
from relay.api.v1.fields import FOR_THE_SITE, Name, Strict, number_of, taken
from relay.api.v1.operation import OPERATIONS, Call, View, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.people import THE_SITE
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

ACTOR_MAX_CHARS = 150
DEED_MAX_CHARS = 64
KIND_MAX_CHARS = 32
OBJECT_MAX_CHARS = 64
SITES_OWN = ("tenant_name", "address", "request_id", "user_agent", "user_id")
# Names of people; in what the site's do they are the site's.
NAMES = frozenset(("invited_by", "created_by", "published_by"))
# Filters, and what must be equal to them.
COLUMNS = {
    "tenant": "tenant_id",
    "deed": "deed",
    "object_kind": "object_kind",
    "object_id": "object_id",
}
# Far longer than a transaction can take, so ids and times are in the same order over it.
SLACK = timedelta(hours=1)


class AuditLine(Strict):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(help_text="A tenant is told of the site's people as the site.")
    actor_kind = serializers.ChoiceField(choices=AuditEntry.ActorKind.values)
    is_site = serializers.BooleanField(help_text="One of the site's own people or keys did it.")
    acting_as = serializers.CharField(help_text="Whom an operator had signed in as.")
    tenant_id = serializers.IntegerField(allow_null=True)
    tenant_name = serializers.CharField(
        required=False, allow_null=True, help_text=f"As it is now. {FOR_THE_SITE}"
    )
    deed = serializers.CharField(help_text="As in patch channel.")
    object_kind = serializers.CharField()
    object_id = serializers.CharField()
    before = serializers.DictField(allow_null=True, help_text="What was changed, as it was.")
    after = serializers.DictField(allow_null=True, help_text="As it was then.")
    why = serializers.CharField()
    via = serializers.CharField(help_text="api, console, or nothing for commands and the system.")
    address = serializers.CharField(required=False, help_text=FOR_THE_SITE)
    request_id = serializers.CharField(required=False, help_text=FOR_THE_SITE)
    user_agent = serializers.CharField(required=False, help_text=FOR_THE_SITE)
    user_id = serializers.IntegerField(required=False, allow_null=True, help_text=FOR_THE_SITE)


class AuditQuery(PageQuery):
    actor = Name(
        required=False,
        max_length=ACTOR_MAX_CHARS,
        help_text="Exactly this one; of a person the user name or the mail address.",
    )
    deed = Name(required=False, max_length=DEED_MAX_CHARS, help_text="As in patch channel.")
    tenant = number_of(required=False, help_text=FOR_THE_SITE)
    object_kind = Name(required=False, max_length=KIND_MAX_CHARS, help_text="Such as channel.")
    object_id = Name(
        required=False, max_length=OBJECT_MAX_CHARS, help_text="Needs object_kind besides."
    )
    since = serializers.DateTimeField(required=False, help_text="From then on.")
    until = serializers.DateTimeField(required=False, help_text="Before then.")


class Audit(View):
    """Without a tenant: everybody's, and what concerns no tenant."""

    tag = "access"
    whole_site = ("GET",)

    @operation(
        Right.SEE_AUDIT, "List who changed what", query=AuditQuery, answer=page_of(AuditLine)
    )
    def get(self, call: Call) -> Page:
        if "tenant" in call.query:
            call.demand(Right.SEE_SITE)
        if "object_id" in call.query and "object_kind" not in call.query:
            raise InvalidRequest("object_id: name the object_kind, too")
        rows = AuditEntry.objects.all()
        if call.scope is not None:
            rows = rows.filter(tenant_id=call.scope.pk)
        found = page(_filtered(rows, call), call.query)
        if not call.is_site:
            return shown(found, _show_tenant)
        known = Tenant.objects.filter(pk__in={row.tenant_id for row in found["data"]})
        names: dict[int | None, str] = dict(known.values_list("pk", "name"))
        return shown(found, lambda row: _show_site(row, names))


def _filtered(rows: QuerySet[AuditEntry], call: Call) -> QuerySet[AuditEntry]:
    asked = call.query
    rows = rows.filter(**{column: asked[name] for name, column in COLUMNS.items() if name in asked})
    if "actor" in asked:
        rows = rows.filter(_by(asked["actor"], call))
    if "since" in asked:
        rows = rows.filter(at__gte=asked["since"])
    if "until" in asked:
        rows = _before(rows, asked["until"])
    return rows


def _by(actor: str, call: Call) -> Q:
    """Nobody of a tenant finds out by guessing who of the site it was."""
    if call.is_site:
        return Q(actor__in=_names(actor))
    if actor == THE_SITE:
        return Q(is_site=True)
    return Q(actor__in=_names(actor), is_site=False)


def _names(actor: str) -> list[str]:
    """What the audit calls him: by the mail address, who has none by the user name."""
    user = people.named(actor)
    return [actor] if user is None else list({actor, user.get_username(), user.email} - {""})


def _before(rows: QuerySet[AuditEntry], until: datetime) -> QuerySet[AuditEntry]:
    """Begins to look where the time ends, and not at the newest line."""
    rows = rows.filter(at__lt=until)
    try:
        later = AuditEntry.objects.filter(at__gte=until + SLACK)
    except OverflowError:
        return rows
    first = later.order_by("at", "id").values_list("pk", flat=True).first()
    return rows if first is None else rows.filter(pk__lt=first)


def _show_site(row: AuditEntry, names: Mapping[int | None, str]) -> dict[str, Any]:
    line = taken(AuditLine, row, without=("tenant_name",))
    return line | {"tenant_name": names.get(row.tenant_id)}


def _show_tenant(row: AuditEntry) -> dict[str, Any]:
    line = taken(AuditLine, row, without=SITES_OWN)
    hidden = _sites_own()
    if row.is_site:
        line |= {"actor": THE_SITE, "why": ""}
        hidden |= NAMES
    return line | {name: _without(line[name], hidden) for name in ("before", "after")}


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _without(item, names) for name, item in value.items() if name not in names}


@lru_cache(maxsize=1)
def _sites_own() -> frozenset[str]:
    """What tenants are not shown, wherever it stands."""
    answers = [said.answer() for said in OPERATIONS if said.answer is not None]
    return frozenset(name for answer in answers for name in _own_names(answer))


def _own_names(answer: BaseSerializer[Any]) -> Iterator[str]:
    for name, field in getattr(getattr(answer, "child", answer), "fields", {}).items():
        if str(field.help_text or "").endswith(FOR_THE_SITE):
            yield name
        if isinstance(field, BaseSerializer):
            yield from _own_names(field)
