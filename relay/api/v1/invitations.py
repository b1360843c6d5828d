"""Inviting people to a tenant."""

from typing import Any

from rest_framework import serializers

from billing import invitations
from billing.models import Role
from relay.api.v1 import people
from relay.api.v1.fields import Strict
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import Page, page_of
from relay.api.v1.people import Email, InvitationLine, InvitationQuery, MadeInvitation
from relay.api.v1.roles import Right


class NewInvitation(Strict):
    email = Email()
    role = serializers.ChoiceField(choices=Role.values)


class Invitations(View):
    tag = "access"
    thing = "invitation"

    @operation(
        Right.INVITE,
        "List the invitations",
        query=InvitationQuery,
        answer=page_of(InvitationLine),
    )
    def get(self, call: Call) -> Page:
        return people.listed(call, call.tenant)

    @operation(
        Right.INVITE,
        "Invite somebody to become a member",
        body=NewInvitation,
        answer=MadeInvitation,
        status=201,
        refusals=(429,),
    )
    def post(self, call: Call) -> dict[str, Any]:
        _may_touch(call, call.body["role"])
        return people.invite(call, call.tenant)


class OneInvitation(View):
    tag = "access"
    thing = "invitation"

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        return InvitationLine, people.invitation(call.tenant, ids["invitation_id"])

    @operation(Right.INVITE, "Withdraw an invitation")
    def delete(self, call: Call, invitation_id: int) -> None:
        row = people.invitation(call.tenant, invitation_id)
        _may_touch(call, row.role)
        invitations.withdraw(row)


def _may_touch(call: Call, role: str) -> None:
    """Nobody makes somebody, or unmakes him, who may do more."""
    if role == Role.OWNER:
        call.demand(Right.MEMBERS)
