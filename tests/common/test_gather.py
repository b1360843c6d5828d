"""One question for all who have the same one at the same time."""

import subprocess
import sys
import time
from collections.abc import Sequence
from threading import Event, Lock

import pytest
from django.db import DataError, OperationalError, connection, transaction

from common import sql
from common.gather import Gather
from tests.races.together import together
from tests.stack import ROOT, wait_until

pytestmark = pytest.mark.usefixtures("database")

THREADS = 12


class Asked:
    """Answers questions, the first ones when it is let go on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = Event()
        self.may_go_on = Event()
        self._lock = Lock()

    def all(self, questions: list[int]) -> list[str]:
        with self._lock:
            self.batches.append(questions)
        self.begun.set()
        assert self.may_go_on.wait(30)
        return [f"answer {question}" for question in questions]


def first_then_others(
    gather: Gather[int, str], asked: Asked, others: Sequence[int]
) -> list[object]:
    """What question 0 and the others got, which came while it was asked."""

    def come(question: int) -> str:
        assert asked.begun.wait(30)
        return gather.ask(question)

    def let_go_on() -> None:
        wait_until(lambda: len(gather._line) == len(others), what="those who wait")
        asked.may_go_on.set()

    calls = [lambda: gather.ask(0), *(lambda n=n: come(n) for n in others), let_go_on]
    return together(calls)[:-1]


def test_a_lone_one_is_asked_at_once() -> None:
    asked = Asked()
    asked.may_go_on.set()
    gather = Gather(asked.all)
    assert [gather.ask(number) for number in (1, 2)] == ["answer 1", "answer 2"]
    assert asked.batches == [[1], [2]]


def test_those_who_come_meanwhile_are_asked_together() -> None:
    asked = Asked()
    others = list(range(1, THREADS))
    found = first_then_others(Gather(asked.all), asked, others)
    assert found == [f"answer {number}" for number in range(THREADS)]
    assert (asked.batches[0], sorted(asked.batches[1])) == ([0], others)
    assert len(asked.batches) == 2


def test_never_more_than_may_be_asked_together() -> None:
    asked = Asked()
    found = first_then_others(Gather(asked.all, most=4), asked, list(range(1, THREADS)))
    assert found == [f"answer {number}" for number in range(THREADS)]
    assert [len(batch) for batch in asked.batches] == [1, 4, 4, 3]


def test_what_is_wrong_with_one_question_is_told_to_who_has_it() -> None:
    asked = Asked()

    def but_three(questions: list[int]) -> list[str]:
        answers = asked.all(questions)
        if 3 in questions:
            raise DataError("three")
        return answers

    found = first_then_others(Gather(but_three), asked, list(range(1, 6)))
    assert [text for text in found if isinstance(text, str)] == [
        f"answer {number}" for number in (0, 1, 2, 4, 5)
    ]
    assert isinstance(found[3], DataError)


def test_a_row_that_somebody_keeps_is_waited_for_by_who_wants_it_alone() -> None:
    asked = Asked()

    def but_three(questions: list[int]) -> list[str]:
        answers = asked.all(questions)
        if 3 in questions:
            with transaction.atomic():
                sql.execute("SET LOCAL statement_timeout = 50")
                sql.execute("SELECT pg_sleep(30)")
        return answers

    found = first_then_others(Gather(but_three), asked, list(range(1, 6)))
    assert [text for text in found if isinstance(text, str)] == [
        f"answer {number}" for number in (0, 1, 2, 4, 5)
    ]
    assert isinstance(found[3], OperationalError)


def test_when_the_database_is_gone_all_are_told_and_nobody_asks_again() -> None:
    asked = Asked()

    def gone(questions: list[int]) -> list[str]:
        asked.all(questions)
        raise OperationalError("gone")

    found = first_then_others(Gather(gone), asked, list(range(1, 6)))
    assert [type(error) for error in found] == [OperationalError] * 6
    assert [len(batch) for batch in asked.batches] == [1, 5]


def test_when_a_server_has_long_said_nothing_nobody_waits_as_long_again() -> None:
    asked = Asked()

    def silent(questions: list[int]) -> list[str]:
        asked.all(questions)
        time.sleep(sql.SOON_SECONDS)
        raise OperationalError("silent")

    gather = Gather(silent)
    found = first_then_others(gather, asked, list(range(1, 6)))
    assert [str(error) for error in found] == ["silent"] * 6
    assert asked.batches == [[0]]
    asked.batches.clear()
    with pytest.raises(OperationalError, match="silent"):
        gather.ask(6)
    assert asked.batches == [[6]]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_who_asks_for_all_and_is_ended_leaves_the_others_an_error_and_their_turn() -> None:
    """Whether it was done, nobody knows: it is not done again."""
    asked = Asked()

    class Ended(BaseException):
        pass

    def ended(questions: list[int]) -> list[str]:
        answers = asked.all(questions)
        if len(questions) > 1:
            raise Ended
        return answers

    gather = Gather(ended)
    come_late = first_then_others(gather, asked, [1, 2, 3])
    assert come_late[0] == "answer 0"
    # One of the three asked for all; together() knows nothing of how it ended.
    assert sorted(type(error).__name__ for error in come_late[1:]) == [
        "NoneType",
        "OperationalError",
        "OperationalError",
    ]
    assert gather.ask(9) == "answer 9"


def test_in_a_transaction_everybody_asks_for_himself() -> None:
    asked = Asked()
    asked.may_go_on.set()
    gather = Gather(asked.all)
    gather._free = 0
    with transaction.atomic():
        assert gather.ask(1) == "answer 1"


def test_who_waits_holds_no_connection() -> None:
    asked = Asked()
    gather = Gather(asked.all)
    held: list[bool] = []

    def come() -> str:
        connection.ensure_connection()
        assert asked.begun.wait(30)
        try:
            return gather.ask(1)
        finally:
            held.append(connection.connection is not None)

    def let_go_on() -> None:
        wait_until(lambda: len(gather._line) == 1, what="who waits")
        asked.may_go_on.set()

    found = together([lambda: gather.ask(0), come, let_go_on])
    assert found[:2] == ["answer 0", "answer 1"]
    assert held == [False]


KILL_THEM = """
from gevent import monkey
monkey.patch_all()
import gevent, os
os.environ["DJANGO_SETTINGS_MODULE"] = "relay.settings"
import django
django.setup()
from common import sql
from common.gather import Gather

may_go_on = gevent.event.Event()
batches = []

def ask_all(questions):
    batches.append(questions)
    may_go_on.wait()
    return questions

gather = Gather(ask_all)
asking = [gevent.spawn(gather.ask, number) for number in range(5)]
gevent.sleep(0)
# One in the middle of the line; and the first of it, just when it is its turn to ask.
asking[2].kill()
may_go_on.set()
gevent.sleep(0)
asking[1].kill()
gevent.joinall(asking, timeout=10)
print(sorted(number for batch in batches for number in batch), gather.ask(9), gather._free)
"""


def test_who_is_ended_while_he_waits_keeps_nobody_waiting() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILL_THEM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    numbers, _, rest = done.stdout.strip().rpartition("] ")
    assert rest == "9 1"
    assert {0, 3, 4} <= set(map(int, numbers.strip("[").split(", ")))
