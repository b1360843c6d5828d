"""What a tenant gets that has signed up by itself: a group, and perhaps some money."""

from django.db import transaction

from billing import ledger, tenants
from billing.models import Tenant
from common import site

MEMO = "starting balance"


@transaction.atomic
def open_tenant(*, name: str, actor: str) -> Tenant:
    """A new tenant as the site's settings say (`sign_up_group`, `sign_up_balance`). The money is
    given, not bought, so it is an adjustment. Raises IntegrityError for a name that is taken."""
    tenant = tenants.create(name=name, group=site.value("sign_up_group"))
    amount = site.value("sign_up_balance")
    if amount:
        ledger.adjust(
            tenant_id=tenant.pk,
            amount=amount,
            reference=f"sign-up-{tenant.pk}",
            actor=actor,
            memo=MEMO,
        )
    return tenant


def admits(mail: str) -> bool:
    """Whether somebody with this mail address may sign up, as far as its domain goes."""
    domains = [domain.lower().lstrip("@") for domain in site.value("sign_up_domains")]
    return not domains or mail.rpartition("@")[2].lower() in domains
