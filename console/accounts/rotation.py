"""Sealing second factors' secrets anew (common/rotation.py): they lie within JSON."""

from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken

from common import vault
from common.rotation import Count

SEALED = ("secret", "seed")


def rotate() -> Count:
    rotated, already, lost = 0, 0, []
    sealed = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN)
    for key in sealed.order_by("pk").values_list("pk", flat=True):
        try:
            is_new = _rotate(key)
        except InvalidToken:
            lost.append(key)
            continue
        rotated += is_new
        already += not is_new
    return Count(rotated, already, lost)


def _rotate(key: int) -> bool:
    """Again from the start when the row was changed meanwhile: a used code stays used."""
    while row := Authenticator.objects.filter(pk=key).first():
        new = _anew(row.data)
        if new is None:
            return False
        if Authenticator.objects.filter(pk=key, data=row.data).update(data=new):
            return True
    return False


def _anew(data: dict[str, Any]) -> dict[str, Any] | None:
    """None where nothing is sealed with an older secret."""
    changed = {name: vault.seal_anew(data[name]) for name in SEALED if name in data}
    found = {name: value for name, value in changed.items() if value is not None}
    return data | found if found else None
