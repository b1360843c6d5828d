"""The credentials of a channel: several share its work. A secret goes in and never comes out."""

from typing import Any

from django.db.models import ProtectedError, QuerySet
from rest_framework import serializers

from channels import credentials
from channels.models import Credential
from relay.api.v1 import channels
from relay.api.v1.channels import Secret
from relay.api.v1.fields import Flag, Name, Strict
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import list_of
from relay.api.v1.roles import Right
from relay.errors import Conflict

MOST = 100


class CredentialFields(Strict):
    """What may be set of a credential; in a change, what is not sent stays as it is."""

    name = Name(required=False)
    secret = Secret(required=False)
    is_active = Flag(
        required=False,
        help_text="Whether it gets work. What it has drawn is followed through it all the same.",
    )


class NewCredential(Strict):
    name = Name()
    secret = Secret()


class CredentialLine(Strict):
    """A credential, without its secret."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    is_active = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it was switched off, if we did it.")
    refused_at = serializers.DateTimeField(
        allow_null=True, help_text="When the upstream refused it; null when it takes it again."
    )
    rests_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class Credentials(View):
    tag = "channels"
    thing = "credential"
    site_only = True

    @operation(Right.SEE_SITE, "List the credentials of a channel", answer=list_of(CredentialLine))
    def get(self, call: Call, channel_id: int) -> dict[str, Any]:
        return {"data": _of(channel_id).order_by("pk")}

    @operation(
        Right.CHANNELS, "Add a credential", body=NewCredential, answer=CredentialLine, status=201
    )
    def post(self, call: Call, channel_id: int) -> Credential:
        channel = channels.one(channel_id)
        if channel.credentials.count() >= MOST:
            raise Conflict(f"a channel has at most {MOST} credentials")
        made = credentials.add(channel, **call.body, actor=call.actor)
        made.refresh_from_db()
        return made


class OneCredential(View):
    tag = "channels"
    thing = "credential"
    site_only = True

    @operation(Right.SEE_SITE, "Show a credential", answer=CredentialLine)
    def get(self, call: Call, channel_id: int, credential_id: int) -> Credential:
        return _one(channel_id, credential_id)

    @operation(Right.CHANNELS, "Change a credential", body=CredentialFields, answer=CredentialLine)
    def patch(self, call: Call, channel_id: int, credential_id: int) -> Credential:
        return credentials.change(_one(channel_id, credential_id), actor=call.actor, **call.body)

    @operation(Right.CHANNELS, "Delete a credential that was never used")
    def delete(self, call: Call, channel_id: int, credential_id: int) -> None:
        try:
            credentials.remove(_one(channel_id, credential_id), actor=call.actor)
        except ProtectedError as error:
            raise Conflict(
                "it has been given tasks, which are followed through it; switch it off"
            ) from error


def _of(channel_id: int) -> QuerySet[Credential]:
    return Credential.objects.filter(channel=channels.one(channel_id))


def _one(channel_id: int, credential_id: int) -> Credential:
    credential: Credential = found(_of(channel_id), credential_id, "credential")
    return credential
