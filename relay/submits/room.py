"""Whether a channel takes one more task: its caps (how many it draws, how many wait there, how many
came lately), and its breaker.

Counted from the tasks and attempts themselves, so nothing leaks and nothing has to be given back.
For a channel with caps, submits come one after the other while they are counted and written: never
one more than allowed. (Under the load that a cap allows, nobody waits for that.)
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from channels import breaker
from channels.errors import NoRoom
from channels.models import Channel
from channels.selection import Upstream
from common import sql
from relay.weeks import spans

# First of the two numbers of the advisory lock, so that it meets no other use of such locks.
_LOCK = 1
# Neither goes on counting where the cap is reached.
_LIVE = f"""
SELECT count(*) AS live, count(*) FILTER (WHERE is_waiting) AS waiting FROM (
    SELECT status IN ('NOT_START', 'SUBMITTED') AS is_waiting FROM relay_task
    WHERE channel_id = %(channel)s AND next_poll_at IS NOT NULL
      AND {spans.within("id")}
    LIMIT %(concurrency)s
) task
"""  # noqa: S608  the parts are constants
# In the order of the index: else, where other channels are busy and this one was, PostgreSQL thinks
# the first few are soon found by reading the whole table.
_RECENT = f"""
SELECT count(*) AS recent FROM (
    SELECT FROM relay_attempt
    WHERE channel_id = %(channel)s AND created_at > statement_timestamp() - interval '60 seconds'
      AND {spans.within("task_id")}
    ORDER BY created_at DESC
    LIMIT %(rpm)s
) attempt
"""  # noqa: S608  the parts are constants


class NotLetThrough(Exception):
    """The breaker lets one task through, and it is somebody else's."""


def has_room(upstream: Upstream) -> bool:
    """Whether one more fits now."""
    return not (_is_full(upstream) or _is_too_quick(upstream))


@contextmanager
def reserved(upstream: Upstream) -> Iterator[None]:
    """What is written inside is counted in before anybody else counts, and is the one task that a
    breaker lets through; if it comes to nothing, so does that. Raises NoRoom,
    NotLetThrough."""
    if not upstream.has_caps and upstream.breaker == Channel.Breaker.CLOSED:
        yield
        return
    with transaction.atomic():
        if upstream.has_caps:
            sql.fetch_one("SELECT pg_advisory_xact_lock(%s, %s::int)", (_LOCK, upstream.id))
            if not has_room(upstream):
                raise NoRoom
        if not _lets_through(upstream):
            raise NotLetThrough
        yield


def _lets_through(upstream: Upstream) -> bool:
    if upstream.breaker == Channel.Breaker.CLOSED:
        return True
    # What we know of it may be old: somebody may have closed it meanwhile.
    return breaker.claim(upstream.id) or breaker.is_closed(upstream.id)


def _is_full(upstream: Upstream) -> bool:
    if (upstream.concurrency, upstream.queue_depth) == (None, None):
        return False
    asked = {"channel": upstream.id, "concurrency": upstream.concurrency}
    count = sql.fetch_one(_LIVE, asked | spans.OPEN.span()._asdict())
    return _reaches(upstream.concurrency, count.live) or _reaches(
        upstream.queue_depth, count.waiting
    )


def _is_too_quick(upstream: Upstream) -> bool:
    if upstream.rpm is None:
        return False
    asked = {"channel": upstream.id, "rpm": upstream.rpm}
    count = sql.fetch_one(_RECENT, asked | spans.tried_within(60)._asdict())
    return _reaches(upstream.rpm, count.recent)


def _reaches(cap: int | None, number: int) -> bool:
    return cap is not None and number >= cap
