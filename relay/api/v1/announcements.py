"""What the site's people have to say to tenants: to all, to some groups, or to some of them."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from rest_framework import serializers

from billing.models import Announcement, Group, Tenant
from relay.api.v1.fields import Items, Name, Strict, Text, number_of, taken
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, list_of, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

TITLE_MAX_CHARS = 200
TEXT_MAX_CHARS = 5000
AUDIENCE_MAX = 500
# More at once nobody reads.
IN_FORCE_MAX = 20


class AnnouncementFields(Strict):
    """In a change, what is not sent stays as it is."""

    title = Name(max_length=TITLE_MAX_CHARS, required=False)
    text = Text(max_length=TEXT_MAX_CHARS, allow_blank=True, required=False)
    level = serializers.ChoiceField(choices=Announcement.Level.values, required=False)
    starts_at = serializers.DateTimeField(required=False, help_text="At first: at once.")
    ends_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="null: it stays until it is deleted."
    )
    audience = serializers.ChoiceField(choices=Announcement.Audience.values, required=False)
    groups = Items(
        child=Name(),
        most=AUDIENCE_MAX,
        required=False,
        help_text="Names of groups, for the audience groups.",
    )
    tenants = Items(
        child=number_of(),
        most=AUDIENCE_MAX,
        required=False,
        help_text="Ids of tenants, for the audience tenants.",
    )


class NewAnnouncement(AnnouncementFields):
    title = Name(max_length=TITLE_MAX_CHARS)


class AnnouncementLine(Strict):
    id = serializers.IntegerField()
    title = serializers.CharField()
    text = serializers.CharField(help_text="Plain text.")
    level = serializers.ChoiceField(choices=Announcement.Level.values)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)


class NamedTenant(Strict):
    id = serializers.IntegerField()
    name = serializers.CharField()


class WholeAnnouncement(AnnouncementLine):
    audience = serializers.ChoiceField(choices=Announcement.Audience.values)
    groups = serializers.ListField(child=serializers.CharField())
    tenants = serializers.ListField(child=serializers.IntegerField())
    named_tenants = NamedTenant(many=True, help_text="The same with their names.")
    is_in_force = serializers.BooleanField()
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class Announcements(View):
    """Of a tenant."""

    tag = "access"

    @operation(
        Right.SEE, "List the announcements that are in force", answer=list_of(AnnouncementLine)
    )
    def get(self, call: Call) -> dict[str, Any]:
        rows = Announcement.objects.in_force_for(call.tenant).order_by("-starts_at", "-pk")
        return {"data": [taken(AnnouncementLine, row) for row in rows[:IN_FORCE_MAX]]}


class SiteAnnouncements(View):
    tag = "site"
    thing = "announcement"
    site_only = True

    @operation(
        Right.SEE_SITE,
        "List all announcements",
        query=PageQuery,
        answer=page_of(WholeAnnouncement),
    )
    def get(self, call: Call) -> Page:
        return shown(page(_all(), call.query), _show)

    @operation(
        Right.ANNOUNCEMENTS,
        "Make an announcement",
        body=NewAnnouncement,
        answer=WholeAnnouncement,
        status=201,
    )
    @transaction.atomic
    def post(self, call: Call) -> dict[str, Any]:
        made = Announcement(created_by=call.actor, starts_at=timezone.now())
        return _write(made, call.body)


class OneAnnouncement(View):
    tag = "site"
    thing = "announcement"
    site_only = True

    @operation(Right.SEE_SITE, "Show an announcement", answer=WholeAnnouncement)
    def get(self, call: Call, announcement_id: int) -> dict[str, Any]:
        return _show(_one(announcement_id))

    @operation(
        Right.ANNOUNCEMENTS,
        "Change an announcement",
        body=AnnouncementFields,
        answer=WholeAnnouncement,
    )
    @transaction.atomic
    def patch(self, call: Call, announcement_id: int) -> dict[str, Any]:
        Announcement.objects.select_for_update().filter(pk=announcement_id).first()
        return _write(_one(announcement_id), call.body)

    @operation(Right.ANNOUNCEMENTS, "Delete an announcement")
    def delete(self, call: Call, announcement_id: int) -> None:
        _one(announcement_id).delete()


def _all() -> QuerySet[Announcement]:
    tenants = Prefetch("tenants", Tenant.objects.only("pk", "name").order_by("pk"))
    groups = Prefetch("groups", Group.objects.order_by("name"))
    return Announcement.objects.prefetch_related(tenants, groups)


def _one(announcement_id: int) -> Announcement:
    row: Announcement = found(_all(), announcement_id, "announcement")
    return row


def _write(row: Announcement, body: dict[str, Any]) -> dict[str, Any]:
    """Raises InvalidRequest. In a transaction."""
    fields = dict(body)
    groups, tenants = fields.pop("groups", None), fields.pop("tenants", None)
    for name, value in fields.items():
        setattr(row, name, value)
    if row.ends_at is not None and row.ends_at <= row.starts_at:
        raise InvalidRequest("ends_at: it ends before it starts")
    row.save()
    if groups is not None:
        row.groups.set(_groups(groups))
    if tenants is not None:
        row.tenants.set(_tenants(tenants))
    _check_audience(row)
    return _show(_one(row.pk))


def _check_audience(row: Announcement) -> None:
    for name in (Announcement.Audience.GROUPS, Announcement.Audience.TENANTS):
        is_named = getattr(row, name).exists()
        if row.audience == name and not is_named:
            raise InvalidRequest(f"{name}: name whom it is for")
        if row.audience != name and is_named:
            raise InvalidRequest(f"{name}: these belong to the audience {name}")


def _groups(names: Iterable[str]) -> list[Group]:
    rows = list(Group.objects.filter(name__in=names))
    if missing := set(names) - {row.name for row in rows}:
        raise InvalidRequest(f"groups: there is no group {min(missing)!r}")
    return rows


def _tenants(ids: Iterable[int]) -> list[Tenant]:
    rows = list(Tenant.objects.filter(pk__in=ids))
    if missing := set(ids) - {row.pk for row in rows}:
        raise InvalidRequest(f"tenants: there is no tenant {min(missing)}")
    return rows


def _show(row: Announcement) -> dict[str, Any]:
    now = timezone.now()
    computed = ("groups", "tenants", "named_tenants", "is_in_force")
    return taken(WholeAnnouncement, row, without=computed) | {
        "groups": [group.name for group in row.groups.all()],
        "tenants": [tenant.pk for tenant in row.tenants.all()],
        "named_tenants": row.tenants.all(),
        "is_in_force": row.starts_at <= now and (row.ends_at is None or row.ends_at > now),
    }
