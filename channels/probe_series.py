"""The free questions to a channel as a series for plots: the same number of points, however often
it was asked."""

from datetime import datetime
from typing import NamedTuple

from channels.probes import KEEP_DAYS
from common import sql

HOURS_MAX = KEEP_DAYS * 24
POINTS = 96

# By the index `probe_by_channel`; of one channel there are as many as are kept.
_SERIES = """
WITH bounds AS (
    SELECT now() - make_interval(hours => %(hours)s) AS since,
           %(hours)s * 3600.0 / %(points)s AS step
), told AS (
    SELECT floor(extract(epoch FROM created_at - since) / step)::int AS slot,
           count(*)::int AS number, (count(*) FILTER (WHERE NOT is_ok))::int AS failures,
           (percentile_disc(0.5) WITHIN GROUP (ORDER BY milliseconds)
            FILTER (WHERE is_ok))::int AS median_ms,
           (max(milliseconds) FILTER (WHERE is_ok))::int AS slowest_ms,
           min(headroom)::int AS headroom
    FROM channels_probe CROSS JOIN bounds
    WHERE channel_id = %(channel)s AND created_at >= since
    GROUP BY 1
)
SELECT since + make_interval(secs => (slot * step)::float8) AS at,
       coalesce(number, 0) AS number, coalesce(failures, 0) AS failures,
       median_ms, slowest_ms, headroom
FROM bounds CROSS JOIN generate_series(0, %(points)s - 1) AS slot LEFT JOIN told USING (slot)
ORDER BY slot
"""


class Span(NamedTuple):
    """What the probes of one stretch of time said. `headroom`: the least."""

    at: datetime
    number: int
    failures: int
    median_ms: int | None
    slowest_ms: int | None
    headroom: int | None


def read(channel_id: int, *, hours: int) -> list[Span]:
    """POINTS stretches of the last `hours`, from the oldest on, those without a probe too."""
    params = {"channel": channel_id, "hours": hours, "points": POINTS}
    return [Span(*row) for row in sql.read_all(_SERIES, params)]
