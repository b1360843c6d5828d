"""How the relay is doing: what waits and for how long, what is out of order. Read in a few cheap
statements, for `manage.py status`, /metrics and whoever else asks.

"Late" is always how long the oldest is overdue, in seconds; 0 when nothing is due.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

from common import pulses, sql
from common.deadline import deadline
from relay.watch import turnover
from relay.watch.turnover import Turnover
from relay.weeks import retention

# All of it together; a database that has no time for this is asked no longer.
STATEMENT_SECONDS = 2.0
ALL_SECONDS = 4.0

# By the index `task_expiry`: finished tasks are not touched, however many there are.
_TASKS = """
SELECT channel_id, status, count(*) AS number,
       coalesce(extract(epoch FROM now() - min(next_poll_at)), 0)::float8 AS late
FROM relay_task WHERE status IN ('NOT_START', 'SUBMITTED', 'IN_PROGRESS', 'MODAL')
GROUP BY channel_id, status
"""
_CHANNELS = """
SELECT channel.id, channel.name, channel.state, channel.reason, channel.breaker,
       coalesce(rests_until > now(), false) AS rests, probe.is_ok AS probe_is_ok,
       probe.milliseconds / 1000.0::float8 AS probe_seconds, probe.headroom,
       (SELECT count(*) FROM channels_credential
        WHERE channel_id = channel.id AND NOT is_active)::int AS credentials_off
FROM channels_channel channel LEFT JOIN LATERAL (
    SELECT * FROM channels_probe WHERE channel_id = channel.id ORDER BY id DESC LIMIT 1
) probe ON true
ORDER BY channel.id
"""
# Each by a partial index over what is not done yet. An attempt whose outcome is unknown belongs to
# a task without an id at its upstream, or to a confirmation.
_NUMBERS = """
SELECT
    (SELECT count(*) FROM relay_callback WHERE due_at IS NOT NULL) AS callbacks_pending,
    (SELECT extract(epoch FROM now() - min(due_at)) FROM relay_callback
     WHERE due_at IS NOT NULL)::float8 AS callback_late,
    (SELECT count(*) FROM relay_hook WHERE off_since IS NOT NULL) AS hooks_off,
    (SELECT count(*) FROM billing_delivery WHERE due_at IS NOT NULL) AS notices_pending,
    (SELECT extract(epoch FROM now() - min(due_at)) FROM billing_delivery
     WHERE due_at IS NOT NULL)::float8 AS notice_late,
    (SELECT count(*) FROM relay_resultfile WHERE due_at IS NOT NULL) AS results_pending,
    (SELECT count(*) FROM relay_task task JOIN relay_attempt attempt ON attempt.task_id = task.id
     WHERE task.status IN ('NOT_START', 'SUBMITTED', 'IN_PROGRESS', 'MODAL')
       AND (task.upstream_id = '' OR task.hold_suffix <> '')
       AND attempt.outcome = 'unknown') AS unknown_outcomes,
    (SELECT count(*) FROM relay_task WHERE is_written_off) AS written_off
"""
_PROOF = """
SELECT extract(epoch FROM now() - started_at)::float8 AS begun,
       extract(epoch FROM now() - finished_at)::float8 AS age, number
FROM relay_proofrun ORDER BY started_at DESC LIMIT 2
"""


class Proof(NamedTuple):
    """The newest proof of the books that came to its end: how long ago, and how many
    contradictions it has found. `overdue`: one was begun after it so many seconds ago."""

    age: float | None = None
    contradictions: int = 0
    overdue: float = 0


class ChannelStatus(NamedTuple):
    """Probe: the newest free question to it, if there was any."""

    id: int
    name: str
    state: str
    reason: str
    breaker: str
    rests: bool
    probe_is_ok: bool | None
    probe_seconds: float | None
    headroom: int | None
    credentials_off: int
    open_tasks: int = 0
    late: float = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What the database knows."""

    channels: list[ChannelStatus]
    proof: Proof
    # Seconds since a kind of work was last done (relay/celery.py, PULSES).
    pulses: dict[str, float]
    money: Turnover
    # Tasks that have not ended, by status; open modals are among them.
    tasks: dict[str, int] = field(default_factory=dict)
    task_late: float = 0
    callbacks_pending: int = 0
    callback_late: float = 0
    hooks_off: int = 0
    notices_pending: int = 0
    notice_late: float = 0
    results_pending: int = 0
    unknown_outcomes: int = 0
    written_off: int = 0
    # Seconds since 1970: for which time the tables have weekly parts.
    parts_until: float | None = None


def read() -> Status | None:
    """None when the database does not answer in time."""
    try:
        with deadline(ALL_SECONDS), sql.brief(STATEMENT_SECONDS):
            return _read()
    except (DatabaseError, PoolTimeout, TimeoutError):
        sql.release_connection()
        return None


def _read() -> Status:
    rows = sql.fetch_all(_TASKS)
    numbers: dict[str, int] = {}
    for row in rows:
        numbers[row.status] = numbers.get(row.status, 0) + row.number
    return Status(
        channels=list(_channels(rows)),
        proof=_proof(),
        pulses=pulses.ages(),
        money=turnover.read(),
        tasks=numbers,
        task_late=max([0, *(row.late for row in rows)]),
        parts_until=None if (end := retention.until()) is None else end.timestamp(),
        **{name: max(value or 0, 0) for name, value in sql.fetch_one(_NUMBERS)._asdict().items()},
    )


def _channels(tasks: list[Any]) -> Iterator[ChannelStatus]:
    by_channel = defaultdict(list)
    for each in tasks:
        by_channel[each.channel_id].append(each)
    for row in sql.fetch_all(_CHANNELS):
        own = by_channel[row.id]
        yield ChannelStatus(
            open_tasks=sum(each.number for each in own),
            late=max([0, *(each.late for each in own)]),
            **row._asdict(),
        )


def _proof() -> Proof:
    rows = sql.fetch_all(_PROOF)
    done = next((row for row in rows if row.age is not None), None)
    overdue = rows[0].begun if rows and rows[0].age is None else 0
    return Proof(done.age, done.number, overdue) if done else Proof(overdue=overdue)
