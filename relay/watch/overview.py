"""How the site stands at this moment, and what a person should look at, for the console."""

from typing import Any

from common import sql
from relay.celery import app
from relay.models import OPEN
from relay.serving import broker
from relay.watch import attention, readiness, status
from relay.watch.attention import Reason
from relay.watch.status import Status

# By the index `callback_due`.
_DUE = "SELECT count(*) AS number FROM relay_callback WHERE due_at <= now()"


def read() -> tuple[dict[str, Any] | None, list[Reason]]:
    """(how things stand, None when the database has no time for it; what to look at)"""
    found, queues = status.read(), broker.lengths(app)
    told = attention.reasons(
        standing=readiness.standing(),
        # Somebody has just asked it.
        web_answers=True,
        queues=queues,
        found=found,
    )
    return None if found is None else _plain(found) | {"queues": queues}, told


def _plain(found: Status) -> dict[str, Any]:
    return {
        "tasks": {word: found.tasks.get(word, 0) for word in OPEN},
        "live": sum(found.tasks.values()),
        "poll_lag_seconds": found.task_late,
        "callback_lag_seconds": found.callback_late,
        "callbacks_pending": found.callbacks_pending,
        "callbacks_due": sql.fetch_one(_DUE).number,
        "notices_pending": found.notices_pending,
        "results_pending": found.results_pending,
        "hooks_off": found.hooks_off,
        "unknown_outcomes": found.unknown_outcomes,
        "written_off": found.written_off,
    }
