"""How allauth works here: whose address it is, where mail leads, who may sign up."""

import logging
import unicodedata
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows import password_reset
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import site, sql, vault
from common.deadline import deadline
from console.accounts import people, preferences, sessions, sign_up
from relay.api import client

logger = logging.getLogger(__name__)

# Over a unix socket whose proxy says nothing: all of these count as one.
NO_ADDRESS = "0.0.0.0"  # noqa: S104  not bound to
CONFIRM_MAIL = "allauth.account.stages.EmailVerificationStage"


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | dict.fromkeys(
        ("email_password_mismatch", "username_password_mismatch", "invalid_login"),
        gettext_lazy("That name and password do not fit together."),
    )

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(client.address(request) or NO_ADDRESS)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return sign_up.is_open(request)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """A name that looks like a mail address could be taken for somebody else's."""
        if "@" in username:
            raise ValidationError(_("A user name cannot contain @."))
        name: str = super().clean_username(username, shallow)
        return name

    def clean_email(self, email: str) -> str:
        is_new = not self.request.user.is_authenticated
        if is_new and not sign_up.admits(self.request, email):
            raise ValidationError(_("This site takes other mail addresses only."))
        return email

    def save_user(
        self,
        request: HttpRequest,
        user: Any,
        form: Any,
        commit: bool = True,
    ) -> AbstractBaseUser:
        saved: AbstractBaseUser = super().save_user(request, user, form, commit)
        if commit:
            sign_up.remember(request, saved)
        return saved

    def get_login_stages(self) -> list[str]:
        own = f"{ConfirmMailStage.__module__}.{ConfirmMailStage.__name__}"
        return [own if stage == CONFIRM_MAIL else stage for stage in super().get_login_stages()]

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Signing in is as good as confirming it a minute later (console/who.py)."""
        super().login(request, user)
        sessions.begin(request)
        records = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY) or []
        if records:
            records[-1]["reauthenticated"] = True
            request.session[AUTHENTICATION_METHODS_SESSION_KEY] = records
        sign_up.fulfil(user)

    def post_login(
        self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        preferences.bring_back(response, user)
        return response

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By account, however its name is written and whatever host the request claims."""
        typed = str(credentials.get("username") or credentials.get("email") or "")
        user = people.named(typed)
        if user is not None:
            return f"user:{user.pk}"
        return f"name:{unicodedata.normalize('NFKC', typed).strip().casefold()}"

    def is_safe_url(self, url: str) -> bool:
        """Only addresses of this site without its name: nothing to be led astray by."""
        return bool(url) and url.startswith("/") and super().is_safe_url(url)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """The request's Host header has no part in what a mail leads to."""
        own = {
            "current_site": {"name": _site_name(), "domain": _host()},
            "signup_url": _public("account_signup"),
            "password_reset_url": context.get("password_reset_url")
            if "key" in context
            else _public("account_reset_password"),
        }
        if not connection.in_atomic_block:
            sql.release_connection()
        try:
            with deadline(settings.EMAIL_TIMEOUT_SECONDS):
                super().send_mail(template_prefix, email, context | own)
        except (SMTPException, OSError) as error:
            logger.error("mail %s was not sent: %r", template_prefix, error)
            messages.error(self.request, _("The mail could not be sent. Try again later."))

    def get_reset_password_from_key_url(self, key: str) -> str:
        url = password_reset.get_reset_password_from_key_url(self.request, key)
        return settings.PUBLIC_URL + urlsplit(url).path

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return _public("account_confirm_email", emailconfirmation.key)

    def format_email_subject(self, subject: str) -> str:
        return f"[{_site_name()}] {subject}"


class ConfirmMailStage(EmailVerificationStage):
    """Asks for a confirmed address only of those who have signed up and never been in: people who
    were imported, or made by an operator, may have none."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        user = self.login.user
        if user is not None and not _awaits_confirmation(user):
            return None, True
        answer: tuple[HttpResponse | None, bool] = super().handle()
        return answer


class MFAAdapter(DefaultMFAAdapter):
    def get_totp_issuer(self) -> str:
        return _site_name()

    def _get_site_name(self) -> str:
        return _site_name()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        found = Authenticator.objects.filter(user_id=user.pk, type=type)
        return _("Key %d") % (found.count() + 1)

    def encrypt(self, text: str) -> str:
        return vault.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return vault.decrypt(encrypted_text)


def _awaits_confirmation(user: AbstractBaseUser) -> bool:
    if user.last_login is not None:
        return False
    states = EmailAddress.objects.filter(user_id=user.pk).values_list("verified", flat=True)
    return bool(states) and not any(states)


def _public(name: str, *args: str) -> str:
    return settings.PUBLIC_URL + reverse(name, args=args)


def _site_name() -> str:
    return str(site.value("site_name"))


def _host() -> str:
    return urlsplit(settings.PUBLIC_URL).netloc
