"""The people of a tenant and the roles that they have in it. An owner always stays."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from billing.errors import LastOfRole
from billing.models import Member, Role, Tenant


def of(tenant: Tenant) -> QuerySet[Member]:
    return Member.objects.filter(tenant=tenant).select_related("user")


def add(tenant: Tenant, user: Any, *, role: str) -> Member:
    """Raises IntegrityError (member_is_unique) when the person is one already."""
    member = Member(tenant=tenant, user=user, role=role)
    member.save(force_insert=True)
    member.refresh_from_db()
    return member


@transaction.atomic
def set_role(member: Member, role: str) -> None:
    """Raises LastOfRole, Member.DoesNotExist when somebody else has just removed the person."""
    fresh = _held(member)
    if role != Role.OWNER:
        _check_another_owner(fresh)
    Member.objects.filter(pk=fresh.pk).update(role=role)
    member.role = role


@transaction.atomic
def remove(member: Member) -> None:
    """Raises LastOfRole, Member.DoesNotExist."""
    fresh = _held(member)
    _check_another_owner(fresh)
    fresh.delete()


def _held(member: Member) -> Member:
    """As it is when nobody else of the tenant changes any more: two at once would each leave the
    other one's owner."""
    Tenant.objects.select_for_update(no_key=True).get(pk=member.tenant_id)
    return Member.objects.get(pk=member.pk)


def _check_another_owner(member: Member) -> None:
    owners = Member.objects.filter(tenant=member.tenant_id, role=Role.OWNER)
    if member.role == Role.OWNER and not owners.exclude(pk=member.pk).exists():
        raise LastOfRole(Role.OWNER)
