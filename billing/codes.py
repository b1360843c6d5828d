"""Redemption codes: made in batches, shown once, kept as HMACs, good for one top-up each."""

import csv
import logging
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from billing import digests, ledger, money
from billing.errors import CodeRefused
from billing.models import CodeBatch, RedemptionCode, Tenant
from common import sql

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

logger = logging.getLogger(__name__)

BATCH_MAX_CODES = 10_000
# Without what is taken for something else when it is read aloud or copied by hand: 0 O, 1 I L.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
GROUPS = 8
GROUP_CHARS = 4
# 32 characters of 31 are 158 bits; who knows the group that is shown still misses 138.
SHOWN_CHARS = GROUP_CHARS
NOT_VALID = "this code is not valid"
EXPIRED = "this code has expired"

_REDEEM = """
UPDATE billing_redemptioncode code SET redeemed_by_id = %(tenant_id)s, redeemed_at = now()
FROM billing_codebatch batch
WHERE code.digest = %(digest)s AND code.redeemed_at IS NULL AND code.is_active
  AND batch.id = code.batch_id AND batch.is_active
  AND (batch.expires_at IS NULL OR batch.expires_at > now())
RETURNING code.id, code.prefix, batch.amount
"""


@transaction.atomic
def make(
    *, name: str, count: int, amount: int, expires_at: datetime | None, actor: str
) -> tuple[CodeBatch, list[str]]:
    """A batch of codes worth `amount` micro-units each: (row, codes). The codes are not stored and
    cannot be shown again.

    Raises ValueError for a number, an amount, a name or a time that makes no sense.
    """
    _check(name=name, count=count, amount=amount, expires_at=expires_at)
    batch = CodeBatch.objects.create(
        name=name, amount=amount, expires_at=expires_at, created_by=actor
    )
    codes = [_new_code() for _ in range(count)]
    RedemptionCode.objects.bulk_create(
        (
            RedemptionCode(batch=batch, prefix=code[:SHOWN_CHARS], digest=_digest(tidy(code)))
            for code in codes
        ),
        batch_size=1000,
    )
    return batch, codes


def write_csv(file: "SupportsWrite[str]", batch: CodeBatch, codes: Sequence[str]) -> None:
    """The codes as a table: code, amount in currency units, when it expires (empty: never)."""
    expires = batch.expires_at.isoformat() if batch.expires_at else ""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["code", "amount", "expires"])
    table.writerows([code, money.text(batch.amount), expires] for code in codes)


@transaction.atomic
def redeem(code: str, *, tenant: Tenant, actor: str) -> int:
    """Tops the tenant's balance up with what the code is worth; returns that, micro-units.

    Raises CodeRefused. Of several who redeem one code at the same time, one gets it.
    """
    plain = tidy(code)
    digest = _digest(plain)
    row = sql.fetch_one(_REDEEM, {"tenant_id": tenant.pk, "digest": digest})
    if row is None and digests.renew("billing_redemptioncode", "digest", message=_message(plain)):
        row = sql.fetch_one(_REDEEM, {"tenant_id": tenant.pk, "digest": digest})
    if row is None:
        error = _refusal(digest, tenant)
        logger.warning(
            "tenant %s (%s) could not redeem %s…: %s", tenant.pk, actor, _shown(plain), error
        )
        raise error
    ledger.topup(
        tenant_id=tenant.pk,
        amount=row.amount,
        reference=f"code-{row.id}",
        actor=actor,
        memo=f"redemption code {row.prefix}…",
    )
    return int(row.amount)


def disable_batch(batch: CodeBatch) -> int:
    """None of its codes can be redeemed any more; returns how many that stops."""
    CodeBatch.objects.filter(pk=batch.pk).update(is_active=False)
    return RedemptionCode.objects.filter(
        batch=batch, redeemed_at__isnull=True, is_active=True
    ).count()


def disable(code: RedemptionCode) -> bool:
    """This one cannot be redeemed any more. False when it has been redeemed already."""
    unused = RedemptionCode.objects.filter(pk=code.pk, redeemed_at__isnull=True)
    return bool(unused.update(is_active=False))


def tidy(code: str) -> str:
    """A code as it was meant, however it was typed: any case, spaces, dashes, full-width letters.

    Empty when it cannot be one.
    """
    if len(code) > 10 * GROUPS * GROUP_CHARS:
        return ""
    wide = unicodedata.normalize("NFKC", code).upper()
    # Pd: dashes of every length, Zs: spaces, Cc: line ends, Cf: what cannot be seen.
    marks = {"Pd", "Zs", "Cc", "Cf"}
    plain = "".join(char for char in wide if unicodedata.category(char) not in marks)
    return plain if len(plain) == GROUPS * GROUP_CHARS and set(plain) <= set(ALPHABET) else ""


def _check(*, name: str, count: int, amount: int, expires_at: datetime | None) -> None:
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise ValueError("a batch needs a name of at most 100 characters")
    if not 1 <= count <= BATCH_MAX_CODES:
        raise ValueError(f"a batch has 1 to {BATCH_MAX_CODES} codes")
    if not 0 < amount <= money.LARGEST:
        raise ValueError("the amount of a code must be positive")
    if expires_at is not None and expires_at <= timezone.now():
        raise ValueError("a code cannot have expired before it is made")


def _new_code() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARS)) for _ in range(GROUPS))
    return "-".join(groups)


def _digest(plain: str) -> bytes:
    """HMAC-SHA256 of a tidy code. The word before it keeps it apart from the HMACs of keys."""
    return digests.digest(_message(plain))


def _message(plain: str) -> bytes:
    return b"redemption code:" + plain.encode()


def _refusal(digest: bytes, tenant: Tenant) -> CodeRefused:
    """Who holds a code of somebody else's, or one that we took back, learns nothing of it."""
    code = RedemptionCode.objects.select_related("batch").filter(digest=digest).first()
    if code is None:
        return CodeRefused(NOT_VALID)
    if code.redeemed_at is not None and code.redeemed_by_id == tenant.pk:
        when = f"{code.redeemed_at:%Y-%m-%d %H:%M} UTC"
        return CodeRefused(f"you have redeemed this code already, at {when}")
    expires_at = code.batch.expires_at
    is_good = code.redeemed_at is None and code.is_active and code.batch.is_active
    if is_good and expires_at is not None and expires_at <= timezone.now():
        return CodeRefused(EXPIRED)
    return CodeRefused(NOT_VALID)


def _shown(plain: str) -> str:
    """What may stand in a log: the start of a code, nothing of what is none."""
    return plain[:SHOWN_CHARS] or "what is no code"
