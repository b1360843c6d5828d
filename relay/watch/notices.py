"""Bringing notices (billing/notices.py) to people: by mail, and signed to a hook.

A notice is a row before it is sent, and is sent until it has arrived or the ladder of callbacks
ends. Whoever dies between sending and storing that has it sent twice, never not at all.
"""

import json
import logging
import smtplib
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import timezone
from django.utils.translation import override

from billing import notices, tenants
from billing.models import Delivery, Notice, Tenant
from common import languages, site, sql
from common.deadline import deadline
from relay.messages import hooks, ladder, posting

logger = logging.getLogger(__name__)

# Longer than a delivery may take.
LEASE_MARGIN_SECONDS = 15
CLAIM_BATCH = 100
ERROR_MAX_CHARS = 500
# From here on an SMTP server's no is final.
SMTP_PERMANENT = 500

_CLAIM = """
UPDATE billing_delivery SET due_at = now() + %(lease)s
WHERE id IN (
    SELECT id FROM billing_delivery WHERE due_at <= now()
    ORDER BY due_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id, tries
"""


class Outcome(NamedTuple):
    """How a try ended: no error, it has arrived. With `is_final` another try would end the same.
    `retry_after`: the seconds that the receiver asks us to wait."""

    error: str = ""
    is_final: bool = False
    retry_after: float | None = None


def claim() -> list[tuple[int, int]]:
    """(id, tries so far) of due deliveries, leased to the caller."""
    rows = sql.fetch_all(_CLAIM, {"lease": _lease(), "limit": CLAIM_BATCH})
    return [(row.id, row.tries) for row in rows]


def deliver(delivery_id: int, tries: int) -> None:
    """One try. Of several workers with the same job, the one that raises `tries` delivers."""
    mine = Delivery.objects.filter(
        pk=delivery_id, tries=tries, state=Delivery.State.PENDING
    ).update(tries=F("tries") + 1, due_at=timezone.now() + _lease())
    if not mine:
        return
    delivery = Delivery.objects.select_related("notice").get(pk=delivery_id)
    _record(delivery, _try(delivery))


def body(notice: Notice) -> str:
    """What hooks get: the same over all tries."""
    message = {
        "type": notice.kind,
        "timestamp": notice.created_at.isoformat(),
        "data": notice.data,
    }
    return json.dumps(message, ensure_ascii=False)


def message_id(notice: Notice) -> str:
    """The `webhook-id`: the same over all tries."""
    return f"notice_{notice.pk}"


def _try(delivery: Delivery) -> Outcome:
    send = _mail if delivery.way == Delivery.Way.MAIL else _hook
    try:
        return send(delivery)
    # A secret that cannot be decrypted, an address that no library can write: a failed try.
    except Exception as error:
        logger.exception("delivery %s of notice %s broke", delivery.pk, delivery.notice_id)
        return Outcome(f"{type(error).__name__}: {error}")


def _hook(delivery: Delivery) -> Outcome:
    notice = delivery.notice
    secrets = _secrets(notice.tenant)
    if not secrets:
        return Outcome("OPERATOR_WEBHOOK_SECRET is not set: it would go unsigned", is_final=True)
    if notice.tenant_id and hooks.is_off(notice.tenant_id, delivery.address):
        return Outcome("this hook is switched off", is_final=True)
    sql.release_connection()
    text = body(notice)
    answer = posting.post(
        delivery.address,
        body=text,
        sign=lambda timestamp: posting.signature(
            message_id=message_id(notice), timestamp=timestamp, body=text, secrets=secrets
        ),
    )
    if notice.tenant_id and hooks.note(notice.tenant_id, delivery.address, answer):
        hooks.hold_back()
    if answer.is_success:
        return Outcome()
    error = f"{answer.status_code or 'no answer'}: {answer.answer}"
    return Outcome(
        error, is_final=answer.is_hopeless or answer.is_gone, retry_after=answer.retry_after
    )


def _secrets(tenant: Tenant | None) -> list[str]:
    if tenant is not None:
        return tenants.webhook_secrets(tenant)
    return [settings.OPERATOR_WEBHOOK_SECRET] if settings.OPERATOR_WEBHOOK_SECRET else []


def _mail(delivery: Delivery) -> Outcome:
    if not settings.EMAIL_URL:
        return Outcome("EMAIL_URL is not set: no mail can be sent", is_final=True)
    with override(languages.of_mail(delivery.address)):
        subject, text = notices.said(delivery.notice)
    message = EmailMessage(
        subject=subject,
        body=f"{text.rstrip()}\n\n-- \n{site.value('site_name')}, {settings.PUBLIC_URL}\n",
        to=[delivery.address],
        # The same over all tries, so that mailboxes can tell; and nobody's holidays answer it.
        headers={"Message-ID": _mail_id(delivery), "Auto-Submitted": "auto-generated"},
    )
    sql.release_connection()
    try:
        with deadline(settings.EMAIL_TIMEOUT_SECONDS):
            message.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        return Outcome(f"refused: {error}", is_final=min(codes) >= SMTP_PERMANENT)
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(f"{type(error).__name__}: {error}")
    return Outcome()


def _mail_id(delivery: Delivery) -> str:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    return f"<notice-{delivery.notice_id}-{delivery.pk}@{domain}>"


def _record(delivery: Delivery, outcome: Outcome) -> None:
    """Not over what a later try has come to."""
    row = Delivery.objects.filter(
        pk=delivery.pk, tries=delivery.tries, state=Delivery.State.PENDING
    )
    error = outcome.error.replace("\x00", "")[:ERROR_MAX_CHARS]
    if not error:
        row.update(state=Delivery.State.DELIVERED, due_at=None, error="")
        return
    wait = ladder.next_try(delivery.tries, retry_after=outcome.retry_after)
    if outcome.is_final:
        wait = None
    if wait is None:
        row.update(state=Delivery.State.GIVEN_UP, due_at=None, error=error)
        logger.error("notice %s to %s given up: %s", delivery.notice_id, delivery.address, error)
        return
    row.update(due_at=timezone.now() + timedelta(seconds=wait), error=error)


def _lease() -> timedelta:
    longest = max(settings.CALLBACK_TIMEOUT_SECONDS, settings.EMAIL_TIMEOUT_SECONDS)
    return timedelta(seconds=longest + LEASE_MARGIN_SECONDS)
