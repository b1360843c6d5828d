"""A tenant's keys: the example of how a page is made."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.keys import forms
from console.lists import Column, List
from console.pages import Question, call, confirm, done, may, show
from console.playground import snippets
from console.who import fresh_sign_in, only_with, tenant_page
from relay.api.v1 import keys
from relay.api.v1.roles import Right

KEYS = List(
    id="keys",
    view=keys.Keys,
    columns=(
        Column("name", gettext_lazy("Name"), "console/keys/cells/name.html"),
        Column("is_active", gettext_lazy("State"), "console/keys/cells/state.html"),
        Column("prefix", gettext_lazy("Key"), "console/keys/cells/prefix.html", is_wide=True),
        Column("spent", gettext_lazy("Spent"), "money"),
        Column("left", gettext_lazy("Left"), "console/keys/cells/left.html", align="end"),
        Column("open_tasks", gettext_lazy("Tasks now"), "number", is_wide=True),
        Column("created_at", gettext_lazy("Made"), "moment", is_wide=True),
    ),
    search="q",
    filters=("is_active", "is_test"),
    empty=gettext_lazy("There are no keys yet."),
    empty_icon="key",
    begin="console/keys/begin.html",
    poll_seconds=10,
)
# Where one came from, by the word in `to`.
BACK = {"overview": "tenant", "playground": "playground"}


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    told = {"may_make": may(request, Right.KEYS, tenant_id), "tenant_id": tenant_id}
    return KEYS.page(request, "console/keys/list.html", told, tenant_id=tenant_id)


@tenant_page
@only_with(Right.KEYS)
@fresh_sign_in
def make(request: HttpRequest, tenant_id: int) -> HttpResponse:
    is_site = may(request, Right.TENANTS, tenant_id)
    form = forms.new_key(is_site=is_site)(request.POST or None)
    if form.is_valid():
        with form.refusals():
            made = call(request, keys.Keys, "post", tenant_id=tenant_id, body=form.body)
            return _secret(request, tenant_id, made, _("The key is made"), is_new=True)
    return _ask(request, tenant_id, form, title=_("New key"), button=_("Make the key"))


@tenant_page
def one(request: HttpRequest, tenant_id: int, key_id: int) -> HttpResponse:
    told = {
        "key": _one(request, tenant_id, key_id),
        "tenant_id": tenant_id,
        "may_change": may(request, Right.KEYS, tenant_id),
        "may_switch": may(request, Right.SWITCH_KEYS, tenant_id),
    }
    return show(request, "console/keys/one.html", told)


@tenant_page
@only_with(Right.KEYS)
@fresh_sign_in
def change(request: HttpRequest, tenant_id: int, key_id: int) -> HttpResponse:
    key = _one(request, tenant_id, key_id)
    budgets = {f"{name}_budget": period["budget"] for name, period in key["periods"].items()}
    is_site = may(request, Right.TENANTS, tenant_id)
    form = forms.changed_key(is_site=is_site)(request.POST or None, initial={**key, **budgets})
    if form.is_valid():
        with form.refusals():
            ids = _ids(tenant_id, key_id)
            call(request, keys.OneKey, "patch", body=form.body, **ids)
            return done(request, _url("key", tenant_id, key_id), _("The key is changed."))
    title = _("Change %s") % key["name"]
    return _ask(request, tenant_id, form, title=title, button=_("Save"), key_id=key_id)


@tenant_page
@only_with(Right.KEYS)
@fresh_sign_in
def rotate(request: HttpRequest, tenant_id: int, key_id: int) -> HttpResponse:
    key = _one(request, tenant_id, key_id)
    form = forms.Rotation(request.POST or None)
    if form.is_valid():
        with form.refusals():
            ids = _ids(tenant_id, key_id)
            made = call(request, keys.KeyRotation, "post", body=form.body, **ids)
            return _secret(request, tenant_id, made, _("The key is replaced"))
    title = _("Replace %s") % key["name"]
    return _ask(request, tenant_id, form, title=title, button=_("Replace it"), key_id=key_id)


@tenant_page
@only_with(Right.SWITCH_KEYS)
def disable(request: HttpRequest, tenant_id: int, key_id: int) -> HttpResponse:
    key = _one(request, tenant_id, key_id)
    question = Question(
        title=_("Disable %s?") % key["name"],
        text=_("It stops at once and everywhere. Tasks under way go on."),
        button=_("Disable"),
        back=_url("key", tenant_id, key_id),
    )
    ids = _ids(tenant_id, key_id)
    return confirm(
        request,
        question,
        lambda reason: call(request, keys.KeyDisabling, "post", **ids),
        said=_("The key is disabled."),
    )


@tenant_page
@only_with(Right.SWITCH_KEYS)
@fresh_sign_in
def enable(request: HttpRequest, tenant_id: int, key_id: int) -> HttpResponse:
    key = _one(request, tenant_id, key_id)
    question = Question(
        title=_("Enable %s?") % key["name"],
        text=_("It works again at once, with the limits that it has."),
        button=_("Enable"),
        back=_url("key", tenant_id, key_id),
        is_dangerous=False,
    )
    ids = _ids(tenant_id, key_id)
    return confirm(
        request,
        question,
        lambda reason: call(request, keys.KeyEnabling, "post", **ids),
        said=_("The key is enabled."),
    )


def _one(request: HttpRequest, tenant_id: int, key_id: int) -> Mapping[str, Any]:
    key: Mapping[str, Any] = call(request, keys.OneKey, "get", tenant_id=tenant_id, key_id=key_id)
    return key


def _ask(
    request: HttpRequest,
    tenant_id: int,
    form: Any,
    *,
    title: str,
    button: str,
    key_id: int | None = None,
) -> HttpResponse:
    back = _url("key", tenant_id, key_id) if key_id else _url("keys", tenant_id)
    names = set(forms.MORE + forms.SITES_OWN) & set(form.fields)
    told = {
        "form": form,
        "title": title,
        "button": button,
        "back": back,
        "main": [bound for bound in form if bound.name not in names],
        "more": [bound for bound in form if bound.name in names],
        "is_more_open": any(bound.errors for bound in form if bound.name in names),
    }
    return show(request, "console/keys/form.html", told)


def _secret(
    request: HttpRequest, tenant_id: int, made: Any, title: str, *, is_new: bool = False
) -> HttpResponse:
    """The only answer that ever has the key. Whoever came for a drawing goes back to it."""
    place = BACK.get(request.GET.get("to", ""))
    told = {
        "title": title,
        "secret": made["key"],
        "key": made["details"],
        "next": _url(place, tenant_id) if place else _url("key", tenant_id, made["details"]["id"]),
    }
    if is_new:
        told["snippets"] = [snippets.Snippet("curl", snippets.first(made["key"]))]
        told["playground"] = _url("playground", tenant_id)
    return show(request, "console/keys/made.html", told)


def _ids(tenant_id: int, key_id: int) -> dict[str, Any]:
    return {"tenant_id": tenant_id, "key_id": key_id}


def _url(name: str, tenant_id: int, key_id: int | None = None) -> str:
    ids = {"tenant_id": tenant_id} | ({"key_id": key_id} if key_id else {})
    return reverse(f"console:{name}", kwargs=ids)
