"""Weeks that are long over, in a seeded past of 60 days: for tests of retention."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from io import StringIO
from typing import Any, NamedTuple

from django.core.management import call_command
from django.db import transaction
from django.test import override_settings

from bench.seed import seed
from common.partitions import parts, weeks
from relay.models import Task
from relay.watch import proofs
from relay.weeks import old_weeks, retention
from tests.faults.servers import own_database

KEEP = {"KEEP_TASKS_DAYS": 20, "KEEP_ENTRIES_DAYS": 30}


class Past(NamedTuple):
    """`key`: a live one of a tenant who has tasks."""

    database_url: str
    key: str


@contextmanager
def long_past(url: str) -> Iterator[Past]:
    """In a database of its own, on which this process works meanwhile."""
    with own_database(url) as own:
        key = seed(
            tasks=1200, tenants=4, channels=3, days=60, live=12, modal_share=0.2, refund_share=0.2
        )
        yield Past(own, key)


def doctor() -> tuple[int, list[str]]:
    """(exit status, what it found wrong)"""
    out, status = StringIO(), 0
    try:
        call_command("doctor", stdout=out)
    except SystemExit as end:
        status = int(str(end.code))
    lines = out.getvalue().splitlines()
    return status, [line.removeprefix("WRONG").strip() for line in lines if line[:5] == "WRONG"]


def wrong() -> list[str]:
    """The promises that are broken, in the transaction that is open."""
    with transaction.atomic():
        return [verdict.promise for verdict in proofs.verdicts() if verdict.number]


def drop(now: datetime | None = None) -> list[tuple[date, str]]:
    """(Monday, why it stays) of what was old enough."""
    return [(week.monday, week.why) for week in old_weeks.drop(now)]


def drop_tasks() -> list[tuple[date, str]]:
    """The same as if entries were kept for ever."""
    with override_settings(KEEP_ENTRIES_DAYS=0):
        return drop()


def drop_all() -> None:
    """All that the settings let go, and nothing stays."""
    why = [week.why for week in old_weeks.drop() if week.why]
    assert why == []


@contextmanager
def taken_back() -> Iterator[None]:
    """What is done inside, dropped tables included, has not happened."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def mondays(table: Any = retention.TASKS) -> list[date]:
    return [part.monday for part in parts.of(table)]


def tasks_of(monday: date) -> Any:
    """That week's tasks, oldest first."""
    first, until = weeks.first_id(monday), weeks.first_id(monday + weeks.WEEK)
    return Task.objects.filter(pk__gte=first, pk__lt=until).order_by("pk")
