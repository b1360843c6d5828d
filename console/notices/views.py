"""What a tenant, or the site's people, have been told, and who gets it."""

from dataclasses import replace

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.api_fields import ANY
from console.forms import form_of
from console.lists import Column, List
from console.pages import call, done, may
from console.places import ask, either_page, url
from console.who import only_with, tenant_page
from console.words import word
from relay.api.v1 import hooks, notices, site_settings
from relay.api.v1.roles import Right

NOTICES = List(
    id="notices",
    view=notices.Notices,
    columns=(
        Column("created_at", gettext_lazy("When"), "moment"),
        Column("subject", gettext_lazy("Notice"), "console/notices/cells/text.html"),
        Column("kind", gettext_lazy("Kind"), "word", is_wide=True),
        Column("deliveries", gettext_lazy("Sent to"), "console/notices/cells/sent.html"),
    ),
    filters=("kind",),
    empty=gettext_lazy("Nothing had to be told yet."),
    empty_icon="bell",
    poll_seconds=30,
)
# What a tenant is told of, and what else the site's people are.
OF_TENANTS = ("balance.low", "hook.off")
OF_SITE = (
    "channel.opened", "channel.closed", "channel.disabled", "channel.credential_refused",
    "books.wrong",
)  # fmt: skip
Receivers = form_of(
    hooks.HooksView,
    "patch",
    ["notice_mails", "notice_hook"],
    notice_mails={
        "label": gettext_lazy("Mail addresses"),
        "help_text": gettext_lazy("One a line. Empty: no mails."),
    },
    notice_hook={
        "label": gettext_lazy("Address for signed messages"),
        "help_text": gettext_lazy("Gets notices as signed messages. Empty: none."),
    },
)


@either_page
def page(request: HttpRequest, tenant_id: int | None) -> HttpResponse:
    if tenant_id is not None:
        receivers = call(request, hooks.HooksView, "get", tenant_id=tenant_id)
        may_change = may(request, Right.HOOKS, tenant_id)
    else:
        may_change = may(request, Right.SETTINGS)
        receivers = call(request, site_settings.Settings, "get")["values"] if may_change else None
    told = {"tenant_id": tenant_id, "receivers": receivers, "may_change": may_change}
    kinds = OF_TENANTS if tenant_id is not None else OF_SITE
    choices = [("", ANY), *((kind, word(kind)) for kind in kinds)]
    field = forms.ChoiceField(label=_("Kind"), choices=choices)
    listed = replace(NOTICES, changes={"kind": {"field": field}})
    return listed.page(request, "console/notices/list.html", told, tenant_id=tenant_id)


@tenant_page
@only_with(Right.HOOKS)
def change(request: HttpRequest, tenant_id: int) -> HttpResponse:
    now = call(request, hooks.HooksView, "get", tenant_id=tenant_id)
    form = Receivers(request.POST or None, initial=now)
    back = url("notices", tenant_id)
    if form.is_valid():
        with form.refusals():
            call(request, hooks.HooksView, "patch", tenant_id=tenant_id, body=form.body)
            return done(request, back, _("The receivers are changed."))
    return ask(request, form, title=_("Who gets the notices"), button=_("Save"), back=back)
