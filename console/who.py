"""Who looks at a page, as the API knows them.

@tenant_page
@only_with(Right.KEYS)
@fresh_sign_in
def rotate(request: HttpRequest, tenant_id: int, key_id: int) -> HttpResponse:
    ...
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import (
    did_recently_reauthenticate,
    get_reauthentication_flows,
)
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from billing import limits, management_keys
from billing.errors import TenantDisabled
from billing.management_keys import Manager
from billing.models import Member, StaffMember, StaffRole, Tenant
from console.accounts import acting, sessions
from console.security import PLACE
from relay.api.v1 import roles
from relay.api.v1.roles import Right

Page = Callable[..., HttpResponse]

SAFE = ("GET", "HEAD", "OPTIONS")


def manager_for(request: HttpRequest, tenant_id: int | None = None) -> Manager:
    """The person as one of the tenant's members, or as one of the site's staff; asked once for
    each request. Raises Http404 for who is neither, RateLimited for who asks too much."""
    known: dict[int | None, Manager | None] = request.__dict__.setdefault("_managers", {})
    if tenant_id not in known:
        found = _manager(request, tenant_id)
        if found is not None and not known:
            limits.take(limits.manages(found))
        known[tenant_id] = found
    found = known[tenant_id]
    if found is None:
        raise Http404
    return found


def staff_page(page: Page) -> Page:
    """Only for the site's staff; nobody else learns that the page is there."""

    @login_required
    @wraps(page)
    def shown(request: HttpRequest, *args: Any, **ids: Any) -> HttpResponse:
        manager_for(request)
        return page(request, *args, **ids)

    return shown


def tenant_page(page: Page) -> Page:
    """For the tenant's members and the site's staff. The members of a disabled tenant are told
    so: TenantDisabled."""

    @login_required
    @wraps(page)
    def shown(request: HttpRequest, tenant_id: int, **ids: Any) -> HttpResponse:
        if not manager_for(request, tenant_id).is_site:
            _demand_active(tenant_id)
        return page(request, tenant_id=tenant_id, **ids)

    return shown


def only_with(right: Right, *, site: Right | None = None) -> Callable[[Page], Page]:
    """A form only for those whom the API would let send it: RoleNotAllowed, before anybody has
    filled it in. `site`: the right where the page is not about a tenant. Stands right below
    tenant_page, staff_page or either_page."""

    def decorate(page: Page) -> Page:
        @wraps(page)
        def shown(request: HttpRequest, *args: Any, **ids: Any) -> HttpResponse:
            tenant_id = ids.get("tenant_id")
            wanted = site if site is not None and tenant_id is None else right
            roles.demand(manager_for(request, tenant_id), wanted)
            return page(request, *args, **ids)

        return shown

    return decorate


def fresh_sign_in(page: Page) -> Page:
    """What changes money, prices, secrets or roles: asks a person whose sign-in is older than
    SIGN_IN_FRESH_SECONDS to confirm it, and leads back to where he was. Looking is free."""

    @wraps(page)
    def shown(request: HttpRequest, *args: Any, **ids: Any) -> HttpResponse:
        if request.method in SAFE or is_fresh(request):
            return page(request, *args, **ids)
        return _confirm(request)

    return shown


def fresh_sign_in_to_see(page: Page) -> Page:
    """The same for looking, too: where a long form would be lost, or a secret is shown."""

    @wraps(page)
    def shown(request: HttpRequest, *args: Any, **ids: Any) -> HttpResponse:
        return page(request, *args, **ids) if is_fresh(request) else _confirm(request)

    return shown


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person has signed in, or confirmed it, a short while ago."""
    if get_reauthentication_flows(request.user):
        return did_recently_reauthenticate(request)
    # Only another provider knows him: nothing but a new sign-in can confirm it.
    began = request.session.get(sessions.BEGAN, 0)
    return bool(time.time() - began < settings.SIGN_IN_FRESH_SECONDS)


def tenants_of(user: Any) -> QuerySet[Tenant]:
    """Those that a person is a member of, by name."""
    return Tenant.objects.filter(member__user=user).order_by("name")


def staff_role(user: Any) -> str | None:
    """Which of the site's staff somebody is: the list of staff says it, and nothing else does.
    (`manage.py createsuperuser` writes it there.)"""
    row = StaffMember.objects.filter(user_id=user.pk, is_active=True).first()
    return row.role if row is not None else None


def place_of(request: HttpRequest) -> str:
    """Where a person belongs after signing in: "" for who belongs nowhere."""
    if found := acting.of(request):
        return tenant_place(found.tenant_id)
    if staff_role(request.user):
        return f"{PLACE}overview/"
    tenant = tenants_of(request.user).first()
    return tenant_place(tenant.pk) if tenant else ""


def tenant_place(tenant_id: int) -> str:
    """Where a tenant's pages begin."""
    return f"{PLACE}tenants/{tenant_id}/"


def _manager(request: HttpRequest, tenant_id: int | None) -> Manager | None:
    user: Any = request.user
    if not user.is_authenticated:
        return None
    name = user.email or user.get_username()
    if found := acting.of(request):
        if tenant_id != found.tenant_id:
            return None
        role, as_whom = found.role, found.member_name
        return management_keys.person(
            user_id=user.pk, name=name, role=role, tenant_id=tenant_id, acting_as=as_whom
        )
    site_role = staff_role(user)
    if site_role != StaffRole.OPERATOR and tenant_id is not None:
        member = Member.objects.filter(user_id=user.pk, tenant_id=tenant_id).first()
        if member is not None:
            return management_keys.person(
                user_id=user.pk, name=name, role=member.role, tenant_id=tenant_id
            )
    if site_role is None:
        return None
    return management_keys.person(user_id=user.pk, name=name, role=site_role, tenant_id=None)


def _demand_active(tenant_id: int) -> None:
    if not Tenant.objects.filter(pk=tenant_id, is_active=True).exists():
        raise TenantDisabled


def _confirm(request: HttpRequest) -> HttpResponse:
    """(Of a redirect console/errors.py makes what htmx follows.)"""
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    messages.info(request, gettext("Please confirm that it is you, then do it once more."))
    if methods:
        url = methods[0]["url"]
    else:
        logout(request)
        url = reverse("account_login")
    return HttpResponseRedirect(f"{url}?{urlencode({REDIRECT_FIELD_NAME: _here(request)})}")


def _here(request: HttpRequest) -> str:
    """The page that the person sees, as a path of this site."""
    if request.method in SAFE and not request.headers.get("HX-Request"):
        return request.get_full_path()
    seen = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not url_has_allowed_host_and_scheme(seen, {request.get_host()}):
        return PLACE
    parts = urlsplit(seen)
    return parts.path + (f"?{parts.query}" if parts.query else "")
