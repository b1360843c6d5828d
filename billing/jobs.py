"""Celery's doors to billing: each may run twice, late or never; the next tick does the rest."""

from celery import shared_task

from billing import closing, notices, usage


@shared_task
def roll_up() -> None:
    usage.roll_up()
    closing.close_days()


@shared_task
def sweep() -> None:
    usage.sweep()


@shared_task
def check_balances() -> None:
    notices.check_balances()
