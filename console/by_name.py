"""Fields in which people choose a tenant, a channel or a key by its name, and not by its number.

    changes={"tenant": {"field": by_name.tenant(request)}}

A short list is a select. Of a long one a text is typed, and what fits is offered while somebody
types (console/suggestions.py); without scripts the text is looked up when it is sent. A number will
do as well, so addresses with numbers go on working.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import pages, words
from console.refusals import said
from console.who import manager_for
from relay.api.v1 import channels, keys, tenants
from relay.api.v1.fields import NAME_MAX_CHARS
from relay.api.v1.operation import perform
from relay.api.v1.paging import PAGE_ROWS_MAX
from relay.errors import InvalidRequest, ObjectNotFound

OFFERED = 20
NAMED = 5
TEXT_MAX_CHARS = 150
DIGITS_MAX = 18
NOBODY = gettext_lazy("Nothing is called so: %s")
SEVERAL = gettext_lazy("Several are called so: %s")
# As one is offered: a name may stand for several, and may look like a number.
OFFER = re.compile(r"(.+) #([0-9]{1,18})", re.DOTALL)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """Where names come from. `rows`: what the API's list answers to a query. `name_of`: of the one
    with this number; raises ObjectNotFound. `url`: of what is offered while somebody types."""

    kind: str
    rows: Callable[[Mapping[str, Any]], Row]
    name_of: Callable[[int], str]
    url: str

    def offers(self, text: str) -> list[str]:
        """Of those whose name has this text in it."""
        return [offer(row) for row in self._fitting(text)["data"]]

    def find(self, text: str) -> int:
        """The number of whatever somebody means. Raises ValidationError."""
        if is_number(text):
            return int(text)
        offered = OFFER.fullmatch(text)
        known = self._known(int(offered[2])) if offered else None
        if offered and known == offered[1]:
            return int(offered[2])
        try:
            found = self._called(text)
        except InvalidRequest as error:
            raise ValidationError(said(str(error))) from error
        if found is None and offered and known is not None:
            # It had that name when the address was made.
            return int(offered[2])
        if found is None:
            raise ValidationError(NOBODY % text)
        return found

    def shown(self, text: str) -> str:
        """A number as it would be offered; anything else as it is."""
        if not is_number(text):
            return text
        name = self._known(int(text))
        return text if name is None else offer({"id": int(text), "name": name})

    def _called(self, text: str) -> int | None:
        """Whose name it is, or the only one that has it in the name. Raises ValidationError when
        there are several."""
        fitting = self._fitting(text)
        rows: list[Row] = fitting["data"]
        exact = [row for row in rows if row["name"] == text] or [
            row for row in rows if row["name"].casefold() == text.casefold()
        ]
        if len(exact) == 1:
            return int(exact[0]["id"])
        if len(rows) > 1:
            names = [offer(row) for row in (exact or rows)]
            more = len(names) > NAMED or fitting["next"]
            raise ValidationError(SEVERAL % (", ".join(names[:NAMED]) + (" …" if more else "")))
        return int(rows[0]["id"]) if rows else None

    def _fitting(self, text: str) -> Row:
        """One of exactly this name comes first, however many others have it in theirs."""
        asked = {"q": text[:NAME_MAX_CHARS]} if text else {}
        found = self.rows({**asked, "limit": OFFERED})
        if found["next"] and text:
            exact = self.rows({"name": text[:NAME_MAX_CHARS], "limit": OFFERED})["data"]
            ids = {row["id"] for row in exact}
            rest = [row for row in found["data"] if row["id"] not in ids]
            return {**found, "data": [*exact, *rest]}
        return found

    def _known(self, number: int) -> str | None:
        try:
            return self.name_of(number)
        except ObjectNotFound:
            return None


def is_number(text: str) -> bool:
    """Whether there is nothing to look up: a number, or nothing at all."""
    return not text or (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX)


def offer(row: Row) -> str:
    return f"{row['name']} #{row['id']}"


def tenants_of(request: HttpRequest) -> Source:
    @cache
    def name_of(number: int) -> str:
        # As one of the staff, whatever he is within that tenant.
        who = manager_for(request)
        return str(perform(tenants.OneTenant, "get", who=who, tenant_id=number)["name"])

    return Source(
        "tenant",
        lambda query: pages.call(request, tenants.Tenants, "get", query=query),
        name_of,
        reverse("console:suggest-tenants"),
    )


def channels_of(request: HttpRequest) -> Source:
    @cache
    def name_of(number: int) -> str:
        ids: dict[str, Any] = {"channel_id": number}
        return str(pages.call(request, channels.OneChannel, "get", **ids)["name"])

    return Source(
        "channel",
        lambda query: pages.call(request, channels.Channels, "get", query=query),
        name_of,
        reverse("console:suggest-channels"),
    )


def keys_of(request: HttpRequest, tenant_id: int) -> Source:
    @cache
    def name_of(number: int) -> str:
        ids: dict[str, Any] = {"tenant_id": tenant_id, "key_id": number}
        return str(pages.call(request, keys.OneKey, "get", **ids)["name"])

    return Source(
        "key",
        lambda query: pages.call(request, keys.Keys, "get", tenant_id=tenant_id, query=query),
        name_of,
        reverse("console:suggest-keys", args=[tenant_id]),
    )


class Typed(forms.TextInput):
    """A text, and what is offered for it."""

    def __init__(self, source: Source, *, placeholder: str) -> None:
        attrs = {"autocomplete": "off", "spellcheck": "false", "placeholder": placeholder}
        super().__init__(attrs)
        self.source = source

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        given = attrs or {}
        offers = f"{given.get('id') or name}-offers"
        asks = {
            "list": offers,
            "hx-get": f"{self.source.url}?field={name}",
            "hx-trigger": "focus once, input changed delay:250ms",
            "hx-target": f"#{offers}",
            "hx-swap": "innerHTML",
            "hx-sync": "this:replace",
        }
        box = super().render(name, value, {**given, **asks}, renderer)
        return format_html('{}<datalist id="{}"></datalist>', box, offers)


class Named(forms.CharField):
    """`cleaned_data` has the number."""

    def __init__(self, source: Source, **kwargs: Any) -> None:
        given = {"label": words.name(source.kind), "required": False, **kwargs}
        widget = Typed(source, placeholder=_("Any"))
        super().__init__(widget=widget, max_length=TEXT_MAX_CHARS, **given)
        self.source = source

    def prepare_value(self, value: Any) -> Any:
        return self.source.shown(str(value).strip()) if value else value

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        return self.source.find(text) if text else None


def tenant(request: HttpRequest) -> forms.Field:
    """Any of all tenants, for the site's staff."""
    return Named(tenants_of(request))


def channel(request: HttpRequest) -> forms.Field:
    return _one_of(channels_of(request), asked=request.GET.get("channel", ""))


def key(request: HttpRequest, tenant_id: int) -> forms.Field:
    """One of the tenant's."""
    return _one_of(keys_of(request, tenant_id), asked=request.GET.get("key", ""))


def group(request: HttpRequest) -> forms.Field:
    """Groups have no other number than their name. Of very many the newest, and whichever is asked
    for."""
    found = pages.call(request, tenants.Groups, "get", query={"limit": PAGE_ROWS_MAX})["data"]
    asked = request.GET.get("group", "")
    names = dict.fromkeys([*sorted(row["name"] for row in found), *([asked] if asked else [])])
    select = forms.Select(choices=[("", _("Any")), *((name, name) for name in names)])
    return forms.CharField(required=False, widget=select, label=words.name("group"))


def _one_of(source: Source, *, asked: str) -> forms.Field:
    """A select, as long as it is short."""
    found = source.rows({"limit": PAGE_ROWS_MAX})
    if found["next"]:
        return Named(source)
    rows = sorted(found["data"], key=lambda row: str(row["name"]).casefold())
    known = {str(row["id"]): row["name"] for row in rows}
    # What is gone from the list is asked for all the same.
    if asked.isascii() and asked.isdigit():
        known.setdefault(asked, asked)
    select = forms.Select(choices=[("", _("Any")), *known.items()])
    return forms.IntegerField(required=False, widget=select, label=words.name(source.kind))
