"""The counts of the last 60 seconds in Redis, and the lines of those who wait for room."""

import logging
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import redis
from redis.exceptions import NoScriptError

from billing.limits.counts import WINDOW_SECONDS, Count, Limit
from common import redis_pool
from common.gather import Gather

logger = logging.getLogger(__name__)

# Redis does not answer: so long nobody of this process asks it again.
PAUSE_SECONDS = 1.5
SCRIPT = Path(__file__).with_name("script.lua").read_text()
REFUSED, TAKEN, WAITS = range(3)
PER_COUNT = 3

# Keys and arguments of the script.
Question = tuple[list[str], list[Any]]


class Gone(Exception):
    """Redis does not answer, or not as it should."""


class Waiter(NamedTuple):
    """Somebody who may wait. `came` 0: it comes just now. The line holds `longest` at most."""

    line: str
    member: str
    came: int
    longest: int
    life_seconds: float
    patience_seconds: float


class Answer(NamedTuple):
    """`place`: how many stand before it; `wait_seconds`: until it can be its turn, as far as the
    counts decide."""

    state: int
    place: int
    came: int
    wait_seconds: float
    counts: list[Count]


class _Line:
    """The line to Redis: after a failure it is left alone for a while."""

    def __init__(self) -> None:
        self.is_down = False
        self._down_until = 0.0

    def run(self, keys: list[str], arguments: list[Any]) -> list[int]:
        if self.is_down:
            if time.monotonic() < self._down_until:
                raise Gone
            # One goes and looks; the others go on without it.
            self._down_until = time.monotonic() + PAUSE_SECONDS
        try:
            answer = _gather.ask((keys, arguments))
        except redis.RedisError as error:
            self._lost(error)
            raise Gone from error
        if self.is_down:
            self.is_down = False
            logger.warning("limits are counted in Redis again")
        return answer

    def _lost(self, error: redis.RedisError) -> None:
        self._down_until = time.monotonic() + PAUSE_SECONDS
        if not self.is_down:
            self.is_down = True
            logger.error("limits are counted in PostgreSQL, Redis fails: %s", error)


_line = _Line()


def take(limits: Sequence[Limit], waiter: Waiter | None = None) -> Answer:
    """Counts one hit for all of the limits, or for none. Raises Gone."""
    return _ask("take", limits, waiter)


def look(limits: Sequence[Limit]) -> list[Count]:
    """The counts as they are. Raises Gone."""
    return _ask("look", limits, None).counts


def leave(waiter: Waiter) -> None:
    """Whoever crashes before this frees its place by giving no more signs of life."""
    try:
        pipeline = redis_pool.client().pipeline(transaction=False)
        for name in _names(waiter):
            pipeline.zrem(name, waiter.member)
        pipeline.execute()
    except redis.RedisError as error:
        logger.warning("nobody could leave %s: %s", waiter.line, error)


def _ask(what: str, limits: Sequence[Limit], waiter: Waiter | None) -> Answer:
    keys = [limit.subject for limit in limits]
    arguments: list[Any] = [WINDOW_SECONDS, what, len(limits)]
    arguments += [limit.per_minute for limit in limits]
    if waiter:
        keys += _names(waiter)
        arguments += [waiter.member, waiter.came or "", waiter.longest]
        arguments += [_ms(waiter.life_seconds), _ms(waiter.patience_seconds)]
    state, place, came, wait, *numbers = _line.run(keys, arguments)
    counts = [
        Count(hits, until_room / 1000, until_free / 1000)
        for hits, until_room, until_free in zip(*[iter(numbers)] * PER_COUNT, strict=True)
    ]
    return Answer(state, place, came, wait / 1000, counts)


def _names(waiter: Waiter) -> list[str]:
    return [waiter.line, f"{waiter.line}:alive"]


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _ask_all(several: list[Question]) -> list[list[int]]:
    """Together they are told the script's name only; who finds that Redis has forgotten it brings
    it along."""
    if len(several) == 1:
        return [_run(several[0])]
    with redis_pool.client().pipeline(transaction=False) as pipeline:
        for keys, arguments in several:
            pipeline.evalsha(_script().sha, len(keys), *keys, *arguments)
        answers = pipeline.execute(raise_on_error=False)
    return [_checked(*pair) for pair in zip(several, answers, strict=True)]


def _checked(question: Question, answer: Any) -> list[int]:
    if isinstance(answer, NoScriptError):
        return _run(question)
    if isinstance(answer, Exception):
        raise answer
    found: list[int] = answer
    return found


def _run(question: Question) -> list[int]:
    keys, arguments = question
    found: list[int] = _script()(keys=keys, args=arguments)
    return found


@lru_cache(maxsize=1)
def _script() -> Any:
    return redis_pool.client().register_script(SCRIPT)


_gather = Gather(_ask_all, of_all=(redis.RedisError,))
