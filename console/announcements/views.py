"""What the site has to tell its tenants."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.announcements import forms
from console.lists import Column, List
from console.pages import Question, call, confirm, done, may
from console.places import ask
from console.who import only_with, staff_page
from relay.api.v1 import announcements
from relay.api.v1.roles import Right

ANNOUNCEMENTS = List(
    id="announcements",
    view=announcements.SiteAnnouncements,
    columns=(
        Column("title", gettext_lazy("Announcement"), "console/announcements/cells/title.html"),
        Column("is_in_force", gettext_lazy("State"), "console/announcements/cells/state.html"),
        Column("audience", gettext_lazy("For whom"), "console/announcements/cells/audience.html"),
        Column("starts_at", gettext_lazy("From"), "moment", is_wide=True),
        Column("ends_at", gettext_lazy("Until"), "moment", is_wide=True),
        Column("created_by", gettext_lazy("By"), is_wide=True),
    ),
    actions="console/announcements/cells/actions.html",
    empty=gettext_lazy("Nothing is announced. Tell your tenants something."),
    empty_icon="speakerphone",
    begin="console/announcements/begin.html",
)


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    told = {"may_change": may(request, Right.ANNOUNCEMENTS), "now": timezone.now()}
    return ANNOUNCEMENTS.page(request, "console/announcements/list.html", told)


@staff_page
@only_with(Right.ANNOUNCEMENTS)
def make(request: HttpRequest) -> HttpResponse:
    form = forms.new(request)
    back = reverse("console:announcements")
    if form.is_valid():
        with form.refusals():
            call(request, announcements.SiteAnnouncements, "post", body=form.body)
            return done(request, back, _("It is announced."))
    return ask(request, form, title=_("New announcement"), button=_("Announce"), back=back)


@staff_page
@only_with(Right.ANNOUNCEMENTS)
def change(request: HttpRequest, announcement_id: int) -> HttpResponse:
    form = forms.changed(request, _one(request, announcement_id))
    back = reverse("console:announcements")
    if form.is_valid():
        with form.refusals():
            _patch(request, announcement_id, form.body)
            return done(request, back, _("The announcement is changed."))
    return ask(request, form, title=_("Change the announcement"), button=_("Save"), back=back)


@staff_page
@only_with(Right.ANNOUNCEMENTS)
def end(request: HttpRequest, announcement_id: int) -> HttpResponse:
    _one(request, announcement_id)
    question = Question(
        title=_("End it now?"),
        text=_("Nobody is shown it any more. It stays in this list."),
        button=_("End it"),
        back=reverse("console:announcements"),
        is_dangerous=False,
    )
    return confirm(
        request,
        question,
        lambda reason: _patch(request, announcement_id, {"ends_at": timezone.now().isoformat()}),
        said=_("The announcement is over."),
    )


@staff_page
@only_with(Right.ANNOUNCEMENTS)
def delete(request: HttpRequest, announcement_id: int) -> HttpResponse:
    _one(request, announcement_id)
    question = Question(
        title=_("Delete the announcement?"),
        text=_("Nobody is shown it any more, and it is gone from this list. The audit keeps it."),
        button=_("Delete"),
        back=reverse("console:announcements"),
    )
    view = announcements.OneAnnouncement
    return confirm(
        request,
        question,
        lambda reason: call(request, view, "delete", announcement_id=announcement_id),
        said=_("The announcement is deleted."),
    )


def _one(request: HttpRequest, announcement_id: int) -> Any:
    view = announcements.OneAnnouncement
    return call(request, view, "get", announcement_id=announcement_id)


def _patch(request: HttpRequest, announcement_id: int, body: dict[str, Any]) -> None:
    view = announcements.OneAnnouncement
    call(request, view, "patch", body=body, announcement_id=announcement_id)
