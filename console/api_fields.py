"""Which field of a form asks for which field of the API, and what is sent for what was typed.

`empty` says what an empty input means: it is left out (OMIT), null, or an empty text.
"""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from console import display, words
from relay.api.v1 import fields as api

OMIT = object()
LONG_CHARS = 300
MANY_WORDS = 12
# What a list's filter says that is not used.
ANY = _("Any")
SECRETS = ("secret", "password", "api_key", "webhook_secret")


class Lines(forms.Field):
    """A list, one entry on each line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:
        given = value if isinstance(value, list | tuple) else str(value or "").splitlines()
        return [line.strip() for line in given if line.strip()]


class Amount(forms.CharField):
    """Money or a ratio as a decimal text: a number of JavaScript would not be exact."""

    is_money = False


class Moment(forms.DateTimeField):
    """In the viewer's zone, to the minute."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str) and (moment := parse_datetime(value)) and moment.tzinfo:
            value = moment
        if hasattr(value, "tzinfo"):
            value = value.replace(second=0, microsecond=0)
            if value.tzinfo is not None:
                value = display.local(value).replace(tzinfo=None)
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        if found is not None and timezone.is_naive(found):
            return timezone.make_aware(found)
        return found


class Json(forms.CharField):
    """Anything, as JSON."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return json.loads(text) if text else ""
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is not JSON: %s") % error) from error


def made_of(name: str, field: Any, *, is_query: bool) -> forms.Field:
    """The form's field for a serializer's. Raises TypeError for what has none: such a field is the
    page's own matter."""
    made = _make(name, field, is_query=is_query)
    made.label = words.asked(name) if is_query else words.name(name)
    made.help_text = _(field.help_text) if field.help_text else ""
    if field.default is not serializers.empty and not callable(field.default):
        made.initial = field.default
    return made


def sent(field: Any, value: Any) -> Any:
    """What the API is sent for a cleaned value of that field, or OMIT."""
    if value is None or value == "":
        if field.allow_null:
            return None
        if getattr(field, "allow_blank", False):
            return ""
        return OMIT
    if isinstance(field, serializers.DateTimeField | serializers.DateField):
        return value.isoformat()
    return value


def may_be_empty(field: Any) -> bool:
    """Whether the API takes nothing as a value of its own."""
    return bool(field.allow_null or getattr(field, "allow_blank", False))


def _make(name: str, field: Any, *, is_query: bool) -> forms.Field:
    needed = field.required and not may_be_empty(field)
    if isinstance(field, serializers.BooleanField):
        return _asked_flag(name, field) if is_query else forms.BooleanField(required=False)
    if name in SECRETS or field.style.get("input_type") == "password":
        return _secret(field, needed=needed)
    for kind, make in KINDS:
        if isinstance(field, kind):
            return make(field, needed)
    raise TypeError(f"{name}: no form has a {type(field).__name__}")


def _asked_flag(name: str, field: Any) -> forms.Field:
    """A list's flag: for such rows, for others, or for any; where the API takes one of them as
    given, for that one first."""
    yes, no = words.answers(name)
    asked: list[tuple[str, Any]] = [("true", yes), ("false", no)]
    if field.default is False:
        asked.reverse()
    elif field.default is not True:
        asked.insert(0, ("", ANY))
    return forms.ChoiceField(choices=asked, required=False)


def _secret(field: Any, *, needed: bool) -> forms.Field:
    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
    return forms.CharField(required=needed, widget=widget, max_length=field.max_length, strip=False)


def _choice(field: Any, needed: bool) -> forms.Field:
    asked = [(value, words.word(value)) for value in field.choices if value != ""]
    nothing = ANY if isinstance(field.parent, api.Query) else _("Default")
    return forms.ChoiceField(choices=asked if needed else [("", nothing), *asked], required=needed)


def _choices(field: Any, needed: bool) -> forms.Field:
    of: Any = field.child if isinstance(field, serializers.ListField) else field
    asked = [(value, words.word(value)) for value in of.choices]
    return forms.MultipleChoiceField(
        choices=asked, required=needed, widget=forms.CheckboxSelectMultiple
    )


def _list(field: Any, needed: bool) -> forms.Field:
    if isinstance(field.child, serializers.ChoiceField):
        return _choices(field, needed)
    if isinstance(field.child, serializers.BaseSerializer):
        raise TypeError("no form has a list of objects")
    return Lines(required=needed, widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}))


def _money(field: Any, needed: bool) -> forms.Field:
    made = _amount(field, needed)
    made.is_money = True  # type: ignore[attr-defined]
    return made


def _amount(field: Any, needed: bool) -> forms.Field:
    attrs = {"inputmode": "decimal", "autocomplete": "off"}
    return Amount(required=needed, widget=forms.TextInput(attrs=attrs))


def _whole(field: Any, needed: bool) -> forms.Field:
    return forms.IntegerField(required=needed, min_value=field.min_value, max_value=field.max_value)


def _address(field: Any, needed: bool) -> forms.Field:
    attrs = {"inputmode": "url", "spellcheck": "false", "placeholder": "https://"}
    return forms.CharField(
        required=needed, max_length=field.max_length, widget=forms.TextInput(attrs=attrs)
    )


def _text(field: Any, needed: bool) -> forms.Field:
    is_long = not isinstance(field, api.Name) and (field.max_length or LONG_CHARS) >= LONG_CHARS
    widget = forms.Textarea(attrs={"rows": 4}) if is_long else forms.TextInput()
    # The API judges length and blanks; what was typed is sent as it is.
    return forms.CharField(
        required=needed, max_length=field.max_length, widget=widget, strip=field.trim_whitespace
    )


def _moment(field: Any, needed: bool) -> forms.Field:
    return Moment(required=needed)


def _date(field: Any, needed: bool) -> forms.Field:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(required=needed, widget=widget)


def _json(field: Any, needed: bool) -> forms.Field:
    return Json(required=needed, widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}))


# The first that fits.
KINDS: tuple[tuple[type, Callable[[Any, bool], forms.Field]], ...] = (
    (serializers.MultipleChoiceField, _choices),
    (serializers.ChoiceField, _choice),
    (serializers.ListField, _list),
    (api.Money, _money),
    (serializers.DecimalField, _amount),
    (serializers.IntegerField, _whole),
    (api.WebAddress, _address),
    (serializers.URLField, _address),
    (serializers.DateTimeField, _moment),
    (serializers.DateField, _date),
    (serializers.JSONField, _json),
    (serializers.DictField, _json),
    (serializers.CharField, _text),
)
