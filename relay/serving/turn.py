"""Whose turn it is: of several clocks the one that holds the lease ticks, the others stand by.

All of them ticking would do no harm, since every job finds out whether its work is still to be
done. So the lease lies in Redis, and who gets no answer from there ticks.
"""

import logging
import secrets
import time

import redis

from common import redis_pool

logger = logging.getLogger(__name__)

KEY = "clock:turn"
# Whoever has said nothing for so long has lost it.
LEASE_SECONDS = 3.0
RENEW_SECONDS = 1.0
# A Redis that does not answer is asked again after this long.
FAILED_SECONDS = 5.0
# KEYS[1]: the lease. ARGV: who asks, and for how many milliseconds.
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_GIVE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class Turn:
    """One clock's view of it."""

    def __init__(self) -> None:
        self._me = secrets.token_hex(8)
        self._is_mine: bool | None = None
        self._ask_at = 0.0
        self._has_failed = False

    def is_mine(self) -> bool:
        """Asks Redis at most every RENEW_SECONDS."""
        if time.monotonic() >= self._ask_at:
            was_mine, self._is_mine = self._is_mine, self._take()
            if self._is_mine != was_mine:
                logger.info("this clock ticks" if self._is_mine else "another clock ticks")
        return bool(self._is_mine)

    def give_back(self) -> None:
        """The next clock need not wait for the lease to end."""
        if self._is_mine:
            self._is_mine = False
            try:
                redis_pool.client().eval(_GIVE_BACK, 1, KEY, self._me)
            except redis.RedisError:
                logger.warning("Redis does not answer: the clock's lease ends by itself")

    def _take(self) -> bool:
        milliseconds = round(LEASE_SECONDS * 1000)
        try:
            taken = bool(redis_pool.client().eval(_TAKE, 1, KEY, self._me, milliseconds))
        except redis.RedisError:
            self._ask_at = time.monotonic() + FAILED_SECONDS
            if not self._has_failed:
                logger.warning("Redis does not answer: this clock ticks, whether others do or not")
            self._has_failed = True
            return True
        self._ask_at = time.monotonic() + RENEW_SECONDS
        self._has_failed = False
        return taken
