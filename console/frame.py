"""What stands around every page: navigation, tenants to switch between, the person's own menu."""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.utils import timezone, translation

from billing.management_keys import Manager
from billing.models import Tenant
from common import site
from console import display, navigation
from console.accounts import acting
from console.security import PLACE
from console.who import manager_for, tenant_place, tenants_of
from relay.api.v1 import origins, roles
from relay.api.v1.announcements import Announcements
from relay.api.v1.operation import perform
from relay.api.v1.roles import Right

SWITCHER_MAX = 20


class Frame:
    """Nothing is asked of the database before a template uses it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def site_name(self) -> str:
        return str(site.value("site_name"))

    @property
    def has_mail(self) -> bool:
        return bool(settings.EMAIL_URL)

    @property
    def theme(self) -> str:
        return display.theme(self._request)

    @property
    def themes(self) -> Any:
        return [(name, label, icon) for name, (label, icon) in display.THEMES.items()]

    @property
    def languages(self) -> Any:
        return settings.LANGUAGES

    @property
    def language(self) -> str:
        return translation.get_language() or settings.LANGUAGE_CODE

    @property
    def zone(self) -> str:
        return timezone.get_current_timezone_name()

    @property
    def here(self) -> str:
        return self._request.get_full_path()

    @cached_property
    def person(self) -> Any:
        """Who is signed in; None for nobody, and where Django has not come so far."""
        user = getattr(self._request, "user", None)
        return user if user is not None and user.is_authenticated else None

    @cached_property
    def staff(self) -> Manager | None:
        return self._manager(None)

    @cached_property
    def tenant(self) -> Tenant | None:
        """Whose pages these are; on those of the account the only one that the person has."""
        match = self._request.resolver_match
        tenant_id = match.kwargs.get("tenant_id") if match else None
        if tenant_id is None:
            return self.tenants[0] if len(self.tenants) == 1 and not self.staff else None
        if self._manager(tenant_id) is None:
            return None
        return Tenant.objects.filter(pk=tenant_id).first()

    @cached_property
    def tenants(self) -> list[Tenant]:
        """Those that the person is a member of."""
        if self.person is None:
            return []
        return list(tenants_of(self.person)[:SWITCHER_MAX])

    @property
    def home(self) -> str:
        return PLACE

    @property
    def tenant_place(self) -> str:
        return tenant_place(self.tenant.pk) if self.tenant else PLACE

    @property
    def acting(self) -> acting.Acting | None:
        """As whom one of the staff looks at this."""
        return acting.of(self._request)

    @cached_property
    def announcements(self) -> list[Any]:
        """What the site has to tell the tenant."""
        if self.tenant is None or not (who := self._manager(self.tenant.pk)):
            return []
        answer = perform(
            Announcements,
            "get",
            who=who,
            tenant_id=self.tenant.pk,
            origin=origins.of(self._request, via="console"),
        )
        return list(answer["data"])

    @cached_property
    def staff_links(self) -> Any:
        return self._links(navigation.STAFF, PLACE, self.staff)

    @cached_property
    def tenant_links(self) -> Any:
        if self.tenant is None:
            return []
        return self._links(navigation.TENANT, self.tenant_place, self._manager(self.tenant.pk))

    def _links(self, sections: Any, base: str, who: Manager | None) -> Any:
        if who is None:
            return []
        rights = frozenset(right for right in Right if roles.allows(who, right))
        return navigation.links(sections, base=base, here=self._request.path, rights=rights)

    def _manager(self, tenant_id: int | None) -> Manager | None:
        if self.person is None:
            return None
        try:
            return manager_for(self._request, tenant_id)
        except Http404:
            return None
