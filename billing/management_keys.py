"""Keys of the management API: made, hashed, checked. The tenant API takes none of them, and no API
key opens what they open."""

import secrets
import string
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from billing import digests
from billing.errors import InvalidKey, TenantDisabled
from billing.models import ManagementKey, Tenant
from common.audit import Author, Kind

KEY_PREFIX = "mk-"
KEY_LENGTH = 48
SHOWN_CHARS = 8
ACTOR_MAX_CHARS = 150
_ALPHABET = string.ascii_letters + string.digits


class Manager(NamedTuple):
    """Who asks: a key or a person (`key_id` or `user_id`), a tenant's or the site's own
    (`tenant_id` None).

    `name`: the key's, or the person's mail address or user name. `acting_as`: whom one of the
    site's people, who is the person then, has signed in as.
    """

    key_id: int | None
    name: str
    prefix: str
    role: str
    tenant_id: int | None
    user_id: int | None = None
    acting_as: str = ""

    @property
    def is_authenticated(self) -> bool:
        """Django REST framework's permission asks its "user" for this."""
        return True

    @property
    def is_site(self) -> bool:
        return self.tenant_id is None

    @property
    def actor(self) -> str:
        """What the ledger, the price books and the audit call it."""
        text = f"{self.name} ({self.prefix})" if self.prefix else self.name
        return text[:ACTOR_MAX_CHARS]

    @property
    def author(self) -> Author:
        """The same for the audit."""
        return Author(
            name=self.actor,
            kind=Kind.PERSON if self.key_id is None else Kind.KEY,
            is_site=self.is_site or bool(self.acting_as),
            user_id=self.user_id,
            acting_as=self.acting_as,
        )


def person(
    *, user_id: int, name: str, role: str, tenant_id: int | None, acting_as: str = ""
) -> Manager:
    """Somebody who is signed in: a member of the tenant, or without one the site's own."""
    return Manager(None, name, "", role, tenant_id, user_id, acting_as)


def make(
    *,
    tenant: Tenant | None,
    name: str,
    role: str,
    created_by: str = "",
    expires_at: datetime | None = None,
) -> tuple[ManagementKey, str]:
    """A new key: (row, key). The key is not stored and cannot be shown again.

    Raises IntegrityError for a role of the other side.
    """
    key = _new_key()
    row = ManagementKey.objects.create(
        tenant=tenant,
        name=name,
        role=role,
        prefix=shown(key),
        digest=digest(key),
        created_by=created_by,
        expires_at=expires_at,
    )
    return row, key


def rotate(row: ManagementKey) -> str:
    """A new key in the place of the old one, which stops at once. Returns the key, which cannot
    be shown again."""
    key = _new_key()
    ManagementKey.objects.filter(pk=row.pk).update(digest=digest(key), prefix=shown(key))
    row.refresh_from_db()
    return key


def shown(key: str) -> str:
    """As much of a key as it is recognised by."""
    return key[: len(KEY_PREFIX) + SHOWN_CHARS]


def digest(key: str) -> bytes:
    """HMAC-SHA256 of the whole key, prefix included: no other kind of key can have the same."""
    return digests.digest(_message(key))


def _message(key: str) -> bytes:
    return b"management:" + key.encode()


def authenticate(key: str) -> Manager:
    """Who is behind a key. Raises InvalidKey, TenantDisabled."""
    if not key.startswith(KEY_PREFIX):
        raise InvalidKey
    rows = ManagementKey.objects.select_related("tenant").filter(is_active=True)
    row = rows.filter(digest=digest(key)).first()
    if row is None and digests.renew("billing_managementkey", "digest", message=_message(key)):
        row = rows.filter(digest=digest(key)).first()
    if row is None or (row.expires_at is not None and row.expires_at <= timezone.now()):
        raise InvalidKey
    if row.tenant is not None and not row.tenant.is_active:
        raise TenantDisabled
    return Manager(row.pk, row.name, row.prefix, row.role, row.tenant_id)


def _new_key() -> str:
    return KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))
