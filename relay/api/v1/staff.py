"""The site's own people."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from billing import invitations, staff
from billing.models import StaffMember, StaffRole
from relay.api.v1 import people
from relay.api.v1.fields import Flag, Strict
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.people import Email, InvitationLine, InvitationQuery, MadeInvitation
from relay.api.v1.roles import Right
from relay.errors import ObjectNotFound
from relay.operators import second_factors


class StaffFields(Strict):
    """In a change, what is not sent stays as it is."""

    role = serializers.ChoiceField(choices=StaffRole.values, required=False)
    is_active = Flag(required=False)


class NewStaffMember(Strict):
    person = people.person()
    role = serializers.ChoiceField(choices=StaffRole.values)


class StaffLine(Strict):
    id = serializers.IntegerField()
    role = serializers.ChoiceField(choices=StaffRole.values)
    is_active = serializers.BooleanField()
    username = serializers.CharField()
    email = serializers.CharField()
    has_second_factor = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class NewStaffInvitation(Strict):
    email = Email()
    role = serializers.ChoiceField(choices=StaffRole.values)


class Staff(View):
    tag = "access"
    thing = "staff member"
    site_only = True

    @operation(Right.STAFF, "List the site's people", query=PageQuery, answer=page_of(StaffLine))
    def get(self, call: Call) -> Page:
        rows = page(_all(), call.query)
        safe = second_factors.holders(member.user_id for member in rows["data"])
        return shown(rows, lambda member: _line(member, is_safe=member.user_id in safe))

    @operation(
        Right.STAFF,
        "Make an account one of the site's people",
        body=NewStaffMember,
        answer=StaffLine,
        status=201,
    )
    def post(self, call: Call) -> dict[str, Any]:
        user = people.account(call.body["person"])
        return _show(staff.add(user, role=call.body["role"]))


class OneOfStaff(View):
    tag = "access"
    thing = "staff member"
    site_only = True

    @operation(Right.STAFF, "Show one of the site's people", answer=StaffLine)
    def get(self, call: Call, staff_id: int) -> dict[str, Any]:
        return _show(_one(staff_id))

    @operation(
        Right.STAFF,
        "Change the role of one of the site's people, or lock him out",
        body=StaffFields,
        answer=StaffLine,
    )
    def patch(self, call: Call, staff_id: int) -> dict[str, Any]:
        member = _one(staff_id)
        try:
            staff.change(member, **call.body)
        except StaffMember.DoesNotExist as error:
            raise ObjectNotFound("person") from error
        return _show(member)

    @operation(Right.STAFF, "Remove one of the site's people")
    def delete(self, call: Call, staff_id: int) -> None:
        try:
            staff.remove(_one(staff_id))
        except StaffMember.DoesNotExist as error:
            raise ObjectNotFound("person") from error


class StaffInvitations(View):
    tag = "access"
    thing = "invitation"
    site_only = True

    @operation(
        Right.STAFF,
        "List the invitations to the site's people",
        query=InvitationQuery,
        answer=page_of(InvitationLine),
    )
    def get(self, call: Call) -> Page:
        return people.listed(call, None)

    @operation(
        Right.STAFF,
        "Invite somebody to the site's people",
        body=NewStaffInvitation,
        answer=MadeInvitation,
        status=201,
        refusals=(429,),
    )
    def post(self, call: Call) -> dict[str, Any]:
        return people.invite(call, None)


class OneStaffInvitation(View):
    tag = "access"
    thing = "invitation"
    site_only = True

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        return InvitationLine, people.invitation(None, ids["invitation_id"])

    @operation(Right.STAFF, "Withdraw an invitation to the site's people")
    def delete(self, call: Call, invitation_id: int) -> None:
        invitations.withdraw(people.invitation(None, invitation_id))


def _all() -> QuerySet[StaffMember]:
    return StaffMember.objects.select_related("user")


def _one(staff_id: int) -> StaffMember:
    member: StaffMember = found(_all(), staff_id, "person")
    return member


def _show(member: StaffMember) -> dict[str, Any]:
    return _line(member, is_safe=bool(second_factors.holders([member.user_id])))


def _line(member: StaffMember, *, is_safe: bool) -> dict[str, Any]:
    return {
        "id": member.pk,
        "role": member.role,
        "is_active": member.is_active,
        "username": member.user.get_username(),
        "email": getattr(member.user, "email", ""),
        "has_second_factor": is_safe,
        "created_at": member.created_at,
    }
