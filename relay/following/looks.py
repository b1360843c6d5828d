"""A person wants to know at once how a task stands: it is due now, for whoever looks at tasks."""

from common import sql
from relay.following import statements
from relay.models import Task


def look_now(task: Task) -> bool:
    """False when nobody looks at it any more, or not before it is confirmed."""
    return sql.execute(statements.HINT, {"task_id": task.pk, "upstream_id": ""}) == 1
