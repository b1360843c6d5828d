"""allauth's forms in our words: their labels come in capitals, and once more within the fields."""

from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

register = template.Library()

LABELS = {
    "code": pgettext_lazy("second factor", "Code"),
    "email": _("Mail address"),
    "oldpassword": _("Current password"),
    "password": _("Password"),
    "password1": _("New password"),
    "password2": _("New password, once more"),
    "username": _("User name"),
    "passwordless": _("Passkey: it signs me in without a password"),
}
OF_SIGN_UP = {"password1": _("Password"), "password2": _("Password, once more")}
HELPS = {"passwordless": _("It asks for your fingerprint, your face or a PIN then.")}


@register.filter
def plainly(form: Any) -> Any:
    """The same form."""
    if not any(kind.__module__.startswith("allauth.") for kind in type(form).__mro__):
        return form
    labels = LABELS | (OF_SIGN_UP if "username" in form.fields else {})
    for name, field in form.fields.items():
        field.widget.attrs.pop("placeholder", None)
        if name == "code":
            field.widget.attrs |= {"inputmode": "numeric", "autocomplete": "one-time-code"}
            # Where the app is set up there is something to look at first.
            field.widget.attrs["autofocus"] = not hasattr(form, "secret")
        bound = form[name]
        bound.label = labels.get(name, bound.label)
        bound.help_text = HELPS.get(name, bound.help_text)
    return form
