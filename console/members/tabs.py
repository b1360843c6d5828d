"""The pages about who may come in, of a tenant or the site: people, invitations, keys."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from console.pages import may
from console.places import Tab, tabs, url
from relay.api.v1.roles import Right


def pages(request: HttpRequest, tenant_id: int | None) -> list[Tab]:
    people = "members" if tenant_id is not None else "staff"
    inviting = Right.INVITE if tenant_id is not None else Right.STAFF
    found = [(_("People"), url(people, tenant_id))]
    if may(request, inviting, tenant_id):
        found.append((_("Invitations"), url("invitations", tenant_id)))
    if may(request, Right.SEE_MANAGEMENT_KEYS, tenant_id):
        found.append((_("Management keys"), url("management-keys", tenant_id)))
    return tabs(request, found)
