"""How many requests a key and its tenant may make: at most so many in any 60 seconds.

Redis counts; when it is gone PostgreSQL does. Never each process for itself, and never nobody.
How many tasks may be under way is decided with the hold (billing/ledger.py), and where a submit
may wait for either, it stands in line (turns.py).
"""

from collections.abc import Sequence

from django.conf import settings

from billing.errors import RateLimited
from billing.limits import in_postgres, in_redis
from billing.limits.counts import WINDOW_SECONDS, Limit, Standing, standing
from billing.management_keys import Manager
from billing.tokens import Caller

__all__ = [
    "WINDOW_SECONDS",
    "Limit",
    "Standing",
    "fetches",
    "look",
    "manages",
    "submits",
    "sweep",
    "take",
]

REDIS, POSTGRES = "redis", "postgres"


def submits(caller: Caller) -> list[Limit]:
    """The limits of a submit. Test keys and live ones do not take room from each other."""
    world = "test" if caller.is_test else "live"
    limits = (
        (f"{_root(caller)}:key:{caller.token_id}", caller.key_rpm, "this key"),
        (f"{_root(caller)}:{world}", caller.tenant_rpm, "this tenant"),
    )
    return [Limit(name, rpm, whose, "submits") for name, rpm, whose in limits if rpm is not None]


def fetches(caller: Caller) -> list[Limit]:
    """The limit of everything that only asks."""
    if settings.FETCH_RPM <= 0:
        return []
    subject = f"{_root(caller)}:fetch:{caller.token_id}"
    return [Limit(subject, settings.FETCH_RPM, "this key", "queries")]


def manages(who: Manager) -> list[Limit]:
    """The limit of a management key, or of a person of the console."""
    if settings.MANAGEMENT_RPM <= 0:
        return []
    whose = f"person:{who.user_id}" if who.key_id is None else f"key:{who.key_id}"
    name = "this person" if who.key_id is None else "this management key"
    return [Limit(f"limits:{{manage:{whose}}}", settings.MANAGEMENT_RPM, name, "requests")]


def line(caller: Caller) -> str:
    """Where this key's submits stand that wait for room."""
    return f"{_root(caller)}:line:{caller.token_id}"


def take(limits: Sequence[Limit]) -> Standing | None:
    """Counts a request for all of the limits; None when there are none.

    Raises RateLimited; then it is counted for none of them.
    """
    if not limits:
        return None
    try:
        answer = in_redis.take(limits)
    except in_redis.Gone:
        return take_in_postgres(limits)
    found = standing(limits, answer.counts, REDIS)
    if answer.state != in_redis.TAKEN:
        raise RateLimited(found)
    return found


def take_in_postgres(limits: Sequence[Limit]) -> Standing:
    """The same without Redis."""
    is_taken = in_postgres.take(limits)
    found = standing(limits, in_postgres.look(limits), POSTGRES)
    if not is_taken:
        raise RateLimited(found)
    return found


def look(limits: Sequence[Limit]) -> Standing | None:
    """How a key stands, without counting anything."""
    if not limits:
        return None
    try:
        return standing(limits, in_redis.look(limits), REDIS)
    except in_redis.Gone:
        return standing(limits, in_postgres.look(limits), POSTGRES)


def sweep() -> None:
    in_postgres.sweep()


def _root(caller: Caller) -> str:
    # What stands in braces decides where a Redis cluster has it: all of a tenant together.
    return f"limits:{{{caller.tenant_id}}}"
