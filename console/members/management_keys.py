"""Keys of the management API: a tenant's, or the site's own."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import Role, StaffRole
from console import words
from console.forms import ApiForm, form_of
from console.lists import Column, List
from console.members.tabs import pages
from console.pages import Question, call, confirm, may
from console.places import ask, either_page, show_once, url
from console.who import fresh_sign_in, only_with
from relay.api.v1 import management_keys
from relay.api.v1.roles import Right

KEYS = List(
    id="management-keys",
    view=management_keys.ManagementKeys,
    columns=(
        Column("name", gettext_lazy("Name"), "user_text"),
        Column("is_active", gettext_lazy("State"), "console/members/cells/key_state.html"),
        Column("role", gettext_lazy("Role"), "word"),
        Column("prefix", gettext_lazy("Key"), "console/members/cells/prefix.html", is_wide=True),
        Column("expires_at", gettext_lazy("Expires"), "moment", is_wide=True),
        Column("created_by", gettext_lazy("Made by"), is_wide=True),
        Column("created_at", gettext_lazy("Made"), "moment", is_wide=True),
    ),
    filters=("is_active",),
    actions="console/members/cells/key_actions.html",
    empty=gettext_lazy("There are no management keys. Programs of yours manage with them what "
                       "people manage here."),
    empty_icon="robot",
)  # fmt: skip


@either_page
def page(request: HttpRequest, tenant_id: int | None) -> HttpResponse:
    told = {
        "tabs": pages(request, tenant_id),
        "new_url": url("new-management-key", tenant_id),
        "may_make": may(request, Right.MANAGEMENT_KEYS, tenant_id),
    }
    return KEYS.page(request, "console/members/keys.html", told, tenant_id=tenant_id)


@either_page
@only_with(Right.MANAGEMENT_KEYS)
@fresh_sign_in
def make(request: HttpRequest, tenant_id: int | None) -> HttpResponse:
    form = _new_key(tenant_id)(request.POST or None)
    back = url("management-keys", tenant_id)
    if form.is_valid():
        with form.refusals():
            view = management_keys.ManagementKeys
            made = call(request, view, "post", tenant_id=tenant_id, body=form.body)
            return _once(request, made, title=_("The key is made"), back=back)
    return ask(
        request,
        form,
        title=_("New management key"),
        text=_("It may do what a person of the same role may do. It draws nothing."),
        button=_("Make the key"),
        back=back,
    )


@either_page
@only_with(Right.MANAGEMENT_KEYS)
@fresh_sign_in
def rotate(request: HttpRequest, tenant_id: int | None, key_id: int) -> HttpResponse:
    key = _one(request, tenant_id, key_id)
    question = Question(
        title=_("Replace %s?") % key["name"],
        text=_("You get a new key, and the old one stops at once."),
        button=_("Replace it"),
        back=url("management-keys", tenant_id),
    )

    def act(_reason: str) -> HttpResponse:
        view = management_keys.ManagementKeyRotation
        made = call(request, view, "post", **_ids(tenant_id, key_id))
        return _once(request, made, title=_("The key is replaced"), back=question.back)

    return confirm(request, question, act, said="")


@either_page
@only_with(Right.MANAGEMENT_KEYS)
def disable(request: HttpRequest, tenant_id: int | None, key_id: int) -> HttpResponse:
    key = _one(request, tenant_id, key_id)
    question = Question(
        title=_("Disable %s?") % key["name"],
        text=_("It stops at once and everywhere."),
        button=_("Disable"),
        back=url("management-keys", tenant_id),
    )
    view = management_keys.ManagementKeyDisabling
    return confirm(
        request,
        question,
        lambda reason: call(request, view, "post", **_ids(tenant_id, key_id)),
        said=_("The key is disabled."),
    )


@either_page
@only_with(Right.MANAGEMENT_KEYS)
@fresh_sign_in
def enable(request: HttpRequest, tenant_id: int | None, key_id: int) -> HttpResponse:
    key = _one(request, tenant_id, key_id)
    question = Question(
        title=_("Enable %s?") % key["name"],
        text=_("It works again at once."),
        button=_("Enable"),
        back=url("management-keys", tenant_id),
        is_dangerous=False,
    )
    view = management_keys.ManagementKeyEnabling
    return confirm(
        request,
        question,
        lambda reason: call(request, view, "post", **_ids(tenant_id, key_id)),
        said=_("The key is enabled."),
    )


def _new_key(tenant_id: int | None) -> type[ApiForm]:
    """Of the two sides' roles only those of this one."""
    form = form_of(
        management_keys.ManagementKeys,
        "post",
        ["name", "role", "expires_at"],
        expires_at={"help_text": gettext_lazy("Empty: never.")},
    )
    known: Any = StaffRole if tenant_id is None else Role
    asked = [(value, words.word(value)) for value in known.values]
    form.base_fields["role"] = forms.ChoiceField(
        choices=asked,
        label=words.name("role"),
        initial=StaffRole.SUPPORT if tenant_id is None else Role.VIEWER,
    )
    return form


def _once(request: HttpRequest, made: Any, *, title: str, back: str) -> HttpResponse:
    name = made["details"]["name"]
    return show_once(request, title=title, label=name, secret=made["key"], back=back)


def _one(request: HttpRequest, tenant_id: int | None, key_id: int) -> Any:
    return call(request, management_keys.OneManagementKey, "get", **_ids(tenant_id, key_id))


def _ids(tenant_id: int | None, key_id: int) -> dict[str, Any]:
    return {"tenant_id": tenant_id, "management_key_id": key_id}
