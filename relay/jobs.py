"""Celery's doors to the work: each finds what is due, or does one piece of it.

Any of them may run twice, late or never; the next tick finds what was left.
"""

import time
from datetime import datetime

from celery import shared_task
from django.conf import settings

from billing import limits, topups
from relay import lifecycle
from relay.following import late, polling
from relay.messages import callbacks, delivery, hook_tests, hooks
from relay.pictures import results
from relay.submits import idempotency
from relay.watch import incidents, nightly, notices, speeds
from relay.weeks import old_weeks, retention

# Each process hands out the callbacks of what has ended so often at most, beside the ticks.
HAND_OUT_SECONDS = 0.5
_handed_out = 0.0


@shared_task
def poll() -> None:
    """Hands out the due tasks, each channel in batches of its own: a hanging one delays nobody."""
    for channel_id in polling.due_channels():
        is_last = False
        while not is_last and (claim := polling.claim(channel_id)).lease:
            poll_batch.apply_async((channel_id, *claim))
            is_last = len(claim.task_ids) < settings.POLL_BATCH


@shared_task
def poll_batch(channel_id: int, task_ids: list[int], lease: datetime | None = None) -> None:
    if polling.look(channel_id, task_ids, lease) and _is_long_ago():
        deliver_due()


def _is_long_ago() -> bool:
    """Whether what has ended is handed out at once. Where that was done just now, the next tick
    does it: to look for what is due costs as much for one as for many."""
    global _handed_out
    if time.monotonic() - _handed_out < HAND_OUT_SECONDS:
        return False
    _handed_out = time.monotonic()
    return True


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
        for claimed in due:
            deliver.apply_async(tuple(claimed))


@shared_task
def deliver(callback_id: int, tries: int, task_id: int | None = None) -> None:
    """Without `task_id` it was handed out by a version before 0014_weekly_parts."""
    delivery.deliver(callback_id, tries, task_id)


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
def make_parts() -> None:
    """Makes the parts of the weeks to come, of the tables that have some."""
    retention.make_ahead()


@shared_task
def drop_old() -> None:
    """Drops what is older than it is to be kept."""
    for _ in old_weeks.drop():
        pass
    results.forget_dropped()
    hook_tests.sweep()


@shared_task
def close_hours() -> None:
    """Adds up the channels' attempts of the hours that are over."""
    speeds.close_hours()
    speeds.sweep()


@shared_task
def prove() -> None:
    """Asked often, done once a night: no message is important."""
    nightly.run()
