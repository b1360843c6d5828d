"""Tenants come with all they need: a group, a wallet, a webhook secret."""

import base64
import secrets
import uuid
from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from billing import ledger
from billing.models import Group, Tenant, Wallet
from billing.money import UNIT

DEFAULT_GROUP = "default"
TEST_MONEY = 1000 * UNIT
WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105  a prefix, not a secret
WEBHOOK_SECRET_BYTES = 32
BATCH = 2000


@transaction.atomic
def create(*, name: str, group: str = DEFAULT_GROUP) -> Tenant:
    """A new tenant with an empty wallet. The group is made when it is new."""
    tenant = Tenant.objects.create(
        name=name,
        group=Group.objects.get_or_create(name=group)[0],
        webhook_secret=make_webhook_secret(),
    )
    Wallet.objects.create(tenant=tenant)
    return tenant


@transaction.atomic
def create_many(wanted: Mapping[str, int]) -> dict[str, Tenant]:
    """The same for thousands at once: group ids by the tenants' names. Raises IntegrityError when
    there is a tenant of one of these names."""
    made = Tenant.objects.bulk_create(
        (
            Tenant(name=name, group_id=group_id, webhook_secret=make_webhook_secret())
            for name, group_id in wanted.items()
        ),
        batch_size=BATCH,
    )
    Wallet.objects.bulk_create((Wallet(tenant=tenant) for tenant in made), batch_size=BATCH)
    return {tenant.name: tenant for tenant in made}


@transaction.atomic
def open_test_wallet(tenant: Tenant) -> Wallet:
    """Where test keys pay from, filled when it is new. Its money is worth nothing."""
    wallet, is_new = Wallet.objects.get_or_create(tenant=tenant, is_test=True)
    if is_new:
        fill_test_wallet(tenant, actor="system")
        wallet.refresh_from_db()
    return wallet


def fill_test_wallet(tenant: Tenant, *, actor: str) -> None:
    """More play money. Raises Wallet.DoesNotExist before there is a test key."""
    ledger.topup(
        tenant_id=tenant.pk,
        amount=TEST_MONEY,
        reference=f"test-money-{uuid.uuid4().hex}",
        actor=actor,
        memo="test money",
        is_test=True,
    )


def webhook_secrets(tenant: Tenant) -> list[str]:
    """What signs for a tenant: after a rotation the old secret, too, for a while."""
    until = tenant.old_webhook_secret_expires_at
    is_overlap = bool(tenant.old_webhook_secret) and until is not None and until > timezone.now()
    return [tenant.webhook_secret, *([tenant.old_webhook_secret] if is_overlap else [])]


@transaction.atomic
def rotate_webhook_secret(tenant: Tenant, *, overlap_seconds: int) -> Tenant:
    """The tenant with a new secret; the replaced one signs beside it until the overlap ends. One
    that was replaced before signs no more."""
    row = Tenant.objects.select_for_update().get(pk=tenant.pk)
    row.old_webhook_secret = row.webhook_secret if overlap_seconds else ""
    row.old_webhook_secret_expires_at = (
        timezone.now() + timedelta(seconds=overlap_seconds) if overlap_seconds else None
    )
    row.webhook_secret = make_webhook_secret()
    row.save(
        update_fields=["webhook_secret", "old_webhook_secret", "old_webhook_secret_expires_at"]
    )
    return row


def make_webhook_secret() -> str:
    """Standard Webhooks: "whsec_" and the base64 of 24 to 64 random bytes."""
    random = secrets.token_bytes(WEBHOOK_SECRET_BYTES)
    return WEBHOOK_SECRET_PREFIX + base64.b64encode(random).decode()
