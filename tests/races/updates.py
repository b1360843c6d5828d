"""What an upstream may say of a task, as an adapter hands it over."""

from channels.adapters.base import Update
from relay import signing
from relay.models import Task


def success(task: Task) -> Update:
    return _update(task, status="SUCCESS", progress=100, image_url="http://pictures.example/1.png")


def progress(task: Task, percent: int) -> Update:
    return _update(task, status="IN_PROGRESS", progress=percent)


def failure(task: Task) -> Update:
    return _update(task, status="FAILURE", fail_reason="it failed")


def _update(task: Task, **fields: object) -> Update:
    return Update(
        upstream_id=f"up-{task.pk}",
        correlation=signing.correlation(task.pk),
        raw={"id": f"up-{task.pk}"},
        **fields,
    )
