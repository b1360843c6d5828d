"""The people of a tenant and their roles."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from rest_framework import serializers

from billing.models import Member, Role, Tenant
from relay.api.v1.fields import Name, Strict
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import Conflict, InvalidRequest

PERSON_MAX_CHARS = 254


class NewRole(Strict):
    role = serializers.ChoiceField(choices=Role.values)


class NewMember(NewRole):
    person = Name(
        max_length=PERSON_MAX_CHARS, help_text="The user name or mail address of an account."
    )


class MemberLine(NewRole):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    created_at = serializers.DateTimeField()


class Members(View):
    tag = "access"

    @operation(Right.SEE, "List the members", query=PageQuery, answer=page_of(MemberLine))
    def get(self, call: Call) -> Page:
        return shown(page(_of(call), call.query), _show)

    # A tenant that could add any account could find out which there are.
    @operation(
        Right.TENANTS,
        "Make an account a member (for the site)",
        body=NewMember,
        answer=MemberLine,
        status=201,
    )
    def post(self, call: Call) -> dict[str, Any]:
        user = _account(call.body["person"])
        member = Member(tenant=call.tenant, user=user, role=call.body["role"])
        member.save(force_insert=True)
        member.refresh_from_db()
        return _show(member)


class OneMember(View):
    tag = "access"

    @operation(Right.MEMBERS, "Change a member's role", body=NewRole, answer=MemberLine)
    @transaction.atomic
    def patch(self, call: Call, member_id: int) -> dict[str, Any]:
        member = _replaceable(call, member_id, role=call.body["role"])
        member.role = call.body["role"]
        member.save(update_fields=["role"])
        return _show(member)

    @operation(Right.MEMBERS, "Remove a member")
    @transaction.atomic
    def delete(self, call: Call, member_id: int) -> None:
        _replaceable(call, member_id, role="").delete()


def _replaceable(call: Call, member_id: int, *, role: str) -> Member:
    """The member, if there is an owner besides or `role` is one. Raises Conflict."""
    # Two at once would each leave the other one's owner.
    Tenant.objects.select_for_update(no_key=True).get(pk=call.tenant.pk)
    member: Member = found(_of(call), member_id, "member")
    others = _of(call).filter(role=Role.OWNER).exclude(pk=member.pk)
    if member.role == Role.OWNER and role != Role.OWNER and not others.exists():
        raise Conflict("this is the last owner")
    return member


def _of(call: Call) -> QuerySet[Member]:
    return Member.objects.filter(tenant=call.tenant).select_related("user")


def _account(person: str) -> Any:
    users = get_user_model()._default_manager
    matching = users.filter(Q(username=person) | Q(email__iexact=person))[:2]
    if len(matching) != 1:
        raise InvalidRequest("person: there is no account of this name, or more than one")
    return matching[0]


def _show(member: Member) -> dict[str, Any]:
    return {
        "id": member.pk,
        "role": member.role,
        "username": member.user.get_username(),
        "email": getattr(member.user, "email", ""),
        "created_at": member.created_at,
    }
