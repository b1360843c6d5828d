"""Celery's doors to the channels: free probes, and sweeping what they leave."""

from celery import shared_task

from channels import history, probes


@shared_task
def probe_due() -> None:
    """Hands out the channels, each as a job of its own: one that hangs delays nobody."""
    for channel_id in probes.claim():
        probe.apply_async((channel_id,))


@shared_task
def probe(channel_id: int) -> None:
    probes.probe(channel_id)


@shared_task
def sweep() -> None:
    probes.sweep()
    history.sweep()
