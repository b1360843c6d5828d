"""Whether an address is called: off after days of failure or at its own wish, on again at the
tenant's. The only writer of Hook. A hook is one address of one tenant.
"""

import hashlib
import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_noop as _

from billing import notices
from billing.models import Tenant
from common import sql
from relay.messages import ladder
from relay.messages.posting import Delivery
from relay.models import Hook
from relay.weeks import spans

logger = logging.getLogger(__name__)

HOOK_OFF = "hook.off"
GONE_REASON = "it answered 410 Gone"
HOST_MAX_CHARS = 255
# Hooks of one tenant at one host are spread over so many lanes: messages of different lanes do not
# wait for each other, and a tenant who gives each task an address of its own makes no more.
LANES = 64
# A hook that asks for peace without saying how long gets a part of the time that it has failed.
PEACE_SHARE = 0.25
PEACE_MIN_SECONDS, PEACE_MAX_SECONDS = 5, 300
# Longer than the ladder ever waits: what has not failed since is not failing any more.
FORGOTTEN = timedelta(days=2)
BATCH = 1000
URL_IN_SUBJECT_MAX_CHARS = 100
_GONE_TEXT = _("%(url)s of %(tenant)s is switched off: it answered 410 Gone.")
_TIRED_TEXT = _(
    "%(url)s of %(tenant)s is switched off: it has failed for %(hours)s hours without a success."
)
_THEN_TEXT = _(
    "It has failed since %(since)s UTC. The ends of tasks are kept for it from now on, and "
    "progress is not told. Switch it on again when it works, or give another address; then what "
    "was kept can be sent."
)

_FAILED = """
INSERT INTO relay_hook AS hook (
    tenant_id, url, digest, host, lane, failing_since, quiet_until, off_reason
)
VALUES (
    %(tenant_id)s, %(url)s, %(digest)s, %(host)s, %(lane)s, now(),
    CASE WHEN %(asks)s THEN now() + make_interval(secs => greatest(%(peace)s, %(asked)s)) END, ''
)
ON CONFLICT (tenant_id, digest) DO UPDATE SET quiet_until = CASE WHEN %(asks)s THEN greatest(
    hook.quiet_until,
    now() + make_interval(secs => greatest(%(asked)s, %(peace)s, least(
        %(longest)s, extract(epoch FROM now() - hook.failing_since)::float8 * %(share)s
    )))
) ELSE hook.quiet_until END
RETURNING id, failing_since <= now() - %(patience)s AS is_beyond
"""
_HOLD_BACK = f"""
WITH vain AS (
    SELECT message.id, message.task_id FROM relay_hook hook CROSS JOIN LATERAL (
        SELECT id, task_id FROM relay_callback
        WHERE tenant_id = hook.tenant_id AND host = hook.host AND lane = hook.lane
          AND due_at IS NOT NULL AND url = hook.url
          AND {spans.within("task_id")}
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) message
    WHERE hook.off_since IS NOT NULL
    LIMIT %(limit)s
)
UPDATE relay_callback
SET state = CASE WHEN is_final THEN 'held_back' ELSE 'overtaken' END, due_at = NULL
FROM vain WHERE relay_callback.id = vain.id AND relay_callback.task_id = vain.task_id
"""  # noqa: S608  the parts are constants


class Place(NamedTuple):
    """Where messages to an address stand in line."""

    host: str
    lane: int


def digest(url: str) -> bytes:
    return hashlib.sha256(url.encode()).digest()


def place(url: str) -> Place:
    """Never raises: what is no address stands in line, too, to be refused when it is dialled."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return Place(host[:HOST_MAX_CHARS], digest(url)[0] % LANES)


def is_off(tenant_id: int, url: str) -> bool:
    rows = Hook.objects.filter(tenant_id=tenant_id, digest=digest(url), off_since__isnull=False)
    return rows.exists()


def off(known: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of these (tenant, address) that are switched off."""
    digests = {digest(url) for _, url in known}
    rows = Hook.objects.filter(digest__in=digests, off_since__isnull=False)
    return set(rows.values_list("tenant_id", "url")) if digests else set()


def note(tenant_id: int, url: str, delivery: Delivery) -> bool:
    """What a try tells about its hook. True when it has switched it off."""
    if delivery.is_success:
        Hook.objects.filter(
            tenant_id=tenant_id, digest=digest(url), off_since__isnull=True
        ).delete()
        return False
    with transaction.atomic():
        row = _failed(tenant_id, url, delivery)
        if delivery.is_gone:
            return _switch_off(row.id, GONE_REASON)
        return row.is_beyond and _switch_off(row.id, _patience_words())


def switch_on(tenant_id: int, url: str) -> bool:
    """The tenant wants it called again; its clock begins anew. What was held back is not sent by
    itself. False when it was not off."""
    rows = Hook.objects.filter(tenant_id=tenant_id, digest=digest(url), off_since__isnull=False)
    return bool(rows.delete()[0])


def hold_back() -> int:
    """Takes the messages of hooks that are off out of the line; returns how many."""
    total = 0
    asked = {"limit": BATCH, **spans.DUE_CALLBACKS.span()._asdict()}
    while number := sql.execute(_HOLD_BACK, asked):
        total += number
    return total


def sweep() -> None:
    """Finishes what a dead process has begun, and forgets failures that nobody has seen since."""
    hold_back()
    patience = timedelta(seconds=settings.CALLBACK_OFF_SECONDS)
    Hook.objects.filter(
        off_since__isnull=True, failing_since__lt=Now() - patience - FORGOTTEN
    ).delete()


def _failed(tenant_id: int, url: str, delivery: Delivery) -> Any:
    return sql.fetch_one(
        _FAILED,
        {
            "tenant_id": tenant_id,
            "url": url,
            "digest": digest(url),
            **place(url)._asdict(),
            "asks": delivery.asks_for_peace,
            "asked": float(ladder.bounded(delivery.retry_after)),
            "peace": float(PEACE_MIN_SECONDS),
            "longest": float(PEACE_MAX_SECONDS),
            "share": PEACE_SHARE,
            "patience": timedelta(seconds=settings.CALLBACK_OFF_SECONDS),
        },
    )


def _switch_off(hook_id: int, reason: str) -> bool:
    """Tells the tenant, once: of several who find it beyond hope one switches it off."""
    mine = Hook.objects.filter(pk=hook_id, off_since__isnull=True)
    if not mine.update(off_since=Now(), off_reason=reason, quiet_until=None):
        return False
    hook = Hook.objects.select_related("tenant").get(pk=hook_id)
    logger.warning("hook %s of tenant %s is switched off: %s", hook.pk, hook.tenant_id, reason)
    _tell(hook.tenant, hook)
    return True


def _tell(tenant: Tenant, hook: Hook) -> None:
    notices.raise_notice(
        tenant=tenant,
        kind=HOOK_OFF,
        subject=_("%(short)s is not called any more"),
        text=notices.PARAGRAPH.join(
            (_GONE_TEXT if hook.off_reason == GONE_REASON else _TIRED_TEXT, _THEN_TEXT)
        ),
        values={
            "short": hook.url[:URL_IN_SUBJECT_MAX_CHARS],
            "url": hook.url,
            "tenant": tenant.name,
            "hours": _patience_hours(),
            "since": f"{hook.failing_since:%Y-%m-%d %H:%M}",
        },
        data={
            "tenant": tenant.name,
            "hook_id": hook.pk,
            "url": hook.url,
            "reason": hook.off_reason,
            "failing_since": hook.failing_since.isoformat(),
        },
    )


def _patience_words() -> str:
    return f"it has failed for {_patience_hours()} hours without a success"


def _patience_hours() -> str:
    return f"{settings.CALLBACK_OFF_SECONDS / 3600:.3g}"
