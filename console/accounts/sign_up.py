"""Who may make an account, and what is made along with it."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.crypto import get_random_string

from billing import sign_ups
from billing.models import Member, Role, Tenant
from common import site
from common.site import INVITATION, OPEN
from console.accounts import invitations
from console.models import SignUp

TENANT_NAME_MAX_CHARS = 100
NAME_TRIES = 8
SUFFIX_CHARS = 6


def mode() -> str:
    """`closed`, `invitation` (whoever has one) or `open` (everybody)."""
    found: str = site.value("sign_up")
    return found


def is_open(request: HttpRequest) -> bool:
    if invitations.pending(request):
        return mode() in (OPEN, INVITATION)
    # Where only some addresses may, one has to be confirmed.
    return mode() == OPEN and bool(settings.EMAIL_URL or not site.value("sign_up_domains"))


def admits(request: HttpRequest, mail: str) -> bool:
    """Whether the site takes people with this mail address; an invited one is taken anyway."""
    return invitations.pending(request) is not None or sign_ups.admits(mail)


def remember(request: HttpRequest, user: Any) -> None:
    """Promises a tenant to somebody who has just made an account without being invited."""
    if mode() == OPEN and not invitations.pending(request):
        SignUp.objects.get_or_create(user=user)


@transaction.atomic
def fulfil(user: Any) -> None:
    """Makes the promised tenant, once, however often and from wherever he signs in."""
    promise = SignUp.objects.select_for_update().filter(user=user, tenant=None).first()
    if promise is None:
        return
    promise.tenant = _tenant(user.get_username())
    promise.save(update_fields=["tenant"])
    Member.objects.create(tenant=promise.tenant, user=user, role=Role.OWNER)


def _tenant(name: str) -> Tenant:
    """A tenant of this name, or of one like it when that is taken."""
    for number in range(NAME_TRIES):
        suffix = f"-{get_random_string(SUFFIX_CHARS).lower()}" if number else ""
        wanted = name[: TENANT_NAME_MAX_CHARS - len(suffix)] + suffix
        try:
            with transaction.atomic():
                return sign_ups.open_tenant(name=wanted, actor="sign-up")
        except IntegrityError:
            if number == NAME_TRIES - 1:
                raise
    raise AssertionError("unreachable")
