"""Secrets at rest: a text column that is encrypted in the database."""

import base64
import hashlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _fernet(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"vault:" + secret.encode()).digest()))
        for secret in secrets
    )


def encrypt(text: str) -> str:
    return _fernet(tuple(settings.ENCRYPTION_SECRETS)).encrypt(text.encode()).decode()


def decrypt(sealed: str) -> str:
    """Raises cryptography.fernet.InvalidToken when no secret in the settings fits."""
    return _fernet(tuple(settings.ENCRYPTION_SECRETS)).decrypt(sealed.encode()).decode()


def seal_anew(sealed: str) -> str | None:
    """The same text under the newest secret, None where it is already. Raises InvalidToken."""
    newest = _fernet(tuple(settings.ENCRYPTION_SECRETS[:1]))
    try:
        newest.decrypt(sealed.encode())
    except InvalidToken:
        return encrypt(decrypt(sealed))
    return None


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # no generic at run time
    """Plain text in Python, encrypted in the database. The empty text stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return decrypt(value) if value else value
