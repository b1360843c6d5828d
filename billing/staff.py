"""The site's own people. An operator always stays."""

from typing import Any

from django.db import transaction

from billing.errors import LastOfRole
from billing.models import StaffMember, StaffRole


def add(user: Any, *, role: str) -> StaffMember:
    """Raises IntegrityError (billing_staffmember_user_id…) when the person is one already."""
    made = StaffMember(user=user, role=role)
    made.save(force_insert=True)
    made.refresh_from_db()
    return made


@transaction.atomic
def change(member: StaffMember, *, role: str | None = None, is_active: bool | None = None) -> None:
    """Raises LastOfRole, StaffMember.DoesNotExist when somebody else has just removed the
    person."""
    fresh = _held(member)
    fresh.role = fresh.role if role is None else role
    fresh.is_active = fresh.is_active if is_active is None else is_active
    if not (fresh.role == StaffRole.OPERATOR and fresh.is_active):
        _check_another_operator(fresh)
    fresh.save(update_fields=["role", "is_active"])
    member.role, member.is_active = fresh.role, fresh.is_active


@transaction.atomic
def remove(member: StaffMember) -> None:
    """Raises LastOfRole, StaffMember.DoesNotExist."""
    fresh = _held(member)
    _check_another_operator(fresh)
    fresh.delete()


def _held(member: StaffMember) -> StaffMember:
    """As it is when no other change of the staff is under way: they are few, so all are locked, in
    the same order by everybody."""
    rows = StaffMember.objects.select_for_update().order_by("pk")
    for row in rows:
        if row.pk == member.pk:
            return row
    raise StaffMember.DoesNotExist


def _check_another_operator(member: StaffMember) -> None:
    """What is stored counts: `member` may be about to change."""
    operators = StaffMember.objects.filter(
        role=StaffRole.OPERATOR, is_active=True, user__is_active=True
    )
    others = operators.exclude(pk=member.pk)
    if operators.filter(pk=member.pk).exists() and not others.exists():
        raise LastOfRole(StaffRole.OPERATOR)
