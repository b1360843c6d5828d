"""Who did what, why, and from where: all of it for the site's operators, its own for a tenant."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import by_name
from console.audit import deeds, people, widgets
from console.lists import Column, List
from console.pages import may
from console.places import either_page
from relay.api.v1 import audit
from relay.api.v1.roles import Right

FILTERS = ("actor", "deed", "object_kind", "object_id", "since", "until")
COLUMNS = (
    Column("at", gettext_lazy("When"), "instant"),
    Column("actor", gettext_lazy("Who"), "console/audit/cells/who.html"),
    Column("deed", gettext_lazy("What"), "console/audit/cells/what.html"),
    Column("after", gettext_lazy("Before and after"), "console/audit/cells/change.html"),
    Column("via", gettext_lazy("From where"), "console/audit/cells/where.html", is_wide=True),
)


@either_page
def page(request: HttpRequest, tenant_id: int | None) -> HttpResponse:
    shown = List(
        id="audit",
        view=audit.Audit,
        columns=COLUMNS,
        filters=FILTERS if tenant_id is not None else ("tenant", *FILTERS),
        changes=_changes(request, tenant_id),
        empty=gettext_lazy("Nothing was changed yet."),
        empty_icon="history",
    )
    told = {"tenant_id": tenant_id, "is_site": may(request, Right.SEE_SITE, tenant_id)}
    return shown.page(request, "console/audit/list.html", told, tenant_id=tenant_id)


def _changes(request: HttpRequest, tenant_id: int | None) -> dict[str, dict[str, Any]]:
    of_tenant = tenant_id is not None
    nothing = ("", _("Any"))
    did = [nothing, *deeds.choices(of_tenant=of_tenant)]
    kinds = [nothing, *deeds.kinds(of_tenant=of_tenant)]
    changes: dict[str, dict[str, Any]] = {
        "actor": {
            "label": _("Who"),
            "widget": widgets.Offered(people.names(request, tenant_id)),
        },
        "deed": {"label": _("What was done"), "widget": widgets.ManyChoices(choices=did)},
        "object_kind": {"label": _("Kind of thing"), "widget": widgets.ManyChoices(choices=kinds)},
        "object_id": {"label": _("Its number")},
    }
    if tenant_id is None:
        changes["tenant"] = {"field": by_name.tenant(request)}
    return changes
