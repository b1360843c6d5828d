"""Pages of accounts that allauth does not have, or not so."""

from typing import Any

from allauth.account import views as allauth
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.models import Member, StaffRole
from console import who
from console.accounts import acting, sign_up
from console.security import PLACE
from relay.operators import first_run


class SignIn(allauth.LoginView):
    """Before there is an operator it leads to where the first one is made; people who were
    imported find the way back from there."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "people" not in request.GET and first_run.is_open():
            return HttpResponseRedirect(reverse("first_run"))
        answer: HttpResponse = super().get(request, *args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().get_context_data(**kwargs)
        return shown | {"may_sign_up": sign_up.is_open(self.request)}


class ResetPassword(allauth.PasswordResetView):
    """Without mail there is no way to reset a password; the page says whom to ask."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.EMAIL_URL:
            return render(request, "account/no_mail.html")
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer


@login_required
def overview(request: HttpRequest) -> HttpResponse:
    factors = Authenticator.objects.filter(user_id=request.user.pk)
    kinds = list(factors.values_list("type", flat=True))
    shown = {
        "has_mail": bool(settings.EMAIL_URL),
        "has_app": Authenticator.Type.TOTP in kinds,
        "keys_count": kinds.count(Authenticator.Type.WEBAUTHN),
        "has_providers": bool(settings.SOCIALACCOUNT_PROVIDERS),
    }
    return render(request, "account/overview.html", shown)


@require_POST
@who.staff_page
@who.fresh_sign_in
def sign_in_as(request: HttpRequest, member_id: int) -> HttpResponse:
    """For operators only: the tenant's console as this member sees it."""
    if who.manager_for(request).role != StaffRole.OPERATOR:
        raise Http404
    rows = Member.objects.select_related("user", "tenant").filter(user__is_active=True)
    member = rows.filter(pk=member_id).first()
    if member is None:
        raise Http404
    acting.begin(request, member)
    return HttpResponseRedirect(who.tenant_place(member.tenant_id))


@require_POST
@login_required
def end_acting(request: HttpRequest) -> HttpResponse:
    found = acting.of(request)
    if found is None:
        return HttpResponseRedirect(PLACE)
    acting.end(request, found)
    return HttpResponseRedirect(who.tenant_place(found.tenant_id))
