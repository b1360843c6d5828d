"""Invitations: kept in the session until the one who holds it has an account and says yes."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from billing import invitations
from billing.errors import InvitationRefused, TenantDisabled
from billing.models import Invitation
from console.refusals import said
from relay.api.v1 import origins

SESSION_KEY = "_invitation"


def pending(request: HttpRequest) -> Invitation | None:
    """The invitation that led here, as long as it can be accepted."""
    if SESSION_KEY not in request.session:
        return None
    try:
        return invitations.find(request.session[SESSION_KEY])
    except (InvitationRefused, TenantDisabled):
        return None


@require_safe
@never_cache
def take(request: HttpRequest, token: str) -> HttpResponse:
    """The link itself. The token moves into the session, so that no page's address has it."""
    request.session[SESSION_KEY] = token[: invitations.TOKEN_MAX_CHARS + 1]
    return HttpResponseRedirect(reverse("invitation_page"))


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Asks the one who is signed in; the others, to sign in first."""
    try:
        found = invitations.find(request.session.get(SESSION_KEY, ""))
    except (InvitationRefused, TenantDisabled) as error:
        return _show(request, None, said(str(error)))
    return _show(request, found)


@require_POST
@login_required
def accept(request: HttpRequest) -> HttpResponse:
    token = request.session.get(SESSION_KEY, "")
    origin = origins.of(request, via="console")
    try:
        invitations.accept(token, request.user, origin)
    except (InvitationRefused, TenantDisabled) as error:
        return _show(request, None, said(str(error)))
    del request.session[SESSION_KEY]
    return HttpResponseRedirect(reverse("console:home"))


def _show(request: HttpRequest, found: Invitation | None, refused: str = "") -> HttpResponse:
    from console.accounts import sign_up  # it asks us

    shown: dict[str, Any] = {"invitation": found, "refused": refused}
    shown["may_sign_up"] = found is not None and sign_up.is_open(request)
    return render(request, "account/invitation.html", shown)
