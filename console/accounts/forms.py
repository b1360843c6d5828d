"""Forms for passkeys that take what is no passkey's answer for a wrong one: allauth's own crash on
some of it, and on a wrong signature."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms
from cryptography.exceptions import InvalidSignature
from django.forms import CharField, HiddenInput, JSONField, ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

_BROKEN = (AttributeError, InvalidSignature, LookupError, TypeError, ValueError, struct.error)


class Answer(JSONField):
    """What the browser's passkey said. What nests without end, or has a number without one, is no
    JSON either."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (RecursionError, ValueError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        return None if data is None else InvalidJSONInput(data)


class AddKey(forms.AddWebAuthnForm):
    name = CharField(label=_("Name"), required=False)
    credential = Answer(required=True, widget=HiddenInput)

    def clean(self) -> dict[str, Any]:
        with _wrong():
            found: dict[str, Any] = super().clean()
            return found


class UseKey(forms.AuthenticateWebAuthnForm):
    credential = Answer(required=True, widget=HiddenInput)

    def clean_credential(self) -> Authenticator:
        with _wrong():
            return super().clean_credential()


class SignInByKey(forms.LoginWebAuthnForm):
    credential = Answer(required=True, widget=HiddenInput)

    def clean_credential(self) -> Authenticator:
        with _wrong():
            return super().clean_credential()


class RenameKey(forms.EditWebAuthnForm):
    name = CharField(label=_("Name"))


class ConfirmByKey(forms.ReauthenticateWebAuthnForm):
    credential = Answer(required=True, widget=HiddenInput)

    def clean_credential(self) -> Authenticator:
        with _wrong():
            return super().clean_credential()


@contextmanager
def _wrong() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise get_adapter().validation_error("incorrect_code") from error
