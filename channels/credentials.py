"""The credentials of a channel: several share its work, and each has a state of its own.

A secret goes in and is never shown again. A task stays with the credential that made it, also when
that is switched off meanwhile; so one that has drawn cannot be deleted.

Whoever writes both a credential and its channel takes the channel first, so that no two wait for
each other.
"""

import enum
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from channels import states
from channels.history import fitting, tell
from channels.models import Channel, ChannelEvent, Credential

if TYPE_CHECKING:
    from channels.selection import Upstream

SECRET_MAX_CHARS = 2000
_Kind = ChannelEvent.Kind


class Consequence(enum.Enum):
    """What became of a credential that its upstream has refused."""

    NOTHING_NEW = enum.auto()
    SWITCHED_OFF = enum.auto()
    # It was the last one.
    CHANNEL_DISABLED = enum.auto()


def check(secret: str) -> str:
    """The secret itself. Raises ValidationError for what no HTTP header can carry."""
    if len(secret) > SECRET_MAX_CHARS:
        raise ValidationError(f"a secret has at most {SECRET_MAX_CHARS} characters")
    if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
        raise ValidationError(
            "a secret is sent in an HTTP header: plain ASCII signs, no blanks around it"
        )
    return secret


@transaction.atomic
def add(channel: Channel, *, name: str, secret: str, actor: str) -> Credential:
    """Raises ValidationError, IntegrityError for a name that the channel has already."""
    made = Credential.objects.create(channel=channel, name=name, secret=check(secret))
    tell(channel.pk, _Kind.CREDENTIAL_MADE, text=name, actor=actor)
    return made


@transaction.atomic
def change(
    credential: Credential,
    *,
    actor: str,
    name: str | None = None,
    secret: str | None = None,
    is_active: bool | None = None,
) -> Credential:
    """What is None stays as it is. Raises ValidationError, IntegrityError."""
    fields: dict[str, object] = {}
    if name is not None:
        fields["name"] = name
    if secret is not None:
        fields["secret"] = check(secret)
    if fields:
        what = f"{credential.name}: {', '.join(sorted(fields))}"
        tell(credential.channel_id, _Kind.CREDENTIAL_CHANGED, text=what, actor=actor)
    if is_active is not None and is_active != credential.is_active:
        kind = _Kind.CREDENTIAL_ON if is_active else _Kind.CREDENTIAL_OFF
        tell(credential.channel_id, kind, text=name or credential.name, actor=actor)
        fields |= {"is_active": is_active, "reason": "", "refused_at": None, "rests_until": None}
    for field, value in fields.items():
        setattr(credential, field, value)
    if fields:
        credential.save(update_fields=list(fields))
    return credential


@transaction.atomic
def remove(credential: Credential, *, actor: str) -> None:
    """Raises ProtectedError when tasks were drawn with it."""
    name, channel_id = credential.name, credential.channel_id
    credential.delete()
    tell(channel_id, _Kind.CREDENTIAL_GONE, text=name, actor=actor)


@transaction.atomic
def refused(upstream: "Upstream", *, why: str) -> Consequence:
    """The upstream does not take our secret: it is used no more, and without any other one the
    channel neither."""
    channel = Channel.objects.select_for_update(no_key=True).filter(pk=upstream.id).first()
    if channel is None:
        return Consequence.NOTHING_NEW
    is_off = _switch_off(upstream, why)
    if Credential.objects.filter(channel=channel, is_active=True).exists():
        return Consequence.SWITCHED_OFF if is_off else Consequence.NOTHING_NEW
    if channel.state == Channel.State.DISABLED:
        return Consequence.NOTHING_NEW
    reason = f"the upstream refuses our credential: {why}"
    states.set_state(upstream.id, Channel.State.DISABLED, actor="", reason=reason)
    return Consequence.CHANNEL_DISABLED


def taken_again(credential: Credential) -> bool:
    """A free question with a refused credential was answered. It is noted once, and no more: who
    has refused it may know why, so a person switches it on."""
    with transaction.atomic():
        rows = Credential.objects.filter(pk=credential.pk, refused_at__isnull=False)
        if not rows.update(refused_at=None):
            return False
        text = f"{credential.name}: the upstream takes it again; it stays off until it is enabled"
        tell(credential.channel_id, _Kind.CREDENTIAL_WORKS, text=text)
    return True


def _switch_off(upstream: "Upstream", why: str) -> bool:
    """Unless it has got another secret while the upstream was asked."""
    if upstream.credential_id is None:
        return False
    rows = Credential.objects.select_for_update(no_key=True)
    credential = rows.filter(pk=upstream.credential_id, is_active=True).first()
    if credential is None or credential.secret != upstream.secret:
        return False
    Credential.objects.filter(pk=credential.pk).update(
        is_active=False, reason=fitting(why), refused_at=Now()
    )
    tell(upstream.id, _Kind.CREDENTIAL_OFF, text=f"{credential.name}: {why}")
    return True
