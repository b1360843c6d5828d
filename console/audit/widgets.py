"""Inputs of the audit's filters with much to choose from."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


class Offered(forms.TextInput):
    """A text, with texts to choose from; anything else may be typed."""

    def __init__(self, offers: Sequence[str]) -> None:
        super().__init__({"autocomplete": "off", "spellcheck": "false", "placeholder": _("Any")})
        self.offers = offers

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        given = attrs or {}
        offers = f"{given.get('id') or name}-offers"
        box = super().render(name, value, {**given, "list": offers}, renderer)
        options = format_html_join("", '<option value="{}">', ((text,) for text in self.offers))
        return format_html('{}<datalist id="{}">{}</datalist>', box, offers, options)


class ManyChoices(forms.Select):
    """A select in groups. Django's own asks a template for each of a hundred options, which takes
    longer than all the rest of the page."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        given = flatatt({**self.attrs, **(attrs or {}), "name": name})
        groups: list[Any] = list(self.choices)
        pieces = [self._piece(key, label, str(value or "")) for key, label in groups]
        options = format_html_join("", "{}", ((piece,) for piece in pieces))
        return format_html("<select{}>{}</select>", given, options)

    def _piece(self, key: Any, label: Any, chosen: str) -> SafeString:
        if not isinstance(label, list):
            return _options([(key, label)], chosen)
        return format_html('<optgroup label="{}">{}</optgroup>', key, _options(label, chosen))


def _options(choices: Iterable[tuple[str, Any]], chosen: str) -> SafeString:
    marks = ((value, SafeString(" selected") if value == chosen else "", label)
             for value, label in choices)  # fmt: skip
    return format_html_join("", '<option value="{}"{}>{}</option>', marks)
