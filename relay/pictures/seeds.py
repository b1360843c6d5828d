"""The seed of a finished picture: free, asked for once."""

from channels import selection
from channels.adapters import adapter_for
from channels.errors import NoChannel, Unsupported
from common import sql
from relay.errors import TaskNotSuccess
from relay.models import Task, TaskStatus


def of(task: Task) -> str:
    """A string of digits. Raises TaskNotSuccess, NoChannel, Unsupported, UpstreamError."""
    if task.status != TaskStatus.SUCCESS:
        raise TaskNotSuccess
    if task.seed:
        return task.seed
    if not task.upstream_id:
        # An upload: the pictures are the tenant's own.
        raise Unsupported("nothing was drawn in this task, so it has no seed")
    upstream = selection.load(task.channel_id, task.credential_id)
    if not upstream.follows_up:
        raise NoChannel(task.action, task.mode)
    sql.release_connection()
    seed = adapter_for(upstream.kind).image_seed(upstream, task.upstream_id)
    Task.objects.filter(pk=task.pk).update(seed=seed[:32])
    return seed
