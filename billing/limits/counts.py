"""What is counted, and what a count says to the one who is counted."""

import math
from collections.abc import Sequence
from typing import NamedTuple

WINDOW_SECONDS = 60


class Limit(NamedTuple):
    """At most so many `deeds` of `subject` in any 60 seconds; `whose` for people."""

    subject: str
    per_minute: int
    whose: str
    deeds: str


class Count(NamedTuple):
    """Hits of the last 60 seconds, and how long until there is room for one, and for all."""

    hits: int
    until_room: float
    until_free: float


class Standing(NamedTuple):
    """How a key stands with the tighter of its limits. `reset`: seconds until all is free again;
    `retry_after`: until there is room again."""

    limit: Limit
    remaining: int
    reset: int
    retry_after: int
    source: str


def standing(limits: Sequence[Limit], counts: Sequence[Count], source: str) -> Standing:
    """The one that has to be waited for longer, else the one that has less left."""
    rows = [
        Standing(
            limit=limit,
            remaining=max(0, limit.per_minute - count.hits),
            reset=math.ceil(count.until_free),
            retry_after=math.ceil(count.until_room),
            source=source,
        )
        for limit, count in zip(limits, counts, strict=True)
    ]
    return max(rows, key=lambda row: (row.retry_after, -row.remaining))
