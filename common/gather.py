"""One question, to the database or to Redis, for all who have the same one at the same time.

Who asks while somebody else is asking waits, and then all who have come meanwhile are answered
together. A lone one is asked at once, so nobody waits who need not, and nobody is told what was
known before he came. But when a server has said nothing for long, all who wait are told so: else
each would wait as long again.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection
from psycopg import errors
from psycopg_pool import PoolTimeout

from common import sql

Question = TypeVar("Question")
Answer = TypeVar("Answer")
# What is wrong with the database, and not with one of the questions. Whether it has done what it
# was asked, nobody knows then, so nobody asks again.
OF_ALL = (OperationalError, InterfaceError, PoolTimeout)
# Called so too, and nothing was done: somebody keeps a row that one of them wanted.
_OF_ONE = (errors.QueryCanceled, errors.LockNotAvailable, errors.DeadlockDetected)


class _Waiting(Generic[Question, Answer]):
    """One who asks. `turn` is locked while he waits."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.turn = Lock()
        self.answers: list[Answer] = []
        self.error: Exception | None = None
        self.is_alone = False
        self.leads = False


class Gather(Generic[Question, Answer]):
    """`ask_all` gives the answers in the order of its questions. It does all or nothing, and is
    asked with at most `most` at once, by at most `leaders` at the same time. In a transaction
    everybody asks for himself. Errors `of_all` say that whom we ask is gone."""

    def __init__(
        self,
        ask_all: Callable[[list[Question]], Sequence[Answer]],
        *,
        most: int = 100,
        leaders: int = 1,
        of_all: tuple[type[Exception], ...] = OF_ALL,
    ) -> None:
        self._ask_all = ask_all
        self._most = most
        self._free = leaders
        self._of_all = of_all
        self._line: deque[_Waiting[Question, Answer]] = deque()
        self._lock = Lock()

    def ask(self, question: Question) -> Answer:
        """Raises what `ask_all` raises: of what is wrong with a question, only to who has it."""
        if connection.in_atomic_block:
            return self._alone(question)
        mine: _Waiting[Question, Answer] = _Waiting(question)
        if not self._begins(mine):
            self._wait(mine)
        if mine.leads:
            self._answer(self._batch(mine))
        if mine.is_alone:
            return self._alone(question)
        if mine.error is not None:
            raise mine.error
        return mine.answers[0]

    def _begins(self, mine: _Waiting[Question, Answer]) -> bool:
        with self._lock:
            mine.leads = self._free > 0
            if mine.leads:
                self._free -= 1
            else:
                mine.turn.acquire()
                self._line.append(mine)
            return mine.leads

    def _wait(self, mine: _Waiting[Question, Answer]) -> None:
        """Until he is answered, or has to ask for all who wait. Without a connection: who asks
        wants one."""
        sql.release_connection()
        try:
            mine.turn.acquire()
        except BaseException:
            self._leave(mine)
            raise

    def _leave(self, mine: _Waiting[Question, Answer]) -> None:
        """He is ended while he waits. The others must not wait for him."""
        with self._lock:
            if mine in self._line:
                self._line.remove(mine)
            elif mine.leads:
                self._pass_on()

    def _batch(self, mine: _Waiting[Question, Answer]) -> list[_Waiting[Question, Answer]]:
        with self._lock:
            others = min(len(self._line), self._most - 1)
            return [mine, *(self._line.popleft() for _ in range(others))]

    def _whole_line(self) -> list[_Waiting[Question, Answer]]:
        with self._lock:
            line = [*self._line]
            self._line.clear()
            return line

    def _answer(self, batch: list[_Waiting[Question, Answer]]) -> None:
        began = time.monotonic()
        try:
            answers = self._ask_all([waiting.question for waiting in batch])
            for waiting, answer in zip(batch, answers, strict=True):
                waiting.answers = [answer]
        except Exception as error:
            is_of_all = isinstance(error, self._of_all) and not isinstance(error.__cause__, _OF_ONE)
            if is_of_all and time.monotonic() - began >= sql.SOON_SECONDS:
                batch += self._whole_line()
            for waiting in batch:
                waiting.is_alone = not is_of_all
                waiting.error = type(error)(*error.args) if is_of_all else None
            if is_of_all or len(batch) == 1:
                raise
        finally:
            self._end(batch)

    def _end(self, batch: list[_Waiting[Question, Answer]]) -> None:
        with self._lock:
            for waiting in batch[1:]:
                if not (waiting.answers or waiting.is_alone or waiting.error):
                    waiting.error = OperationalError("who asked for all was ended")
                waiting.turn.release()
            self._pass_on()

    def _pass_on(self) -> None:
        if self._line:
            following = self._line.popleft()
            following.leads = True
            following.turn.release()
        else:
            self._free += 1

    def _alone(self, question: Question) -> Answer:
        return self._ask_all([question])[0]
