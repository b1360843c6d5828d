"""The site's own people, and new passwords for whoever has lost his."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import form_of
from console.lists import Column, List
from console.members.tabs import pages
from console.pages import Question, call, confirm, done, may, show
from console.places import ask, show_once, url
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import password_links, second_factors, staff
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

ID_MAX_CHARS = 19
STAFF = List(
    id="staff",
    view=staff.Staff,
    columns=(
        Column("username", gettext_lazy("Name"), "console/members/cells/name.html"),
        Column("role", gettext_lazy("Role"), "word"),
        Column("is_active", gettext_lazy("State"), "active"),
        Column("has_second_factor", gettext_lazy("Second factor"), "flag", is_wide=True),
        Column("email", gettext_lazy("Mail address"), is_wide=True),
        Column("created_at", gettext_lazy("Since"), "moment", is_wide=True),
    ),
    actions="console/staff/actions.html",
    empty=gettext_lazy("Nobody runs this site. Invite somebody."),
    empty_icon="user-shield",
)
NewStaff = form_of(
    staff.Staff,
    "post",
    ["person", "role"],
    role={"initial": "support"},
    person={"help_text": gettext_lazy("The user name or mail address of an account.")},
)
Changed = form_of(
    staff.OneOfStaff,
    "patch",
    ["role", "is_active"],
    role={"required": True},
    is_active={"help_text": gettext_lazy("Off: the person is locked out of the site's pages.")},
)
LostFactors = form_of(
    second_factors.SecondFactorRemovals,
    "post",
    ["person", "reason"],
    person={"help_text": gettext_lazy("The user name or mail address of an account.")},
    reason={
        "label": gettext_lazy("Why"),
        "help_text": gettext_lazy("And how you know that it is this person. The audit keeps it."),
    },
)
PasswordLink = form_of(
    password_links.PasswordLinks,
    "post",
    ["person", "reason"],
    person={"help_text": gettext_lazy("The user name or mail address of an account.")},
    reason={"label": gettext_lazy("Why"), "help_text": gettext_lazy("The audit keeps it.")},
)


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    told = {
        "tabs": pages(request, None),
        "may_change": may(request, Right.STAFF),
        "myself": request.user.get_username(),
    }
    return STAFF.page(request, "console/staff/list.html", told)


@staff_page
@only_with(Right.STAFF)
@fresh_sign_in
def add(request: HttpRequest) -> HttpResponse:
    form = NewStaff(request.POST or None)
    back = url("staff")
    if form.is_valid():
        with form.refusals():
            call(request, staff.Staff, "post", body=form.body)
            return done(request, back, _("The person is one of the staff now."))
    return ask(
        request,
        form,
        title=_("Add an account"),
        text=_("Of somebody who can sign in already; others are invited."),
        button=_("Add"),
        back=back,
    )


@staff_page
@only_with(Right.STAFF)
@fresh_sign_in
def change(request: HttpRequest, staff_id: int) -> HttpResponse:
    member = _one(request, staff_id)
    form = Changed(request.POST or None, initial=member)
    back = url("staff")
    if form.is_valid():
        with form.refusals():
            call(request, staff.OneOfStaff, "patch", body=form.body, staff_id=staff_id)
            return done(request, back, _("The person is changed."))
    title = _("Change %s") % member["username"]
    return ask(request, form, title=title, button=_("Save"), back=back)


@staff_page
@only_with(Right.STAFF)
@fresh_sign_in
def remove(request: HttpRequest, staff_id: int) -> HttpResponse:
    member = _one(request, staff_id)
    question = Question(
        title=_("Remove %s?") % member["username"],
        text=_("The person is none of the staff any more; the account stays."),
        button=_("Remove"),
        back=url("staff"),
    )
    return confirm(
        request,
        question,
        lambda reason: call(request, staff.OneOfStaff, "delete", staff_id=staff_id),
        said=_("The person is none of the staff any more."),
    )


@staff_page
@only_with(Right.STAFF)
@fresh_sign_in
def password_link(request: HttpRequest) -> HttpResponse:
    form = PasswordLink(request.POST or None, initial={"person": _person(request)})
    back = _back(request)
    if form.is_valid():
        with form.refusals():
            made = call(request, password_links.PasswordLinks, "post", body=form.body)
            return _made(request, made, back)
    return ask(
        request,
        form,
        title=_("Link for a new password"),
        text=_("For somebody who has lost the password and has no mail. Make sure that it is "
               "really that person who asks: whoever has the link can sign in, but for a second "
               "factor."),
        button=_("Make the link"),
        back=back,
    )  # fmt: skip


@staff_page
@only_with(Right.STAFF)
@fresh_sign_in
def remove_factors(request: HttpRequest) -> HttpResponse:
    form = LostFactors(request.POST or None, initial={"person": _person(request)})
    back = _back(request)
    if form.is_valid():
        with form.refusals():
            view = second_factors.SecondFactorRemovals
            made = call(request, view, "post", body=form.body)
            said = _("%s has no second factor any more, and is signed out everywhere.")
            return done(request, back, said % made["details"]["username"])
    told = {"form": form, "back": back, "factors": _factors(request)}
    return show(request, "console/staff/second_factors.html", told)


def _factors(request: HttpRequest) -> list[Any] | None:
    """What the person has that the page was opened for; None for nobody."""
    query = {"person": _person(request)}
    try:
        asked = call(request, second_factors.SecondFactors, "get", query=query)
    except InvalidRequest:
        return None
    found: list[Any] = asked["factors"]
    return found


def _person(request: HttpRequest) -> str:
    return request.GET.get("person", "")


def _back(request: HttpRequest) -> str:
    """Where the button was: at the staff, or at the members of a tenant."""
    tenant = request.GET.get("tenant", "")
    if tenant.isascii() and tenant.isdigit() and len(tenant) < ID_MAX_CHARS:
        return url("members", int(tenant))
    return url("staff")


def _made(request: HttpRequest, made: Any, back: str) -> HttpResponse:
    until = date_format(localtime(parse_datetime(made["expires_at"])), "DATETIME_FORMAT")
    said = _("Give it to %(name)s yourself. It sets one password. The link ends: %(until)s")
    return show_once(
        request,
        title=_("The link is made"),
        label=_("Link for a new password"),
        secret=made["link"],
        text=said % {"name": made["details"]["username"], "until": until},
        back=back,
    )


def _one(request: HttpRequest, staff_id: int) -> Any:
    return call(request, staff.OneOfStaff, "get", staff_id=staff_id)
