"""How busy all channels are, against what they may be given, and how they answer free questions."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from common import sql
from relay.weeks import spans

# Points of the line of each channel.
PROBES = 60

# Tasks by the index `task_due`, which has live ones only; attempts by `attempt_by_channel`, as many
# as there are in a minute.
_LOADS = f"""
SELECT channel.id AS channel_id, channel.name, coalesce(live.tasks, 0)::int AS tasks,
       channel.concurrency, coalesce(live.waiting, 0)::int AS waiting, channel.queue_depth,
       (SELECT count(*) FROM relay_attempt
        WHERE channel_id = channel.id AND {spans.within("task_id")}
          AND created_at > statement_timestamp() - interval '60 seconds')::int AS submits,
       channel.rpm
FROM channels_channel channel LEFT JOIN (
    SELECT channel_id, count(*) AS tasks,
           count(*) FILTER (WHERE status IN ('NOT_START', 'SUBMITTED')) AS waiting
    FROM relay_task
    WHERE next_poll_at IS NOT NULL AND {spans.within("id")} GROUP BY channel_id
) live ON live.channel_id = channel.id
ORDER BY channel.id
"""  # noqa: S608  the parts are constants
_PROBES = """
SELECT channel.id AS channel_id, probe.created_at AS at, probe.is_ok, probe.milliseconds
FROM channels_channel channel CROSS JOIN LATERAL (
    SELECT * FROM channels_probe WHERE channel_id = channel.id ORDER BY id DESC LIMIT %(limit)s
) probe
ORDER BY channel.id, probe.id
"""


class ChannelLoad(NamedTuple):
    """What there is of a channel now, and its caps (relay/submits/room.py counts the same)."""

    channel_id: int
    name: str
    tasks: int
    concurrency: int | None
    waiting: int
    queue_depth: int | None
    submits: int
    rpm: int | None


class Point(NamedTuple):
    at: datetime
    is_ok: bool
    milliseconds: int


def read() -> list[ChannelLoad]:
    return [ChannelLoad(*row) for row in sql.fetch_all(_LOADS, spans.OPEN.span()._asdict())]


def newest_probes() -> defaultdict[int, list[Point]]:
    """The newest of each channel, from the oldest on."""
    points: defaultdict[int, list[Point]] = defaultdict(list)
    for row in sql.fetch_all(_PROBES, {"limit": PROBES}):
        points[row.channel_id].append(Point(row.at, row.is_ok, row.milliseconds))
    return points
