"""What members and the site's own people have in common: accounts and invitations."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from rest_framework import serializers

from billing import invitations
from billing.models import Invitation, Tenant
from relay.api.v1.fields import Flag, Name, Once, Strict, Text
from relay.api.v1.operation import Call, found
from relay.api.v1.paging import Page, PageQuery, page, shown
from relay.errors import InvalidRequest

PERSON_MAX_CHARS = 254
THE_SITE = "the site"


class Email(Text, serializers.EmailField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": PERSON_MAX_CHARS, **kwargs})


def person() -> Name:
    return Name(max_length=PERSON_MAX_CHARS, help_text="The user name or mail address.")


class InvitationLine(Strict):
    id = serializers.IntegerField()
    email = serializers.CharField()
    role = serializers.CharField()
    invited_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)


class MadeInvitation(Strict):
    link = Once(help_text="Where it is accepted. Shown this once only.")
    is_mailed = serializers.BooleanField(help_text="Whether the link is mailed, too.")
    details = InvitationLine()


class InvitationQuery(PageQuery):
    is_open = Flag(required=False, help_text="Not accepted; it may have expired.")


class AccountLine(Strict):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()


def account_line(user: Any) -> dict[str, Any]:
    return {"id": user.pk, "username": user.get_username(), "email": user.email}


def account(name: str) -> Any:
    """The user of this name or address. Raises InvalidRequest."""
    user = named(name)
    if user is None:
        raise InvalidRequest("person: there is no account of this name, or more than one")
    return user


def named(name: str) -> Any | None:
    """The same; None for nobody, or for several."""
    users = get_user_model()._default_manager
    matching = users.filter(Q(username=name) | Q(email__iexact=name))[:2]
    return matching[0] if len(matching) == 1 else None


def invite(call: Call, tenant: Tenant | None) -> dict[str, Any]:
    row, link = invitations.invite(
        tenant=tenant, actor=call.actor, by_site=call.manager.author.is_site, **call.body
    )
    return {"link": link, "is_mailed": invitations.is_mailed(), "details": show(row, call)}


def listed(call: Call, tenant: Tenant | None) -> Page:
    rows = Invitation.objects.filter(tenant=tenant)
    if "is_open" in call.query:
        rows = rows.filter(accepted_at__isnull=call.query["is_open"])
    return shown(page(rows, call.query), lambda row: show(row, call))


def invitation(tenant: Tenant | None, invitation_id: int) -> Invitation:
    """Raises ObjectNotFound."""
    row: Invitation = found(Invitation.objects.filter(tenant=tenant), invitation_id, "invitation")
    return row


def show(row: Invitation, call: Call) -> dict[str, Any]:
    """A tenant is not told who of the site it was."""
    told = {name: getattr(row, name) for name in InvitationLine._declared_fields}
    return told | ({"invited_by": THE_SITE} if row.by_site and not call.is_site else {})
