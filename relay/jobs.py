"""Celery's doors to the work: each finds what is due, or does one piece of it.

Any of them may run twice, late or never; the next tick finds what was left.
"""

from datetime import datetime

from celery import shared_task

from billing import limits, topups
from relay import (
    callbacks,
    delivery,
    hooks,
    idempotency,
    incidents,
    late,
    lifecycle,
    nightly,
    notices,
    polling,
    results,
    speeds,
)


@shared_task
def poll() -> None:
    """Hands out the due tasks, each channel in batches of its own: a hanging one delays nobody."""
    for channel_id in polling.due_channels():
        while (claim := polling.claim(channel_id)).lease:
            poll_batch.apply_async((channel_id, *claim))


@shared_task
def poll_batch(channel_id: int, task_ids: list[int], lease: datetime | None = None) -> None:
    if polling.look(channel_id, task_ids, lease):
        deliver_due()


@shared_task
def poll_late() -> None:
    """Hands out what failed by our own verdict and is due to be asked for again."""
    for channel_id, task_ids in late.claim().items():
        poll_late_batch.apply_async((channel_id, task_ids))


@shared_task
def poll_late_batch(channel_id: int, task_ids: list[int]) -> None:
    if late.look(channel_id, task_ids):
        deliver_due()


@shared_task
def deliver_due() -> None:
    """Hands out the due callbacks, each as a job of its own: a slow receiver delays only itself."""
    while due := callbacks.claim():
        for callback_id, tries in due:
            deliver.apply_async((callback_id, tries))


@shared_task
def deliver(callback_id: int, tries: int) -> None:
    delivery.deliver(callback_id, tries)


@shared_task
def deliver_due_notices() -> None:
    """Hands out the due mails and hooks of notices, each as a job of its own."""
    while due := notices.claim():
        for delivery_id, tries in due:
            deliver_notice.apply_async((delivery_id, tries))


@shared_task
def deliver_notice(delivery_id: int, tries: int) -> None:
    notices.deliver(delivery_id, tries)


@shared_task
def keep_due() -> None:
    """Hands out the due files, each as a job of its own. One batch a tick: nobody waits for them,
    and the same workers may have polls and callbacks to do."""
    for file_id, tries in results.claim():
        keep.apply_async((file_id, tries))


@shared_task
def keep(file_id: int, tries: int) -> None:
    results.copy(file_id, tries)


@shared_task
def sweep() -> None:
    """Ends what nobody else has ended."""
    lifecycle.expire_overdue()
    idempotency.sweep()
    limits.sweep()
    topups.expire()
    incidents.close_quiet()
    hooks.sweep()


@shared_task
def close_hours() -> None:
    """Adds up the channels' attempts of the hours that are over."""
    speeds.close_hours()
    speeds.sweep()


@shared_task
def prove() -> None:
    """Asked often, done once a night: no message is important."""
    nightly.run()
