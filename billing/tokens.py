"""API keys: made, hashed, checked."""

import hashlib
import hmac
import secrets
import string
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from billing.errors import InvalidKey, TenantDisabled
from billing.models import Tenant, Token
from common import sql

KEY_PREFIX = "sk-"
KEY_LENGTH = 48
SHOWN_CHARS = 8
_ALPHABET = string.ascii_letters + string.digits


class Caller(NamedTuple):
    """Who asks: everything about a key that a request needs, read in one query."""

    token_id: int
    token_name: str
    tenant_id: int
    tenant_is_active: bool
    image_setting: str
    default_mode: str
    budget: int | None
    held: int
    spent: int
    expires_at: int
    default_hook: str
    group_name: str
    group_ratio: Decimal
    prices_generation: int
    channels_generation: int

    @property
    def is_authenticated(self) -> bool:
        """Django REST framework's permission asks its "user" for this."""
        return True


_CALLER = """
SELECT token.id AS token_id, token.name AS token_name, tenant.id AS tenant_id,
       tenant.is_active AS tenant_is_active, token.image_setting, token.default_mode,
       token.budget, token.held, token.spent,
       coalesce(extract(epoch FROM token.expires_at), 0)::bigint AS expires_at,
       tenant.default_hook, grp.name AS group_name, grp.ratio AS group_ratio,
       (SELECT value FROM common_generation WHERE name = 'prices') AS prices_generation,
       (SELECT value FROM common_generation WHERE name = 'channels') AS channels_generation
FROM billing_token token
JOIN billing_tenant tenant ON tenant.id = token.tenant_id
JOIN billing_group grp ON grp.id = tenant.group_id
WHERE token.digest = %s AND token.is_active
  AND (token.expires_at IS NULL OR token.expires_at > now())
"""


def make(
    *,
    tenant: Tenant,
    name: str,
    budget: int | None = None,
    image_setting: str = Token.ImageSetting.PROXY,
) -> tuple[Token, str]:
    """A new key of the tenant: (row, key). The key is not stored and cannot be shown again."""
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))
    key = KEY_PREFIX + secret
    token = Token.objects.create(
        tenant=tenant,
        name=name,
        prefix=key[: len(KEY_PREFIX) + SHOWN_CHARS],
        digest=digest(key),
        budget=budget,
        image_setting=image_setting,
    )
    return token, key


def digest(key: str) -> bytes:
    """HMAC-SHA256 of a key without its prefix, so that `sk-` is optional and a site may show
    another one (`hk-`)."""
    head, dash, rest = key.partition("-")
    secret = rest if dash and len(head) <= 3 else key
    pepper = settings.KEY_HASH_SECRET.encode()
    return hmac.new(pepper, secret.encode(), hashlib.sha256).digest()


def authenticate(key: str) -> Caller:
    """The caller behind a key. Raises InvalidKey, TenantDisabled."""
    row = sql.fetch_one(_CALLER, (digest(key),)) if key else None
    if row is None:
        raise InvalidKey
    caller = Caller(*row)
    if not caller.tenant_is_active:
        raise TenantDisabled
    return caller
