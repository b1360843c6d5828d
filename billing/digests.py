"""HMACs under KEY_HASH_SECRET: by these keys, codes and invitations are found, which nobody stores.

What was made under one of KEY_HASH_OLD_SECRETS is found too, and kept under today's from then on.
"""

import hmac

from django.conf import settings

from common import sql


def digest(message: bytes) -> bytes:
    return _under(settings.KEY_HASH_SECRET, message)


def renew(table: str, *columns: str, message: bytes) -> bool:
    """For who has found nothing under today's secret: whether to look once more."""
    old = [_under(secret, message) for secret in settings.KEY_HASH_OLD_SECRETS]
    for column in columns if old else ():
        # The names are constants of our own modules.
        sql.execute(
            f"UPDATE {table} SET {column} = %(new)s WHERE {column} = ANY(%(old)s)",  # noqa: S608
            {"new": digest(message), "old": old},
        )
    return bool(old)


def _under(secret: str, message: bytes) -> bytes:
    return hmac.digest(secret.encode(), message, "sha256")
