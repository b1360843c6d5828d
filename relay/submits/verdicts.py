"""What an attempt tells about its channel: works, is out of order, is full, does not know us."""

import logging
import time
from typing import NamedTuple

from django.conf import settings
from django.db import Error as DatabaseError

from channels import breaker, rests
from channels.errors import Refusal, Rejected, UpstreamError
from channels.history import fitting
from channels.models import Channel
from channels.selection import Upstream
from common import sql
from relay.watch import incidents
from relay.weeks import spans

logger = logging.getLogger(__name__)

WHY_MAX_CHARS = 300
# How old what keys that ask for stability are shown may be.
SHARES_SECONDS = 3
# Of the last minutes, but not from before the breaker was last opened or closed.
_WINDOW = f"""
SELECT count(*) AS results, count(*) FILTER (WHERE attempt.is_fault) AS faults
FROM channels_channel channel JOIN relay_attempt attempt ON attempt.channel_id = channel.id
WHERE channel.id = %(channel)s AND attempt.outcome <> 'sending'
  AND {spans.within("attempt.task_id")}
  AND attempt.created_at > now() - make_interval(secs => %(seconds)s)
  AND (channel.breaker_since IS NULL OR attempt.created_at > channel.breaker_since)
"""  # noqa: S608  the parts are constants
# By channel, so that each is one short walk through its index.
_FAULTS = f"""
SELECT channel.id, newest.share FROM channels_channel channel CROSS JOIN LATERAL (
    SELECT avg(is_fault::int)::float8 AS share FROM relay_attempt
    WHERE channel_id = channel.id AND outcome <> 'sending'
      AND {spans.within("task_id")}
      AND created_at > now() - make_interval(secs => %(seconds)s)
) newest
WHERE newest.share IS NOT NULL
"""  # noqa: S608  the parts are constants


class _Shares(NamedTuple):
    until: float
    by_channel: dict[int, float]


_shares = _Shares(until=0, by_channel={})


def is_fault(error: UpstreamError) -> bool:
    """Whether the channel is out of order: it cannot be reached, does not answer, or stumbles."""
    return error.is_fault if isinstance(error, Rejected) else True


def accepted(upstream: Upstream) -> None:
    """Once the yes is stored. The one task of a half-open breaker closes it."""
    if upstream.breaker == Channel.Breaker.CLOSED:
        return
    try:
        breaker.close(upstream.id)
    except DatabaseError:
        logger.exception("channel %s: its breaker could not be closed", upstream.name)


def refused(upstream: Upstream, error: UpstreamError) -> None:
    """Draws the conclusions from anything but a yes, once the attempt's outcome is stored. They
    may come to nothing when the database is gone: the next attempt tells the same."""
    try:
        _conclude(upstream, error, fitting(f"{error}")[:WHY_MAX_CHARS])
    except DatabaseError:
        logger.exception("channel %s: no conclusion could be stored", upstream.name)


def fault_shares() -> dict[int, float]:
    """Which share of each channel's attempts went wrong lately (0 to 1); SHARES_SECONDS old at
    most."""
    global _shares
    if time.monotonic() >= _shares.until:
        rows = sql.fetch_all(_FAULTS, _window())
        found = {row.id: row.share for row in rows}
        _shares = _Shares(time.monotonic() + SHARES_SECONDS, found)
    return _shares.by_channel


def _conclude(upstream: Upstream, error: UpstreamError, why: str) -> None:
    if is_fault(error):
        _count_fault(upstream, why)
    else:
        # It answers, whatever it says.
        accepted(upstream)
    if not isinstance(error, Rejected):
        return
    if error.refusal is Refusal.BAD_CREDENTIAL:
        incidents.refuse_credential(upstream, why=why)
    elif error.refusal is Refusal.QUEUE_FULL or error.retry_after is not None:
        rests.rest(upstream, seconds=error.retry_after, why=why)


def _count_fault(upstream: Upstream, why: str) -> None:
    if upstream.breaker != Channel.Breaker.CLOSED:
        breaker.fail(upstream.id, why=why)
        return
    window = sql.fetch_one(_WINDOW, _window() | {"channel": upstream.id})
    if breaker.should_open(results=window.results, faults=window.faults):
        share = f"{window.faults} of {window.results} went wrong"
        incidents.open_breaker(upstream, why=f"{share}, the last: {why}")


def _window() -> dict[str, float]:
    seconds = settings.BREAKER_WINDOW_SECONDS
    return {"seconds": seconds, **spans.tried_within(seconds)._asdict()}
