"""The same counts in PostgreSQL, for as long as Redis is gone: slower, as exact, for all processes.

What Redis has counted is not known here and the other way round, so in the minute of a change
a limit may be used up twice.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from billing.limits.counts import WINDOW_SECONDS, Count, Limit
from common import sql

# The second in which a hit is counted. While this one waited for its turn, others may have counted
# theirs in a later one. (What lies further ahead is from before the clock was set back.)
_NOW = """CASE WHEN had.newest BETWEEN excluded.newest AND excluded.newest + %(window)s
              THEN had.newest ELSE excluded.newest END"""
# One row per subject, decided under its lock: a hit is counted only where there is room for it.
_TAKE = f"""
WITH clock AS (SELECT floor(extract(epoch FROM clock_timestamp()))::bigint AS second)
INSERT INTO billing_ratewindow AS had (subject, hits, newest)
SELECT %(subject)s, jsonb_build_object(second, 1), second FROM clock WHERE %(limit)s > 0
ON CONFLICT (subject) DO UPDATE
SET newest = {_NOW}, hits = (
    SELECT jsonb_object_agg(second, number)
    FROM (
        SELECT key AS second, sum(value::int) AS number
        FROM (SELECT * FROM jsonb_each_text(had.hits) UNION ALL SELECT ({_NOW})::text, '1') hit
        WHERE key::bigint BETWEEN {_NOW} - %(window)s AND {_NOW}
        GROUP BY key
    ) bucket
)
WHERE %(limit)s > (
    SELECT coalesce(sum(value::int), 0) FROM jsonb_each_text(had.hits)
    WHERE key::bigint BETWEEN {_NOW} - %(window)s AND {_NOW}
)
"""  # noqa: S608  the parts are constants
_LOOK = """
SELECT subject, hits::text AS hits, extract(epoch FROM clock_timestamp())::float8 AS now
FROM billing_ratewindow WHERE subject = ANY(%(subjects)s)
"""
_SWEEP = """
DELETE FROM billing_ratewindow
WHERE newest < extract(epoch FROM clock_timestamp()) - 2 * %(window)s
"""


class _NoRoom(Exception):
    """Takes back what was counted for the other subjects."""


def take(limits: Sequence[Limit]) -> bool:
    """Counts one hit for all of the limits, or for none."""
    try:
        with transaction.atomic():
            # Always in the same order, so that two requests do not wait for each other.
            for limit in sorted(limits):
                params = {"subject": limit.subject, "limit": limit.per_minute}
                if not sql.execute(_TAKE, params | {"window": WINDOW_SECONDS}):
                    raise _NoRoom
    except _NoRoom:
        return False
    return True


def look(limits: Sequence[Limit]) -> list[Count]:
    rows = sql.fetch_all(_LOOK, {"subjects": [limit.subject for limit in limits]})
    known = {row.subject: row for row in rows}
    return [_count(limit, known.get(limit.subject)) for limit in limits]


def sweep() -> None:
    sql.execute(_SWEEP, {"window": WINDOW_SECONDS})


def _count(limit: Limit, row: Any) -> Count:
    if row is None:
        return Count(0, 0 if limit.per_minute else WINDOW_SECONDS, 0)
    hits = json.loads(row.hits)
    gone_at = {int(second) + WINDOW_SECONDS + 1: number for second, number in hits.items()}
    left = sorted((at - row.now, number) for at, number in gone_at.items() if at > row.now)
    total = sum(number for _, number in left)
    return Count(total, _until_room(limit, left), left[-1][0] if left else 0)


def _until_room(limit: Limit, left: list[tuple[float, int]]) -> float:
    """`left`: what still counts, as (seconds until it does not any more, hits)."""
    free = limit.per_minute - sum(number for _, number in left)
    if free > 0:
        return 0
    for wait, number in left:
        free += number
        if free > 0:
            return wait
    return WINDOW_SECONDS
