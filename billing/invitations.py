"""Invitations by mail to become a member of a tenant, or one of the site's own people.

Who has the link may accept, once, as whoever he is signed in: the mail address says where it went.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from billing import digests, limits, members, staff
from billing.errors import InvitationRefused, TenantDisabled
from billing.limits import Limit
from billing.models import Invitation, Member, Role, StaffMember, StaffRole, Tenant
from common import audit, languages, mails, site
from common.audit import Author, Kind, Origin

EXPIRY = timedelta(days=7)
TOKEN_BYTES = 32
TOKEN_MAX_CHARS = 100
OPEN_MAX = 200
PER_MINUTE = 20
UNKNOWN = "this invitation is not valid; it may have been withdrawn or replaced by a newer one"
USED = "this invitation has been accepted already"
EXPIRED = "this invitation has expired, please ask for a new one"
TWICE = "you are one of them already, so there is nothing to accept"


@transaction.atomic
def invite(
    *, tenant: Tenant | None, email: str, role: str, actor: str, by_site: bool
) -> tuple[Invitation, str]:
    """A new invitation, without a tenant to the site's staff: (row, link). An older one to the same
    address is worth nothing from then on. When mail is set up, the link is mailed after the commit.

    Raises InvitationRefused, RateLimited, and IntegrityError (invitation_is_open_once) when
    somebody else does the same at once.
    """
    whose = "this site" if tenant is None else "this tenant"
    subject = "invite:site" if tenant is None else f"invite:{tenant.pk}"
    limits.take([Limit(subject, PER_MINUTE, whose, "invitations")])
    _check_new(tenant, email)
    still_open(tenant).filter(email__iexact=email).delete()
    if still_open(tenant).count() >= OPEN_MAX:
        raise InvitationRefused(f"{OPEN_MAX} invitations are open; withdraw some first")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = Invitation(
        tenant=tenant,
        email=email,
        role=role,
        digest=_digest(token),
        invited_by=actor,
        by_site=by_site,
        expires_at=timezone.now() + EXPIRY,
    )
    row.save(force_insert=True)
    row.refresh_from_db()
    link = f"{settings.PUBLIC_URL}/console/account/invitation/{token}/"
    if is_mailed():
        transaction.on_commit(lambda: _mail(row, link))
    return row, link


def is_mailed() -> bool:
    """Whether the link goes out by mail, too."""
    return bool(settings.EMAIL_URL)


def still_open(tenant: Tenant | None) -> Any:
    """Neither accepted nor withdrawn; some have expired."""
    return Invitation.objects.filter(tenant=tenant, accepted_at=None)


def withdraw(row: Invitation) -> None:
    """Raises InvitationRefused."""
    if not Invitation.objects.filter(pk=row.pk, accepted_at=None).delete()[0]:
        raise InvitationRefused(USED)


def find(token: str) -> Invitation:
    """What one is invited to. Raises InvitationRefused, TenantDisabled: nothing can be accepted."""
    row = _known(token) if _can_be(token) else None
    if row is None:
        raise InvitationRefused(UNKNOWN)
    if row.accepted_at is not None:
        raise InvitationRefused(USED)
    if row.expires_at <= timezone.now():
        raise InvitationRefused(EXPIRED)
    if row.tenant is not None and not row.tenant.is_active:
        raise TenantDisabled
    return row


def accept(token: str, user: Any, origin: Origin | None = None) -> Member | StaffMember:
    """Makes `user` what the invitation says, exactly once.

    Raises InvitationRefused, after which the invitation is as it was; TenantDisabled.
    """
    row = find(token)
    try:
        return _accept(row, user, origin)
    except IntegrityError as error:
        # Somebody else made the person a member in this very moment.
        raise InvitationRefused(TWICE) from error


@transaction.atomic
def _accept(row: Invitation, user: Any, origin: Origin | None) -> Member | StaffMember:
    now = timezone.now()
    mine = Invitation.objects.filter(pk=row.pk, accepted_at=None, expires_at__gt=now)
    if not mine.update(accepted_at=now, accepted_by=user):
        # Withdrawn, or accepted by a twin of this request.
        raise InvitationRefused(USED if Invitation.objects.filter(pk=row.pk).exists() else UNKNOWN)
    made = _join_staff(row, user) if row.tenant is None else _join(row.tenant, row, user)
    audit.record(
        Author(
            name=user.email or user.get_username(),
            kind=Kind.PERSON,
            is_site=row.tenant is None,
            user_id=user.pk,
        ),
        "accept invitation",
        kind="staff member" if row.tenant is None else "member",
        pk=made.pk,
        tenant_id=row.tenant_id,
        after={"role": row.role, "email": row.email, "user": user.get_username()},
        origin=origin,
    )
    return made


def _join(tenant: Tenant, row: Invitation, user: Any) -> Member:
    if members.of(tenant).filter(user=user).exists():
        raise InvitationRefused(TWICE)
    return members.add(tenant, user, role=row.role)


def _join_staff(row: Invitation, user: Any) -> StaffMember:
    """Who was one of them before is one again."""
    known = StaffMember.objects.filter(user=user).first()
    if known is None:
        return staff.add(user, role=row.role)
    if known.is_active:
        raise InvitationRefused(TWICE)
    staff.change(known, role=row.role, is_active=True)
    return known


def _check_new(tenant: Tenant | None, email: str) -> None:
    if tenant is not None:
        is_there = members.of(tenant).filter(user__email__iexact=email).exists()
    else:
        active = StaffMember.objects.filter(is_active=True)
        is_there = active.filter(user__email__iexact=email).exists()
    if is_there:
        raise InvitationRefused("a person of this address is one of them already")


def _known(token: str) -> Invitation | None:
    rows = Invitation.objects.select_related("tenant")
    row = rows.filter(digest=_digest(token)).first()
    if row is None and digests.renew("billing_invitation", "digest", message=_message(token)):
        row = rows.filter(digest=_digest(token)).first()
    return row


def _can_be(token: str) -> bool:
    return bool(token) and len(token) <= TOKEN_MAX_CHARS and token.isascii() and token.isprintable()


def _digest(token: str) -> bytes:
    return digests.digest(_message(token))


def _message(token: str) -> bytes:
    return b"invitation:" + token.encode()


def _mail(row: Invitation, link: str) -> None:
    """Who invites has the link too, so a mail that cannot be sent is no reason to fail."""
    with override(_language(row)):
        subject, text = _words(row)
    text = f"{text}\n\n{link}"
    mails.try_to_send(row.email, subject=subject, text=text, what=f"invitation {row.pk}")


def _language(row: Invitation) -> str:
    """Of who is invited; of a stranger that of the one who invites, if that is not the API's."""
    own = get_language() or settings.LANGUAGE_CODE
    return languages.chosen(row.email) or (
        own if own != settings.LANGUAGE_CODE else languages.of_site()
    )


def _words(row: Invitation) -> tuple[str, str]:
    names = {"site": site.value("site_name"), "role": _role(row)}
    if row.tenant is None:
        subject = _("You are invited to run %(site)s")
        text = _("You are invited to become one of the people who run %(site)s, as %(role)s.")
    else:
        names["tenant"] = row.tenant.name
        subject = _("You are invited to %(tenant)s at %(site)s")
        text = _("You are invited to become a member of %(tenant)s at %(site)s, as %(role)s.")
    ending = _("This link is good for 7 days, and for one person:")
    return subject % names, f"{text % names}\n\n{ending}"


def _role(row: Invitation) -> str:
    kind = StaffRole if row.tenant is None else Role
    return _(str(kind(row.role).label))
