"""What tenants and operators are told without asking: decided and written here, in one transaction
with what it is about, and brought to them by relay/watch/notices.py."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from billing import money
from billing.models import Delivery, LowBalance, Notice, Tenant
from common import site, sql

BALANCE_LOW = "balance.low"
THRESHOLDS_MAX = 20
# Tenants that one transaction tells: short enough for nobody to wait for it.
TENANTS_PER_GO = 500
SUBJECT_MAX_CHARS = 200
PARAGRAPH = "\n\n"
_LOW = _("The balance of %(tenant)s is below %(threshold)s %(currency)s")
_LOW_TEXT = PARAGRAPH.join(
    (
        _(
            "%(tenant)s can still spend %(available)s %(currency)s; you asked to be told when it "
            "is less than %(threshold)s %(currency)s."
        ),
        _(
            "What tasks under way may cost is counted as spent. You are told again when the "
            "balance has risen to that and fallen below it anew."
        ),
    )
)

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
    *,
    tenant: Tenant | None,
    kind: str,
    subject: str,
    text: str,
    data: dict[str, Any],
    values: Mapping[str, str | int] | None = None,
) -> Notice:
    """Tells a tenant, or without one the operators, in every way they have asked for.

    `kind` is dotted (balance.low); `data` goes to hooks as JSON, `subject` and `text` by mail. With
    `values` these two are texts of the source in which the values have places: each reader gets
    them in his language, `text` paragraph by paragraph.
    """
    wording = None
    if values is not None:
        filled_in = {name: _plain(value) for name, value in values.items()}
        wording = {"subject": subject, "text": text, "values": filled_in}
        subject, text = subject % filled_in, text % filled_in
    notice = Notice.objects.create(
        tenant=tenant,
        kind=kind,
        subject=_line(_plain(subject)),
        text=_plain(text),
        data=data,
        wording=wording,
    )
    Delivery.objects.bulk_create(
        Delivery(notice=notice, way=way, address=address) for way, address in _ways(tenant)
    )
    return notice


def said(notice: Notice) -> tuple[str, str]:
    """Subject and text, in the language that is active."""
    if notice.wording is None:
        return notice.subject, notice.text
    subject, text, values = (notice.wording[name] for name in ("subject", "text", "values"))
    text = PARAGRAPH.join(gettext(paragraph) for paragraph in text.split(PARAGRAPH))
    return _line(gettext(subject) % values), text % values


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
    data = {
        "tenant": tenant.name,
        "available": money.text(available),
        "threshold": money.text(threshold),
        "currency": site.value("currency"),
    }
    raise_notice(
        tenant=tenant, kind=BALANCE_LOW, subject=_LOW, text=_LOW_TEXT, data=data, values=data
    )


def _ways(tenant: Tenant | None) -> Iterator[tuple[Delivery.Way, str]]:
    mails = site.value("notice_mails") if tenant is None else tenant.notice_mails
    hook = site.value("notice_hook") if tenant is None else tenant.notice_hook
    for mail in dict.fromkeys(mails):
        yield Delivery.Way.MAIL, mail
    if hook:
        yield Delivery.Way.HOOK, hook


def _line(text: str) -> str:
    return " ".join(text.split())[:SUBJECT_MAX_CHARS]


def _plain(value: Any) -> Any:
    """PostgreSQL keeps no NUL."""
    return value.replace("\x00", "") if isinstance(value, str) else value
