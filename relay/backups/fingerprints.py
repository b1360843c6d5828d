"""Which secrets a backup needs, without having them in it: a salted value of each, too slow to
guess one by."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from relay.backups.errors import Damaged, Refused

SALT_BYTES = 16
# 16 MB and some 50 ms for each guess.
COST = {"n": 2**14, "r": 8, "p": 1}


def make() -> dict[str, Any]:
    """Of the secrets that the data in the database stand under."""
    salt = secrets.token_hex(SALT_BYTES)
    return {
        "salt": salt,
        "secrets": {
            name: [_fingerprint(secret, salt) for secret in known]
            for name, known in _in_use().items()
        },
    }


def check(found: Mapping[str, Any]) -> None:
    """Raises Refused when a secret is not ours under which something in the backup stands."""
    try:
        salt, wanted = str(found["salt"]), dict(found["secrets"])
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("its manifest says nothing of secrets") from error
    missing = [
        name
        for name, known in _in_use().items()
        if not set(wanted.get(name, [])) <= {_fingerprint(secret, salt) for secret in known}
    ]
    if missing:
        raise Refused(
            f"The backup was made under other secrets: {', '.join(missing)}. "
            f"{_lost(missing)} Set them as they were (`.env`, or secret_key in RELAY_VAR), or say "
            "--other-secrets to do without"
        )


def _lost(missing: list[str]) -> str:
    lost = {
        "ENCRYPTION_SECRETS": "channels' credentials, webhook secrets and second factors cannot "
        "be read",
        "KEY_HASH_SECRET": "no key of a tenant opens anything",
        "SECRET_KEY": "links to pictures end, and what was under way is found by its number only",
    }
    return "; ".join(lost[name] for name in missing).capitalize() + "."


def _in_use() -> dict[str, list[str]]:
    """By the setting of the newest; the older ones too."""
    return {
        "ENCRYPTION_SECRETS": list(settings.ENCRYPTION_SECRETS),
        "KEY_HASH_SECRET": [settings.KEY_HASH_SECRET, *settings.KEY_HASH_OLD_SECRETS],
        "SECRET_KEY": [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS],
    }


def _fingerprint(secret: str, salt: str) -> str:
    return hashlib.scrypt(secret.encode(), salt=bytes.fromhex(salt), dklen=16, **COST).hex()
