"""Forms made of the API's bodies: what may be sent, and what is wrong with it, is said there once.

    NewKey = form_of(keys.Keys, "post", ["name", "expires_at", "budget"])

    form = NewKey(request.POST or None)
    if form.is_valid():
        with form.refusals():
            made = call(request, keys.Keys, "post", tenant_id=tenant_id, body=form.body)
            return done(request, url, _("Made."))
    return show(request, "console/keys/form.html", {"form": form})

In a change ("patch") only what the person has changed is sent, so two who change different things
at once do not undo each other's.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext

from console import api_fields
from console.api_fields import OMIT
from console.refusals import said
from relay.api import errors as api
from relay.api.v1.fields import Query, Strict
from relay.api.v1.operation import View

# Statuses of refusals that a person can do something about.
FOR_THE_FORM = (400, 402, 409, 422, 429, 502)


class ApiForm(forms.Form):
    """`body` is what the API is sent; only after is_valid()."""

    body_kind: ClassVar[type[Strict]]
    # Only what differs from what was shown.
    only_changes: ClassVar[bool] = False

    @property
    def body(self) -> dict[str, Any]:
        names = self.changed_data if self.only_changes else list(self.cleaned_data)
        fields = self.body_kind().fields
        told = {}
        for name in names:
            if name in fields and name in self.cleaned_data:
                value = self._sent(name, fields[name])
                if value is not OMIT:
                    told[name] = value
        return told

    def clean(self) -> dict[str, Any]:
        """What the API would say, all of it at once and at its fields."""
        cleaned = super().clean() or self.cleaned_data
        kind = self.body_kind(data=self.body, partial=self.only_changes)
        if not kind.is_valid():
            for name, errors in kind.errors.items():
                # What the form itself has found is not said twice.
                if name not in self.errors:
                    self._refuse(name, errors)
        return cleaned

    def refusals(self) -> "refusals":
        return refusals(self)

    def _sent(self, name: str, field: Any) -> Any:
        value = self.cleaned_data[name]
        is_secret = isinstance(self.fields[name].widget, forms.PasswordInput)
        if value == "" and is_secret:
            return OMIT
        return api_fields.sent(field, value)

    def _refuse(self, name: str, errors: Any) -> None:
        place = name if name in self.fields else None
        for text in _texts(errors):
            self.add_error(place, text if place else f"{name}: {text}")


class refusals:  # noqa: N801  # read as a verb: with refusals(form)
    """What the API refuses within it becomes errors of the form. Others' faults do not: a page
    that may not be seen or a database that is away are no matter of what was typed."""

    def __init__(self, form: forms.Form) -> None:
        self.form = form

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        found = api.find(error) if isinstance(error, Exception) else None
        if found is None or found.status not in FOR_THE_FORM:
            return False
        place(self.form, found.text or str(error))
        return True


def place(form: forms.Form, text: str) -> None:
    """The API's "name: text; other: text" at the fields that it names."""
    names = "|".join(map(re.escape, form.fields))
    marks = list(re.finditer(rf"(?:^|; )({names})(?:\.[\w.]+)?: ", text)) if names else []
    if not marks or marks[0].start():
        form.add_error(None, said(text))
        return
    for mark, after in zip_longest(marks, marks[1:]):
        end = after.start() if after else len(text)
        form.add_error(mark[1], said(text[mark.end() : end]))


def form_of(
    view: type[View],
    method: str,
    fields: Sequence[str],
    **changes: dict[str, Any],
) -> type[ApiForm]:
    """A form of these fields of the operation's body, in this order.

    `changes`: attributes of single fields, as `name={"label": _("…"), "initial": …}`, or another
    field altogether, as `name={"field": …}`. A field of the body that is no simple one raises
    TypeError: the page asks for it in its own way.
    """
    kind = getattr(view, method).operation.body
    return of_serializer(kind, fields, only_changes=method == "patch", changes=changes)


def of_serializer(
    kind: type[Strict],
    fields: Sequence[str],
    *,
    only_changes: bool = False,
    changes: dict[str, dict[str, Any]] | None = None,
) -> type[ApiForm]:
    """The same of any body or query."""
    known = kind().fields
    made = {name: _field(name, known[name], kind, only_changes) for name in fields}
    for name, attributes in (changes or {}).items():
        made[name] = attributes.get("field", made[name])
        for attribute, value in attributes.items():
            setattr(made[name], attribute, value)
    return type(
        f"{kind.__name__}Form",
        (ApiForm,),
        {**made, "body_kind": kind, "only_changes": only_changes},
    )


def _field(name: str, known: Any, kind: type[Strict], only_changes: bool) -> forms.Field:
    made = api_fields.made_of(name, known, is_query=issubclass(kind, Query))
    if only_changes:
        # The browser sends back what it was shown, so that a change is seen as one.
        made.show_hidden_initial = not isinstance(made.widget, forms.PasswordInput)
        if isinstance(made, forms.ChoiceField) and not api_fields.may_be_empty(known):
            # What has a value cannot be without one again.
            choices: Any = made.choices
            made.choices = [choice for choice in choices if choice[0] != ""]
    return made


def _texts(errors: Any) -> Iterator[str]:
    """The leaves of DRF's tree of errors; entries of a list are lines, counted from one."""
    if isinstance(errors, dict):
        for key, value in errors.items():
            for text in _texts(value):
                if isinstance(key, int):
                    yield gettext("line %(number)s: %(text)s") % {"number": key + 1, "text": text}
                else:
                    yield f"{key}: {text}"
        return
    for error in errors:
        if isinstance(error, dict | list):
            yield from _texts(error)
        else:
            yield said(str(error))
