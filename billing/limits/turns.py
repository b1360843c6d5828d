"""A submit's turn: at once, or, for keys that queue, as soon as there is room.

Who waits stands in its key's line in Redis and holds no database connection; nothing is written
before it is its turn. First come, first served, roughly: whoever leaves the line to take its room
may find it taken, by another key of its tenant for example.
"""

import time
import uuid
from collections.abc import Callable, Sequence

from billing import limits, tokens
from billing.errors import ConcurrencyLimited, RateLimited
from billing.limits import Limit, Standing, in_redis
from billing.limits.counts import standing
from billing.limits.in_redis import Answer, Waiter
from billing.tokens import Caller
from common import sql

# Whatever a key is allowed to wait.
QUEUE_MAX_SECONDS = 300
# Of one key; beyond it the answer is 429 at once.
LINE_MAX = 100
# For those who have stood in it already.
NO_MAX = 2**31
# Between two signs of life.
LOOK_SECONDS = 1.0
# The first ones in the line look for the end of a task more often: nobody tells them.
FRONT = 8
FRONT_LOOK_SECONDS = 0.2
LIFE_SECONDS = 4.0
# The least that is slept.
MOMENT_SECONDS = 0.01

# Empty: there is no such limit.
_ROOM = """
SELECT least(%(key_concurrency)s::int - token.open_holds,
             %(tenant_concurrency)s::int - wallet.open_holds) AS room
FROM billing_token token, billing_wallet wallet
WHERE token.id = %(token_id)s AND wallet.id = %(wallet_id)s
"""


def patience(caller: Caller) -> int:
    """Seconds that a submit of this key may wait: the key's own, else the tenant's."""
    return min(caller.key_queue_seconds or caller.tenant_queue_seconds, QUEUE_MAX_SECONDS)


class Turn:
    """One submit on its way through its key's limits, with one patience for all that it waits.

    `caller` is read anew after each wait: the key may have been disabled meanwhile. `is_over` says
    that nobody may wait any longer.
    """

    def __init__(self, caller: Caller, *, is_over: Callable[[], bool]) -> None:
        self.caller = caller
        self._is_over = is_over
        self._until = time.monotonic() + patience(caller)
        self._member = uuid.uuid4().hex
        self._came = 0
        self._has_stood = False

    def take(self) -> Standing | None:
        """Counts the submit, as soon as its rates allow it and nobody stands before it. None for
        a key without a rate. Raises RateLimited, ConcurrencyLimited, InvalidKey, TenantDisabled.
        """
        asked = limits.submits(self.caller)
        if not self._may_wait() or not (asked or self._is_bounded()):
            return limits.take(asked)
        try:
            found, place = self._wait_for_rate(asked)
        except in_redis.Gone:
            # Without Redis there is no line.
            found, place = limits.take(asked), 0
        if place and self._is_bounded():
            # Those before it wait for the end of a task, and so must this one.
            self.wait_for_room(self._too_many())
        elif self._has_stood:
            self._read_caller()
        return found

    def wait_for_room(self, refusal: ConcurrencyLimited) -> None:
        """Returns when fewer tasks are under way than may be. Raises `refusal` when the patience
        ends before, InvalidKey, TenantDisabled."""
        if not self._may_wait():
            raise refusal
        try:
            self._wait_for_room(refusal)
        except in_redis.Gone:
            raise refusal from None
        self._read_caller()

    def wait_a_moment(self, refusal: Exception, *, seconds: float | None) -> None:
        """Returns after a moment, for what has no line of its own: the upstreams are full. Raises
        `refusal` when the patience ends before, or before the `seconds` for which it is known that
        there is no room; InvalidKey, TenantDisabled."""
        if seconds is not None and time.monotonic() + seconds > self._until:
            raise refusal
        if not self._sleep(LOOK_SECONDS):
            raise refusal
        self._read_caller()

    def _wait_for_rate(self, asked: Sequence[Limit]) -> tuple[Standing | None, int]:
        """How the key stands now, and how many wait before this one."""
        while True:
            answer = self._ask(asked)
            if not asked:
                if answer.state == in_redis.REFUSED:
                    raise self._too_many()
                return None, answer.place
            found = standing(asked, answer.counts, limits.REDIS)
            if answer.state == in_redis.TAKEN:
                return found, answer.place
            if answer.state == in_redis.REFUSED:
                raise RateLimited(found)
            if not self._sleep(answer.wait_seconds):
                self._leave()
                raise RateLimited(found)

    def _wait_for_room(self, refusal: ConcurrencyLimited) -> None:
        while True:
            answer = self._ask([])
            if answer.state == in_redis.REFUSED:
                raise refusal
            is_in_front = answer.place < FRONT
            if is_in_front and self._room() > answer.place:
                self._leave()
                return
            if not self._sleep(FRONT_LOOK_SECONDS if is_in_front else LOOK_SECONDS):
                self._leave()
                raise refusal

    def _ask(self, asked: Sequence[Limit]) -> Answer:
        answer = in_redis.take(asked, self._waiter())
        self._came = answer.came
        self._has_stood |= answer.state == in_redis.WAITS
        return answer

    def _waiter(self) -> Waiter:
        return Waiter(
            line=limits.line(self.caller),
            member=self._member,
            came=self._came,
            longest=NO_MAX if self._has_stood else LINE_MAX,
            life_seconds=LIFE_SECONDS,
            patience_seconds=max(0, self._until - time.monotonic()),
        )

    def _leave(self) -> None:
        in_redis.leave(self._waiter())

    def _room(self) -> float:
        key = self.caller
        room = sql.fetch_one(
            _ROOM,
            {
                "token_id": key.token_id,
                "wallet_id": key.wallet_id,
                "key_concurrency": key.key_concurrency,
                "tenant_concurrency": key.tenant_concurrency,
            },
        ).room
        return float("inf") if room is None else float(room)

    def _may_wait(self) -> bool:
        return time.monotonic() < self._until and not self._is_over()

    def _sleep(self, seconds: float) -> bool:
        """False when there is no time left to wait."""
        if not self._may_wait():
            return False
        sql.release_connection()
        left = self._until - time.monotonic()
        time.sleep(max(MOMENT_SECONDS, min(seconds, LOOK_SECONDS, left)))
        return True

    def _read_caller(self) -> None:
        self.caller = tokens.again(self.caller)

    def _is_bounded(self) -> bool:
        return (self.caller.key_concurrency, self.caller.tenant_concurrency) != (None, None)

    def _too_many(self) -> ConcurrencyLimited:
        if self.caller.key_concurrency is not None:
            return ConcurrencyLimited("this key", self.caller.key_concurrency)
        return ConcurrencyLimited("this tenant", self.caller.tenant_concurrency or 0)
