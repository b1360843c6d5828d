"""A new password for who has lost his and has no mail: a link that an operator hands over."""

from datetime import datetime, timedelta
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers

from relay.api.v1 import people
from relay.api.v1.fields import Once, Strict, memo
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.people import AccountLine
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest


class NewPasswordLink(Strict):
    person = people.person()
    reason = memo(help_text="Why; for the audit.")


class PasswordLink(Strict):
    link = Once(
        help_text="Where he sets a new password, once. Shown this once only; whoever has it can "
        "sign in as him."
    )
    expires_at = serializers.DateTimeField()
    details = AccountLine(help_text="Whose password it is.")


class PasswordLinks(View):
    """It is worth nothing once a password is set, and it changes nothing before."""

    tag = "access"
    thing, deed = "account", "make password link"
    site_only = True

    @operation(
        Right.STAFF,
        "Make a link by which a person sets a new password",
        body=NewPasswordLink,
        answer=PasswordLink,
        status=201,
    )
    def post(self, call: Call) -> dict[str, Any]:
        user = people.account(call.body["person"])
        if not user.is_active:
            raise InvalidRequest("person: this account is disabled")
        return {
            "link": _link(user),
            "expires_at": _expiry(),
            "details": people.account_line(user),
        }


def _link(user: Any) -> str:
    """As allauth mails it; its page takes it."""
    ids = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return f"{settings.PUBLIC_URL}{reverse('account_reset_password_from_key', kwargs=ids)}"


def _expiry() -> datetime:
    return timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
