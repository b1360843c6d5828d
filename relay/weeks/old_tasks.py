"""Tasks of a week that is long over: dropped with their attempts and callbacks, in one transaction,
when nothing of them is open. What they were paid stays in the ledger."""

from datetime import date
from typing import Any

from django.db import transaction

from billing import carrying, usage
from common import sql
from common.partitions import dropping, guard, parts, weeks
from common.partitions.parts import Part, Partitioned
from relay.models import DroppedWeek
from relay.weeks.retention import OF_TASKS, TASKS

# What may be open, each found by a partial index. An attempt without an outcome is not among it: it
# belongs to a task that has not ended, or its process died long ago.
_OF_WEEK = "{key} >= %(first)s AND {key} < %(until)s"
_OPEN = f"""
SELECT
    (SELECT count(*) FROM relay_task
     WHERE status IN ('NOT_START', 'SUBMITTED', 'IN_PROGRESS', 'MODAL')
       AND {_OF_WEEK.format(key="id")}) AS tasks,
    (SELECT count(*) FROM relay_task
     WHERE late_look_at IS NOT NULL AND {_OF_WEEK.format(key="id")}) AS late,
    (SELECT count(*) FROM relay_callback
     WHERE due_at IS NOT NULL AND {_OF_WEEK.format(key="task_id")}) AS callbacks,
    (SELECT count(*) FROM relay_callback
     WHERE flies_until > now() AND {_OF_WEEK.format(key="task_id")}) AS flying,
    (SELECT count(*) FROM relay_resultfile
     WHERE due_at IS NOT NULL AND {_OF_WEEK.format(key="task_id")}) AS files,
    (SELECT count(*) FROM relay_idempotentrequest WHERE started_at < %(end)s) AS requests
"""  # noqa: S608  the parts are constants
_WORDS = {
    "tasks": "{} tasks have not ended",
    "late": "{} tasks that failed are still asked for",
    "callbacks": "{} callbacks are still to be delivered",
    "flying": "{} callbacks are on their way",
    "files": "{} files of results are still to be copied",
    "requests": "{} requests with an Idempotency-Key are still remembered",
}
_TABLES = (TASKS, *OF_TASKS)
_DELETE = "DELETE FROM {table} WHERE {key} >= %(first)s AND {key} < %(until)s"
_COUNT = "SELECT count(*) AS number FROM relay_task WHERE id >= %(first)s AND id < %(until)s"
_ANY = """
SELECT EXISTS (SELECT FROM relay_task WHERE id >= %(first)s AND id < %(until)s) AS is_so
"""


def are_there(monday: date) -> bool:
    """Any of that week."""
    return bool(sql.fetch_one(_ANY, _bounds(monday)).is_so)


def bytes_of(monday: date) -> int:
    """What all its parts take on the disk."""
    return sum(part.bytes for _, part in _parts(monday))


def kept_by(monday: date) -> str:
    """What is open of that week, in words; "" for nothing."""
    found = sql.fetch_one(_OPEN, _bounds(monday))._asdict()
    return ", ".join(_WORDS[name].format(number) for name, number in found.items() if number)


def drop(monday: date) -> str:
    """Drops the tasks of a week, or tells why not: they are all there then."""
    with transaction.atomic(), sql.patient():
        if not guard.is_alone(usage.WEEKS):
            return carrying.IN_USE
        if not (found := _parts(monday)):
            return dropping.GONE
        why = kept_by(monday) or _note(monday)
        doomed = [(table, part.name) for table, part in found]
        why = why or dropping.drop(doomed, unless=lambda: kept_by(monday))
        transaction.set_rollback(bool(why))
        return why


def _note(monday: date) -> str:
    """Nothing of it changes any more, but by refunds, which are not in it."""
    money, bounds = carrying.sums(monday), _bounds(monday)
    if money.ends != money.holds:
        return f"{money.holds - money.ends} holds of its tasks have not ended"
    for table in _TABLES:
        # Made into parts when it had no rows of that week yet.
        if parts.find(table, monday) is None:
            sql.execute(_DELETE.format(table=table.table, key=table.key), bounds)
    DroppedWeek.objects.create(
        monday=monday,
        first_id=bounds["first"],
        until_id=bounds["until"],
        tasks=sql.fetch_one(_COUNT, bounds).number,
        holds=money.holds,
        held=money.held,
        paid=money.paid,
    )
    return ""


def _parts(monday: date) -> list[tuple[Partitioned, Part]]:
    """Those of that week, in the order in which a submit comes to their tables."""
    found = ((table, parts.find(table, monday)) for table in _TABLES)
    return [(table, part) for table, part in found if part is not None]


def _bounds(monday: date) -> dict[str, Any]:
    end = monday + weeks.WEEK
    return {
        "first": weeks.first_id(monday),
        "until": weeks.first_id(end),
        "end": weeks.begin(end),
    }
