"""Whom a typed name means."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

NAME_MAX_CHARS = 254


def named(text: str) -> AbstractBaseUser | None:
    """The one account of this confirmed mail address, of this user name, or of this unconfirmed
    mail address, in this order. Nobody when it could be several."""
    text = text.strip()
    if not text or len(text) > NAME_MAX_CHARS or "\x00" in text:
        return None
    return _by_confirmed_mail(text) or _by_name(text) or _by_mail(text)


def _by_confirmed_mail(text: str) -> AbstractBaseUser | None:
    if "@" not in text:
        return None
    rows = EmailAddress.objects.filter(email=text.lower(), verified=True).select_related("user")
    return _only([row.user for row in rows[:2]])


def _by_name(text: str) -> AbstractBaseUser | None:
    users = get_user_model()._default_manager
    return users.filter(username=text).first() or _only(
        list(users.filter(username__iexact=text)[:2])
    )


def _by_mail(text: str) -> AbstractBaseUser | None:
    if "@" not in text:
        return None
    rows = get_user_model()._default_manager.filter(email__iexact=text)
    return _only(list(rows[:2]))


def _only(found: list[Any]) -> AbstractBaseUser | None:
    return found[0] if len(found) == 1 else None
