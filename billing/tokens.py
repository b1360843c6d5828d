"""API keys: made, hashed, checked."""

import secrets
import string
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import F
from django.utils import timezone

from billing import digests, tenants
from billing.errors import InvalidKey, TenantDisabled
from billing.models import Tenant, Token
from billing.pricing import Buyer
from common import sql
from common.gather import Gather

KEY_PREFIX = "sk-"
TEST_PREFIX = "sk-test-"
KEY_LENGTH = 48
SHOWN_CHARS = 8
# Keys in one question.
AT_ONCE = 1000
_ALPHABET = string.ascii_letters + string.digits


class Caller(NamedTuple):
    """Who asks: everything about a key that a request needs, read in one query."""

    token_id: int
    token_name: str
    tenant_id: int
    wallet_id: int
    is_test: bool
    tenant_is_active: bool
    image_setting: str
    default_mode: str
    hook: str
    budget: int | None
    expires_at: int
    actions: list[str]
    modes: list[str]
    addresses: list[str]
    policy: str
    key_rpm: int | None
    key_concurrency: int | None
    key_queue_seconds: int
    tenant_rpm: int | None
    tenant_concurrency: int | None
    tenant_queue_seconds: int
    group_id: int
    group_name: str
    home_id: int
    prices_generation: int
    channels_generation: int
    settings_generation: int

    @property
    def is_authenticated(self) -> bool:
        """Django REST framework's permission asks its "user" for this."""
        return True

    @property
    def buyer(self) -> Buyer:
        return Buyer(tenant_id=self.tenant_id, group_id=self.group_id, home_id=self.home_id)


_CALLER = """
SELECT token.id AS token_id, token.name AS token_name, tenant.id AS tenant_id,
       wallet.id AS wallet_id, token.is_test,
       tenant.is_active AS tenant_is_active, token.image_setting, token.default_mode,
       CASE token.hook WHEN '' THEN tenant.default_hook ELSE token.hook END AS hook,
       token.budget, coalesce(extract(epoch FROM token.expires_at), 0)::bigint AS expires_at,
       token.actions, token.modes, token.addresses, token.policy,
       token.rpm AS key_rpm, token.concurrency AS key_concurrency,
       token.queue_seconds AS key_queue_seconds,
       tenant.rpm AS tenant_rpm, tenant.concurrency AS tenant_concurrency,
       tenant.queue_seconds AS tenant_queue_seconds,
       grp.id AS group_id, grp.name AS group_name, tenant.group_id AS home_id,
       (SELECT value FROM common_generation WHERE name = 'prices') AS prices_generation,
       (SELECT value FROM common_generation WHERE name = 'channels') AS channels_generation,
       (SELECT value FROM common_generation WHERE name = 'settings') AS settings_generation
FROM billing_token token
JOIN billing_tenant tenant ON tenant.id = token.tenant_id
JOIN billing_wallet wallet ON wallet.tenant_id = tenant.id AND wallet.is_test = token.is_test
JOIN billing_group grp ON grp.id = coalesce(token.group_id, tenant.group_id)
WHERE token.is_active AND (token.expires_at IS NULL OR token.expires_at > now())
"""
_BY_DIGESTS = _CALLER.replace("SELECT", "SELECT token.digest,", 1) + (
    " AND token.digest = ANY(%(digests)s)"
)
# For keys that were replaced a short while ago, where the first look finds nothing.
_BY_OLD_DIGEST = f"{_CALLER} AND token.old_digest = %(digest)s AND token.old_expires_at > now()"
_BY_ID = f"{_CALLER} AND token.id = %(token_id)s"


def make(*, tenant: Tenant, name: str, is_test: bool = False, **fields: Any) -> tuple[Token, str]:
    """A new key of the tenant: (row, key). The key is not stored and cannot be shown again.

    `fields`: whatever else a Token has.
    """
    key = _new_key(is_test=is_test)
    if is_test:
        tenants.open_test_wallet(tenant)
    token = Token.objects.create(
        tenant=tenant, name=name, is_test=is_test, prefix=shown(key), digest=digest(key), **fields
    )
    return token, key


def rotate(token: Token, *, overlap: timedelta) -> str:
    """A new key in the place of the old one, which goes on for `overlap`. Budget, limits and
    usage stay. Returns the key, which cannot be shown again."""
    key = _new_key(is_test=token.is_test)
    Token.objects.filter(pk=token.pk).update(
        old_digest=F("digest"),
        old_expires_at=timezone.now() + overlap,
        digest=digest(key),
        prefix=shown(key),
    )
    token.refresh_from_db()
    return key


def shown(key: str) -> str:
    """As much of a key as it is recognised by."""
    head = TEST_PREFIX if key.startswith(TEST_PREFIX) else KEY_PREFIX
    return key[: len(head) + SHOWN_CHARS]


def _new_key(*, is_test: bool) -> str:
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))
    return (TEST_PREFIX if is_test else KEY_PREFIX) + secret


def digest(key: str) -> bytes:
    """HMAC-SHA256 of a key without its prefix, so that `sk-` is optional and a site may show
    another one (`hk-`)."""
    return digests.digest(_secret(key))


def _secret(key: str) -> bytes:
    head, dash, rest = key.partition("-")
    return (rest if dash and len(head) <= 3 else key).encode()


def authenticate(key: str) -> Caller:
    """The caller behind a key. Raises InvalidKey, TenantDisabled."""
    return _checked(_find(key) if key else None)


def authenticate_all(keys: Sequence[str]) -> list[Caller | None]:
    """The callers behind many keys, in their order; None who may not come in. A key that was
    replaced is nobody's here, even while it still opens the door."""
    found: list[Caller | None] = []
    for begin in range(0, len(keys), AT_ONCE):
        rows = _find_all([digest(key) for key in keys[begin : begin + AT_ONCE]])
        found += [_let_in(row) for row in rows]
    return found


def of_key(token_id: int) -> Caller:
    """The caller that a key is, for those who may use it without knowing it. Raises InvalidKey,
    TenantDisabled."""
    return _checked(sql.fetch_one(_BY_ID, {"token_id": token_id}))


def again(caller: Caller) -> Caller:
    """The same caller as it is now, for requests that have waited. Raises InvalidKey,
    TenantDisabled."""
    return of_key(caller.token_id)


def _find(key: str) -> Any:
    found = _by_digest.ask(digest(key)) or _by_old_digest(key)
    if found is None and digests.renew(
        "billing_token", "digest", "old_digest", message=_secret(key)
    ):
        found = _by_digest.ask(digest(key)) or _by_old_digest(key)
    return found


def _find_all(several: list[bytes]) -> list[Any]:
    rows = sql.fetch_all(_BY_DIGESTS, {"digests": list(set(several))})
    found = {bytes(row[0]): row[1:] for row in rows}
    return [found.get(one) for one in several]


_by_digest = Gather(_find_all)


def _by_old_digest(key: str) -> Any:
    return sql.fetch_one(_BY_OLD_DIGEST, {"digest": digest(key)})


def _checked(row: Any) -> Caller:
    if row is None:
        raise InvalidKey
    caller = Caller(*row)
    if not caller.tenant_is_active:
        raise TenantDisabled
    return caller


def _let_in(row: Any) -> Caller | None:
    try:
        return _checked(row)
    except (InvalidKey, TenantDisabled):
        return None
