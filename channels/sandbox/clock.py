"""Time in epoch milliseconds, and the ids and snowflakes made from it."""

import random
import time

DISCORD_EPOCH_MS = 1_420_070_400_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def snowflake() -> str:
    """A number as Discord makes them: milliseconds since 2015 above 22 other bits, 19 digits."""
    return str((now_ms() - DISCORD_EPOCH_MS) << 22 | random.getrandbits(22))


class Ids:
    """Task ids: epoch milliseconds and three more digits, 16 in all, rising, never two equal.

    midjourney-proxy 2.6: the last three digits are random, so two tasks may get one id there. Here
    a number already passed is answered with the next one instead, because tests count by id.
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        self._last = max(self._last + 1, now_ms() * 1000 + random.randrange(1000))
        return str(self._last)
