"""The people of a tenant and their roles."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import form_of
from console.lists import Column, List
from console.members.tabs import pages
from console.pages import Question, call, confirm, done, may
from console.places import ask, url
from console.security import PLACE
from console.who import fresh_sign_in, manager_for, only_with, tenant_page
from relay.api.v1 import members
from relay.api.v1.roles import Right

MEMBERS = List(
    id="members",
    view=members.Members,
    columns=(
        Column("username", gettext_lazy("Name"), "console/members/cells/name.html"),
        Column("role", gettext_lazy("Role"), "word"),
        Column("email", gettext_lazy("Mail address"), is_wide=True),
        Column("created_at", gettext_lazy("Since"), "moment", is_wide=True),
    ),
    actions="console/members/cells/actions.html",
    empty=gettext_lazy("Nobody is a member yet. Invite somebody."),
    empty_icon="users",
)
Role = form_of(members.OneMember, "patch", ["role"])
NewMember = form_of(
    members.Members,
    "post",
    ["person", "role"],
    person={"help_text": gettext_lazy("The user name or mail address of an account.")},
    role={"initial": "viewer"},
)


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    who = manager_for(request, tenant_id)
    told = {
        "tenant_id": tenant_id,
        "tabs": pages(request, tenant_id),
        "may_invite": may(request, Right.INVITE, tenant_id),
        "may_add": may(request, Right.TENANTS, tenant_id),
        "may_change": may(request, Right.MEMBERS, tenant_id),
        "may_make_links": may(request, Right.STAFF, tenant_id),
        "may_leave": not who.is_site and not who.acting_as,
        "myself": request.user.get_username(),
    }
    return MEMBERS.page(request, "console/members/list.html", told, tenant_id=tenant_id)


@tenant_page
@only_with(Right.TENANTS)
@fresh_sign_in
def add(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """For the site: an account that is there already."""
    form = NewMember(request.POST or None)
    back = url("members", tenant_id)
    if form.is_valid():
        with form.refusals():
            call(request, members.Members, "post", tenant_id=tenant_id, body=form.body)
            return done(request, back, _("The person is a member now."))
    return ask(request, form, title=_("Add an account"), button=_("Add"), back=back)


@tenant_page
@only_with(Right.MEMBERS)
@fresh_sign_in
def change_role(request: HttpRequest, tenant_id: int, member_id: int) -> HttpResponse:
    member = _one(request, tenant_id, member_id)
    form = Role(request.POST or None, initial={"role": member["role"]})
    back = url("members", tenant_id)
    if form.is_valid():
        with form.refusals():
            if form.body:
                ids: dict[str, Any] = {"tenant_id": tenant_id, "member_id": member_id}
                call(request, members.OneMember, "patch", body=form.body, **ids)
            return done(request, back, _("The role is changed."))
    title = _("Role of %s") % member["username"]
    return ask(request, form, title=title, button=_("Save"), back=back)


@tenant_page
@only_with(Right.MEMBERS)
@fresh_sign_in
def remove(request: HttpRequest, tenant_id: int, member_id: int) -> HttpResponse:
    member = _one(request, tenant_id, member_id)
    question = Question(
        title=_("Remove %s?") % member["username"],
        text=_("The person is out at once. Keys that the person has made go on working."),
        button=_("Remove"),
        back=url("members", tenant_id),
    )
    ids: dict[str, Any] = {"tenant_id": tenant_id, "member_id": member_id}
    return confirm(
        request,
        question,
        lambda reason: call(request, members.OneMember, "delete", **ids),
        said=_("The person is no member any more."),
    )


@tenant_page
def leave(request: HttpRequest, tenant_id: int) -> HttpResponse:
    question = Question(
        title=_("Leave this tenant?"),
        text=_("You are out at once; only an invitation brings you back."),
        button=_("Leave"),
        back=url("members", tenant_id),
    )

    def act(_reason: str) -> HttpResponse:
        call(request, members.Leaving, "post", tenant_id=tenant_id)
        return done(request, PLACE, _("You are no member any more."))

    return confirm(request, question, act, said="")


def _one(request: HttpRequest, tenant_id: int, member_id: int) -> Any:
    return call(request, members.OneMember, "get", tenant_id=tenant_id, member_id=member_id)
