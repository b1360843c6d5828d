"""That upstreams have taken tasks: stored together for all submits that are so far just now."""

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings

from common import sql
from common.gather import Gather
from relay.submits import statements


class Taken(NamedTuple):
    """What is stored of an upstream's yes."""

    task_id: int
    attempt_id: int
    upstream_id: str
    milliseconds: int
    answer: str


def store(taken: Taken) -> None:
    """Doing it twice does no harm. Raises DatabaseError, PoolTimeout."""
    _gather.ask(taken)


def _store_all(several: list[Taken]) -> list[None]:
    """In the order of their ids, as whoever looks at tasks locks them."""
    ordered = sorted(several)
    sql.execute(
        statements.ACCEPTED,
        {
            "ids": [taken.task_id for taken in ordered],
            "first": ordered[0].task_id,
            "last": ordered[-1].task_id,
            "attempt_ids": [taken.attempt_id for taken in ordered],
            "upstream_ids": [taken.upstream_id for taken in ordered],
            "milliseconds": [taken.milliseconds for taken in ordered],
            "answers": [taken.answer for taken in ordered],
            "wait": timedelta(seconds=settings.POLL_MIN_SECONDS),
        },
    )
    return [None] * len(several)


_gather = Gather(_store_all)
