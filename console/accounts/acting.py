"""Signing in as: one of the site's operators sees a tenant's console as a member of it does.

It is for looking only. What is done in a member's name could not be told from what he did himself,
so whatever would change anything is refused here, in one place; the operator's own console can do
all of it under his own name. The audit has the beginning and the end, with both names.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext

from billing.models import Member
from common import audit
from common.audit import Author
from console import errors
from console.security import PLACE
from relay.api.v1 import origins

Handler = Callable[[HttpRequest], HttpResponse]

SESSION_KEY = "_acting"
ACTING_SECONDS = 30 * 60
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Acting:
    """`until`: seconds since 1970."""

    member_id: int
    member_name: str
    role: str
    tenant_id: int
    tenant_name: str
    until: float

    @property
    def minutes_left(self) -> int:
        return max(int(self.until - time.time()) // 60, 0)


def of(request: HttpRequest) -> Acting | None:
    """As whom the person looks at the console; for templates, too, as `request.acting`."""
    found: Acting | None = getattr(request, "acting", None)
    return found


@transaction.atomic
def begin(request: HttpRequest, member: Member) -> None:
    """The operator is signed in, and stays so."""
    _write(request, member, "sign in as")
    request.session[SESSION_KEY] = {"member": member.pk, "until": time.time() + ACTING_SECONDS}


@transaction.atomic
def end(request: HttpRequest, found: Acting) -> None:
    """Back to being an operator."""
    del request.session[SESSION_KEY]
    member = Member.objects.filter(pk=found.member_id).select_related("user").first()
    if member is not None:
        _write(request, member, "stop signing in as")


def notice(get_response: Handler) -> Handler:
    """Middleware: sets `request.acting`, and refuses what would change anything meanwhile."""

    def handle(request: HttpRequest) -> HttpResponse:
        request.acting = None  # type: ignore[attr-defined]
        if request.path_info.startswith(PLACE) and SESSION_KEY in request.session:
            request.acting = _look(request)  # type: ignore[attr-defined]
        if of(request) and request.method not in SAFE and request.path_info not in _allowed():
            text = gettext("You only look at this as somebody else. End that first.")
            return errors.page(request, 403, text)
        return get_response(request)

    return handle


def _look(request: HttpRequest) -> Acting | None:
    """None, and no more in the session, as soon as anything of it is not so any more."""
    from console.who import staff_role  # it asks us

    stored = request.session[SESSION_KEY]
    rows = Member.objects.select_related("user", "tenant")
    member = rows.filter(pk=stored["member"], user__is_active=True).first()
    is_operator = request.user.is_authenticated and staff_role(request.user) == "operator"
    if member is None or not is_operator or stored["until"] < time.time():
        del request.session[SESSION_KEY]
        messages.info(request, gettext("You are yourself again."))
        return None
    return Acting(
        member_id=member.pk,
        member_name=member.user.get_username(),
        role=member.role,
        tenant_id=member.tenant_id,
        tenant_name=member.tenant.name,
        until=stored["until"],
    )


def _allowed() -> tuple[str, ...]:
    names = ("end_acting", "account_logout", "console:sign-out", "console:display")
    return tuple(reverse(name) for name in names)


def _write(request: HttpRequest, member: Member, deed: str) -> None:
    user: Any = request.user
    whom = member.user.get_username()
    audit.record(
        Author(
            user.email or user.get_username(), audit.Kind.PERSON, user_id=user.pk, acting_as=whom
        ),
        deed,
        kind="member",
        pk=member.pk,
        tenant_id=member.tenant_id,
        after={"username": whom, "role": member.role},
        origin=origins.of(request, via="console"),
    )
