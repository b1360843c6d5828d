"""Groups: whose prices and channels a tenant has."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import form_of
from console.lists import Column, List
from console.pages import call, done, may
from console.places import ask
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import tenants
from relay.api.v1.roles import Right

GROUPS = List(
    id="groups",
    view=tenants.Groups,
    columns=(
        Column("name", gettext_lazy("Name")),
        Column("id", gettext_lazy("Number"), "number"),
    ),
    search="q",
    empty=gettext_lazy("There are no groups yet."),
    empty_icon="users-group",
    begin="console/tenants/begin_group.html",
    actions="console/tenants/group_actions.html",
)
NewGroup = form_of(tenants.Groups, "post", ["name"])


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    told = {"may_make": may(request, Right.TENANTS)}
    return GROUPS.page(request, "console/tenants/groups.html", told)


@staff_page
@only_with(Right.TENANTS)
@fresh_sign_in
def make(request: HttpRequest) -> HttpResponse:
    form = NewGroup(request.POST or None)
    back = reverse("console:groups")
    if form.is_valid():
        with form.refusals():
            call(request, tenants.Groups, "post", body=form.body)
            return done(request, back, _("The group is made."))
    return ask(request, form, title=_("New group"), button=_("Make the group"), back=back)
