"""Free questions to every channel, again and again: is it there, how quick is it, how much room has
it. They are kept as a series for people and draw nothing.

They open and close no breaker and switch nothing on or off: that a list is answered does not say
that drawings are, nor the other way round. A credential that was refused is tried too, and that it
is taken again is noted in the channel's history.
"""

from dataclasses import replace
from typing import Any

from django.conf import settings

from channels import credentials, selection
from channels.adapters import adapter_for
from channels.adapters.base import ProbeResult
from channels.models import Channel, Credential, Probe
from channels.selection import Upstream
from common import sql

KEEP_DAYS = 7
# Refused credentials that are tried with one probe.
REFUSED_MAX = 5
ERROR_MAX_CHARS = 500
HEADROOM_MAX = 2**31 - 1

_SWEEP = "DELETE FROM channels_probe WHERE created_at < now() - make_interval(days => %(days)s)"
# A tick may come twice; half the time is a margin for one that comes early.
_CLAIM = """
UPDATE channels_channel channel
SET probing_until = now() + make_interval(secs => %(lease)s)
WHERE id IN (
    SELECT id FROM channels_channel due
    WHERE (probing_until IS NULL OR probing_until < now())
      AND (state <> 'disabled' OR EXISTS (
        SELECT FROM channels_credential WHERE channel_id = due.id AND refused_at IS NOT NULL
      ))
      AND NOT EXISTS (
        SELECT FROM channels_probe probe
        WHERE probe.channel_id = due.id
          AND probe.created_at > now() - make_interval(secs => %(seconds)s / 2)
      )
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""
# Questions of one probe, each with an end of its own.
QUESTIONS = 3


def claim() -> list[int]:
    """The channels to be asked now: those that serve, and those that we have disabled for a refused
    credential (what a person has disabled may not be there any more). Nobody else gets them until
    they have answered, so that of one that hangs the questions do not pile up."""
    seconds = settings.UPSTREAM_CONNECT_SECONDS + settings.UPSTREAM_POLL_SECONDS
    lease = seconds * QUESTIONS * (1 + REFUSED_MAX)
    rows = sql.fetch_all(_CLAIM, {"lease": lease, "seconds": settings.PROBE_SECONDS})
    return [row.id for row in rows]


def probe(channel_id: int) -> Probe | None:
    """Asks one channel and keeps what it says. None when it is gone."""
    try:
        upstream = selection.load(channel_id)
    except Channel.DoesNotExist:
        return None
    result = _ask(upstream)
    for credential in _refused(channel_id):
        _try(upstream, credential)
    if not Channel.objects.filter(pk=channel_id).update(probing_until=None):
        return None
    return Probe.objects.create(channel_id=channel_id, **_kept(result))


def sweep() -> int:
    """Drops what is older than KEEP_DAYS. Returns how many."""
    return sql.execute(_SWEEP, {"days": KEEP_DAYS})


def _ask(upstream: Upstream) -> ProbeResult:
    sql.release_connection()
    return adapter_for(upstream.kind).probe(upstream)


def _refused(channel_id: int) -> list[Credential]:
    rows = Credential.objects.filter(channel_id=channel_id, refused_at__isnull=False)
    return list(rows.order_by("pk")[:REFUSED_MAX])


def _try(upstream: Upstream, credential: Credential) -> None:
    own = replace(upstream, secret=credential.secret, credential_id=credential.pk)
    if _ask(own).is_ok:
        credentials.taken_again(credential)


def _kept(result: ProbeResult) -> dict[str, Any]:
    headroom = result.headroom
    return {
        "is_ok": result.is_ok,
        "milliseconds": result.milliseconds,
        "headroom": None if headroom is None else min(max(headroom, 0), HEADROOM_MAX),
        "error": result.error.replace("\x00", "")[:ERROR_MAX_CHARS],
    }
