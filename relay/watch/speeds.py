"""How quick channels answer submits, and how often they do not: figures of the last hour and of the
last 24, bounded however many attempts there were.

What is over is added up once, hour by hour (AttemptHour), by latency in buckets that are a quarter
of a power of two wide: a quantile of them is right within a tenth. The present hour is read from
the attempts themselves.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from common import sql
from relay.weeks import spans

HOURS = 24
BUCKETS_PER_DOUBLING = 4
# So long after its end an hour has no attempt any more whose outcome is still to come.
CLOSED_MINUTES = 5
KEEP_DAYS = 9
# Of the newest attempts so many are read at most for the last hour, of all channels together.
READ_MAX = 50_000

_GOOD = "outcome IN ('accepted', 'modal')"
# Of what was never answered nobody knows how long it took.
NO_TIME = -1
_BUCKET = f"""(CASE WHEN milliseconds IS NULL THEN {NO_TIME}
    ELSE round({BUCKETS_PER_DOUBLING} * ln(greatest(milliseconds, 1)::float8) / ln(2.0::float8))
    END)::smallint"""
_FIGURES = f"""count(*)::int AS number, (count(*) FILTER (WHERE {_GOOD}))::int AS good,
       (count(*) FILTER (WHERE is_fault))::int AS faults"""

_CLOSE = f"""
WITH due AS (
    SELECT series.hour FROM generate_series(
        date_trunc('hour', now(), 'UTC') - make_interval(hours => %(hours)s),
        date_trunc('hour', now() - make_interval(mins => %(minutes)s), 'UTC') - interval '1 hour',
        interval '1 hour'
    ) AS series (hour)
    WHERE NOT EXISTS (SELECT FROM relay_attempthour known WHERE known.hour = series.hour)
), sums AS (
    SELECT due.hour, channel.id AS channel_id, attempt.*
    FROM due CROSS JOIN channels_channel channel CROSS JOIN LATERAL (
        SELECT {_BUCKET} AS bucket, {_FIGURES} FROM relay_attempt
        WHERE channel_id = channel.id AND task_id >= %(first)s AND task_id < %(until)s
          AND created_at >= due.hour
          AND created_at < due.hour + interval '1 hour'
          AND outcome <> 'sending'
        GROUP BY 1
    ) attempt
    UNION ALL
    SELECT hour, NULL::bigint, 0::smallint, 0, 0, 0 FROM due
)
INSERT INTO relay_attempthour (hour, channel_id, bucket, number, good, faults)
SELECT hour, channel_id, bucket, number, good, faults FROM sums
ON CONFLICT DO NOTHING
"""  # noqa: S608  the parts are constants
_SWEEP = "DELETE FROM relay_attempthour WHERE hour < now() - make_interval(days => %(days)s)"

_CLOSED = """
SELECT hour, channel_id, bucket, number, good, faults FROM relay_attempthour
WHERE hour > now() - make_interval(hours => %(hours)s) AND channel_id IS NOT NULL
"""
# The newest of each channel, by the index `attempt_by_channel`.
_RECENT = f"""
SELECT channel.id AS channel_id, hour, bucket, is_last_hour, sum(number)::int AS number,
       sum(good)::int AS good, sum(faults)::int AS faults
FROM channels_channel channel CROSS JOIN LATERAL (
    SELECT date_trunc('hour', created_at, 'UTC') AS hour, {_BUCKET} AS bucket,
           created_at > now() - interval '1 hour' AS is_last_hour, 1 AS number,
           ({_GOOD})::int AS good, is_fault::int AS faults
    FROM relay_attempt
    WHERE channel_id = channel.id AND created_at > %(since)s
      AND task_id >= %(first)s AND task_id < %(until)s
      AND outcome <> 'sending'
    ORDER BY created_at DESC LIMIT %(limit)s
) attempt
GROUP BY 1, 2, 3, 4
"""  # noqa: S608  the parts are constants


@dataclass
class Speed:
    """Attempts that have been answered or given up, and how long that took."""

    number: int = 0
    good: int = 0
    faults: int = 0
    _buckets: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, row: Any) -> None:
        self.number += row.number
        self.good += row.good
        self.faults += row.faults
        if row.bucket != NO_TIME:
            self._buckets[row.bucket] += row.number

    @property
    def success_rate(self) -> float | None:
        """Of 1; None without any attempt. A refusal that is the tenant's own fault is no success
        either."""
        return round(self.good / self.number, 4) if self.number else None

    def quantile(self, share: float) -> int | None:
        """Milliseconds that `share` (of 1) of them took at most, within a tenth."""
        left = share * sum(self._buckets.values())
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return round(2 ** (bucket / BUCKETS_PER_DOUBLING))
        return None


@dataclass
class Speeds:
    """Of one channel. `hours`: from the oldest to the present one, those without attempts too."""

    last_hour: Speed
    last_day: Speed
    hours: dict[datetime, Speed]


def close_hours() -> int:
    """Adds up the hours that are over; returns how many lines that came to. Twice is harmless."""
    with transaction.atomic(), sql.patient():
        hours = {"hours": HOURS, "minutes": CLOSED_MINUTES}
        return sql.execute(_CLOSE, hours | _of_tasks(HOURS + 1))


def sweep() -> int:
    """Drops hours that are too old; returns how many lines."""
    return sql.execute(_SWEEP, {"days": KEEP_DAYS})


def read(channel_ids: list[int]) -> dict[int, Speeds]:
    """Of each of these channels."""
    now = datetime.now(UTC)
    present = now.replace(minute=0, second=0, microsecond=0)
    hours = [present - timedelta(hours=back) for back in reversed(range(HOURS))]
    found = {pk: Speeds(Speed(), Speed(), {hour: Speed() for hour in hours}) for pk in channel_ids}
    closed = sql.fetch_all(_CLOSED, {"hours": HOURS})
    for row in closed:
        _take(found, row)
    done = _done(hours)
    params = {"since": min(done, now - timedelta(hours=1)), "limit": _limit(channel_ids)}
    params |= _of_tasks(HOURS)
    for row in sql.fetch_all(_RECENT, params):
        if row.hour >= done:
            _take(found, row)
        if row.is_last_hour and row.channel_id in found:
            found[row.channel_id].last_hour.add(row)
    return found


def _of_tasks(hours: int) -> dict[str, int]:
    """Of the attempts of so many last hours."""
    first, until = spans.tried_within(hours * 3600)
    return {"first": first, "until": until}


def _done(hours: list[datetime]) -> datetime:
    """Up to when hours have been added up. Those before it that have not are left out: two of them
    are at most, where nobody works."""
    newest = sql.fetch_one("SELECT max(hour) AS hour FROM relay_attempthour").hour
    done = hours[-2] if newest is None else newest + timedelta(hours=1)
    return max(done, hours[-2])


def _limit(channel_ids: list[int]) -> int:
    return max(READ_MAX // max(len(channel_ids), 1), 1)


def _take(found: dict[int, Speeds], row: Any) -> None:
    speeds = found.get(row.channel_id)
    if speeds is not None and row.hour in speeds.hours:
        speeds.hours[row.hour].add(row)
        speeds.last_day.add(row)
