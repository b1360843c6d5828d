"""Tenants come with all they need: a group, a wallet, a webhook secret."""

import base64
import secrets

from django.db import transaction

from billing.models import Group, Tenant, Wallet

DEFAULT_GROUP = "default"
WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105  a prefix, not a secret
WEBHOOK_SECRET_BYTES = 32


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


def make_webhook_secret() -> str:
    """Standard Webhooks: "whsec_" and the base64 of 24 to 64 random bytes."""
    random = secrets.token_bytes(WEBHOOK_SECRET_BYTES)
    return WEBHOOK_SECRET_PREFIX + base64.b64encode(random).decode()
