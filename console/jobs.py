"""Celery's door to the console: deleting what has expired."""

from celery import shared_task

from console.accounts import cache, sessions


@shared_task
def sweep() -> None:
    cache.sweep()
    sessions.sweep()
