"""Inviting people: to a tenant, or to the site's staff."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import Role, StaffRole
from console.forms import form_of
from console.lists import Column, List
from console.members.tabs import pages
from console.pages import Question, call, confirm
from console.places import ask, either_page, show_once, url
from console.who import fresh_sign_in, only_with
from relay.api.v1 import invitations, staff
from relay.api.v1.roles import Right


def _list(view: Any) -> List:
    return List(
        id="invitations",
        view=view,
        columns=(
            Column("email", gettext_lazy("To")),
            Column("role", gettext_lazy("Role"), "word"),
            Column("accepted_at", gettext_lazy("State"),
                   "console/members/cells/invitation_state.html"),
            Column("invited_by", gettext_lazy("By"), is_wide=True),
            Column("created_at", gettext_lazy("Made"), "moment", is_wide=True),
        ),
        filters=("is_open",),
        actions="console/members/cells/invitation_actions.html",
        empty=gettext_lazy("Nobody was invited yet."),
        empty_icon="mail",
    )  # fmt: skip


OF_TENANT, OF_SITE = _list(invitations.Invitations), _list(staff.StaffInvitations)
EMAIL = {"label": gettext_lazy("Mail address")}
# The least is offered first: more is given on purpose.
NewInvitation = form_of(
    invitations.Invitations,
    "post",
    ["email", "role"],
    email=EMAIL,
    role={"initial": Role.VIEWER},
)
NewStaffInvitation = form_of(
    staff.StaffInvitations,
    "post",
    ["email", "role"],
    email=EMAIL,
    role={"initial": StaffRole.SUPPORT},
)


@either_page
def page(request: HttpRequest, tenant_id: int | None) -> HttpResponse:
    shown = OF_SITE if tenant_id is None else OF_TENANT
    told = {"tabs": pages(request, tenant_id), "new_url": url("new-invitation", tenant_id)}
    return shown.page(request, "console/members/invitations.html", told, tenant_id=tenant_id)


@either_page
@only_with(Right.INVITE, site=Right.STAFF)
@fresh_sign_in
def make(request: HttpRequest, tenant_id: int | None) -> HttpResponse:
    view: Any = staff.StaffInvitations if tenant_id is None else invitations.Invitations
    form = (NewStaffInvitation if tenant_id is None else NewInvitation)(request.POST or None)
    back = url("invitations", tenant_id)
    if form.is_valid():
        with form.refusals():
            made = call(request, view, "post", tenant_id=tenant_id, body=form.body)
            return _made(request, made, back)
    return ask(
        request,
        form,
        title=_("Invite somebody"),
        text=_("Who opens the link becomes what you choose here, once, within 7 days. A newer "
               "invitation to the same address ends the older one."),
        button=_("Invite"),
        back=back,
    )  # fmt: skip


@either_page
@only_with(Right.INVITE, site=Right.STAFF)
@fresh_sign_in
def withdraw(request: HttpRequest, tenant_id: int | None, invitation_id: int) -> HttpResponse:
    view: Any = staff.OneStaffInvitation if tenant_id is None else invitations.OneInvitation
    question = Question(
        title=_("Withdraw this invitation?"),
        text=_("Its link is worth nothing from then on."),
        button=_("Withdraw"),
        back=url("invitations", tenant_id),
    )
    ids: dict[str, Any] = {"tenant_id": tenant_id, "invitation_id": invitation_id}
    return confirm(
        request,
        question,
        lambda reason: call(request, view, "delete", **ids),
        said=_("The invitation is withdrawn."),
    )


def _made(request: HttpRequest, made: Any, back: str) -> HttpResponse:
    said = _("It is mailed to %s as well.") if made["is_mailed"] else _(
        "This site sends no mail: give the link to %s yourself."
    )  # fmt: skip
    return show_once(
        request,
        title=_("The invitation is made"),
        label=_("Link of the invitation"),
        secret=made["link"],
        text=said % made["details"]["email"],
        back=back,
    )
