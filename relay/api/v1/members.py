"""The people of a tenant and their roles."""

from typing import Any

from rest_framework import serializers

from billing import members
from billing.models import Member, Role
from relay.api.v1 import people
from relay.api.v1.fields import FOR_THE_SITE, Strict
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import Conflict, ObjectNotFound
from relay.operators import second_factors


class NewRole(Strict):
    role = serializers.ChoiceField(choices=Role.values)


class NewMember(NewRole):
    person = people.person()


class MemberLine(NewRole):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    has_second_factor = serializers.BooleanField(required=False, help_text=FOR_THE_SITE)
    created_at = serializers.DateTimeField()


class Members(View):
    tag = "access"
    thing = "member"

    @operation(Right.SEE, "List the members", query=PageQuery, answer=page_of(MemberLine))
    def get(self, call: Call) -> Page:
        rows = page(members.of(call.tenant), call.query)
        safe = _safe(call, rows["data"])
        return shown(rows, lambda member: _line(member, safe))

    # A tenant that could add any account could find out which there are.
    @operation(
        Right.TENANTS,
        "Make an account a member (for the site)",
        body=NewMember,
        answer=MemberLine,
        status=201,
    )
    def post(self, call: Call) -> dict[str, Any]:
        user = people.account(call.body["person"])
        return _show(call, members.add(call.tenant, user, role=call.body["role"]))


class OneMember(View):
    tag = "access"
    thing = "member"

    @operation(Right.SEE, "Show a member", answer=MemberLine)
    def get(self, call: Call, member_id: int) -> dict[str, Any]:
        return _show(call, _one(call, member_id))

    @operation(Right.MEMBERS, "Change a member's role", body=NewRole, answer=MemberLine)
    def patch(self, call: Call, member_id: int) -> dict[str, Any]:
        member = _one(call, member_id)
        try:
            members.set_role(member, call.body["role"])
        except Member.DoesNotExist as error:
            raise ObjectNotFound("member") from error
        return _show(call, member)

    @operation(Right.MEMBERS, "Remove a member")
    def delete(self, call: Call, member_id: int) -> None:
        _remove(_one(call, member_id))


class Leaving(View):
    tag = "access"
    thing, deed = "member", "leave"

    @operation(Right.SEE, "Leave the tenant (for people, not for keys)")
    def post(self, call: Call) -> None:
        mine = members.of(call.tenant).filter(user=call.manager.user_id).first()
        if mine is None or call.manager.acting_as:
            raise Conflict("only who is a member can leave")
        _remove(mine)


def _one(call: Call, member_id: int) -> Member:
    member: Member = found(members.of(call.tenant), member_id, "member")
    return member


def _remove(member: Member) -> None:
    try:
        members.remove(member)
    except Member.DoesNotExist as error:
        raise ObjectNotFound("member") from error


def _safe(call: Call, rows: list[Member]) -> set[int] | None:
    """Who has a second factor; None where that is not the asker's business."""
    return second_factors.holders(row.user_id for row in rows) if call.is_site else None


def _show(call: Call, member: Member) -> dict[str, Any]:
    return _line(member, _safe(call, [member]))


def _line(member: Member, safe: set[int] | None) -> dict[str, Any]:
    told = {
        "id": member.pk,
        "role": member.role,
        "username": member.user.get_username(),
        "email": getattr(member.user, "email", ""),
        "created_at": member.created_at,
    }
    return told if safe is None else told | {"has_second_factor": member.user_id in safe}
