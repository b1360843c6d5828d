"""What tenants and operators are told without asking: decided and written here, in one transaction
with what it is about, and brought to them by relay/notices.py."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from django.conf import settings
from django.db import transaction

from billing import money
from billing.models import Delivery, LowBalance, Notice, Tenant
from common import sql

BALANCE_LOW = "balance.low"
THRESHOLDS_MAX = 20
# Tenants that one transaction tells: short enough for nobody to wait for it.
TENANTS_PER_GO = 500
SUBJECT_MAX_CHARS = 200

# One at a time: of several thresholds that a tenant has fallen below, one is told.
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtext('billing.notices.check_balances')) AS is_mine"
_AVAILABLE = "wallet.balance - wallet.held + wallet.credit_limit"
_RECOVERED = f"""
UPDATE billing_lowbalance threshold SET is_below = false
FROM billing_wallet wallet
WHERE wallet.tenant_id = threshold.tenant_id AND NOT wallet.is_test
  AND threshold.is_below AND {_AVAILABLE} >= threshold.amount
"""  # noqa: S608  the parts are constants
_FALLEN = f"""
WITH fallen AS (
    SELECT threshold.id, threshold.tenant_id, {_AVAILABLE} AS available
    FROM billing_lowbalance threshold
    JOIN billing_wallet wallet ON wallet.tenant_id = threshold.tenant_id AND NOT wallet.is_test
    WHERE NOT threshold.is_below AND {_AVAILABLE} < threshold.amount
), chosen AS (
    SELECT DISTINCT tenant_id FROM fallen ORDER BY tenant_id LIMIT %(limit)s
)
UPDATE billing_lowbalance threshold SET is_below = true
FROM fallen JOIN chosen USING (tenant_id)
WHERE threshold.id = fallen.id AND NOT threshold.is_below
RETURNING threshold.tenant_id, threshold.amount, fallen.available
"""  # noqa: S608  the parts are constants


@transaction.atomic
def raise_notice(
    *, tenant: Tenant | None, kind: str, subject: str, text: str, data: dict[str, Any]
) -> Notice:
    """Tells a tenant, or without one the operators, in every way they have asked for.

    `kind` is dotted (balance.low); `data` goes to hooks as JSON, `subject` and `text` by mail.
    """
    notice = Notice.objects.create(
        tenant=tenant,
        kind=kind,
        subject=" ".join(_plain(subject).split())[:SUBJECT_MAX_CHARS],
        text=_plain(text),
        data=data,
    )
    Delivery.objects.bulk_create(
        Delivery(notice=notice, way=way, address=address) for way, address in _ways(tenant)
    )
    return notice


def check_balances() -> int:
    """Tells each tenant whose available money has fallen below a threshold of his since the last
    look, once for each time it falls: from `is_below` on it must first rise to the threshold
    again. Returns how many were told."""
    total = 0
    while told := _check_some():
        total += told
    return total


@transaction.atomic
def set_thresholds(tenant: Tenant, amounts: Collection[int]) -> None:
    """The amounts, micro-units, below which the tenant is told. Those that stay keep their state.

    Raises ValueError.
    """
    wanted = set(amounts)
    if len(wanted) > THRESHOLDS_MAX:
        raise ValueError(f"a tenant has at most {THRESHOLDS_MAX} thresholds")
    if not all(0 < amount <= money.LARGEST for amount in wanted):
        raise ValueError("a threshold must be more than nothing, and not absurdly large")
    tenant.thresholds.exclude(amount__in=wanted).delete()
    LowBalance.objects.bulk_create(
        (LowBalance(tenant=tenant, amount=amount) for amount in sorted(wanted)),
        ignore_conflicts=True,
    )


@transaction.atomic
def _check_some() -> int:
    if not sql.fetch_one(_ALONE).is_mine:
        return 0
    sql.execute(_RECOVERED)
    fallen = defaultdict(list)
    for row in sql.fetch_all(_FALLEN, {"limit": TENANTS_PER_GO}):
        fallen[row.tenant_id].append((row.amount, row.available))
    for tenant in Tenant.objects.filter(pk__in=fallen):
        threshold, available = min(fallen[tenant.pk])
        _tell_low(tenant, threshold=threshold, available=available)
    return len(fallen)


def _tell_low(tenant: Tenant, *, threshold: int, available: int) -> None:
    left, limit = money.text(available), money.text(threshold)
    currency = settings.CURRENCY
    raise_notice(
        tenant=tenant,
        kind=BALANCE_LOW,
        subject=f"The balance of {tenant.name} is below {limit} {currency}",
        text=f"{tenant.name} can still spend {left} {currency}; you asked to be told when it is "
        f"less than {limit} {currency}.\n\nWhat tasks under way may cost is counted as spent. "
        "You are told again when the balance has risen to that and fallen below it anew.\n",
        data={
            "tenant": tenant.name,
            "available": left,
            "threshold": limit,
            "currency": currency,
        },
    )


def _ways(tenant: Tenant | None) -> Iterator[tuple[Delivery.Way, str]]:
    mails = settings.OPERATOR_MAILS if tenant is None else tenant.notice_mails
    hook = settings.OPERATOR_NOTICE_HOOK if tenant is None else tenant.notice_hook
    for mail in dict.fromkeys(mails):
        yield Delivery.Way.MAIL, mail
    if hook:
        yield Delivery.Way.HOOK, hook


def _plain(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    return text.replace("\x00", "")
