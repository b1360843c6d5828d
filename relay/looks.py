"""A person wants to know at once how a task stands: it is due now, for whoever looks at tasks."""

from common import sql
from relay.models import Task

# While somebody is looking already, that one looks again (relay/statements.py, LOOK_AGAIN).
_NOW = """
UPDATE relay_task
SET hinted_at = now(),
    next_poll_at = CASE WHEN next_poll_at IS NULL OR leased_until > now() THEN next_poll_at
                        ELSE now() END,
    late_look_at = CASE WHEN late_look_at IS NOT NULL THEN now() END
WHERE id = %(task_id)s AND (next_poll_at IS NOT NULL OR late_look_at IS NOT NULL)
"""


def look_now(task: Task) -> bool:
    """False when nobody looks at it any more, or not before it is confirmed."""
    return sql.execute(_NOW, {"task_id": task.pk}) == 1
