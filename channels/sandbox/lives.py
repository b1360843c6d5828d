"""The life of a task as data: the steps it is seen at, one after the other."""

from enum import StrEnum
from itertools import takewhile
from typing import NamedTuple

from .prompts import Word


class Status(StrEnum):
    NOT_START = "NOT_START"
    MODAL = "MODAL"
    SUBMITTED = "SUBMITTED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


ENDS = frozenset({Status.SUCCESS, Status.FAILURE})


class Step(NamedTuple):
    """`progress` is a text such as "46%"; None where the upstream shows null."""

    status: Status
    progress: str | None


Life = tuple[Step, ...]

SUBMITTED = Step(Status.SUBMITTED, "0%")
SUCCEEDED = Step(Status.SUCCESS, "100%")
FAILED = Step(Status.FAILURE, "")

# midjourney-proxy 2.6: the order and the usual percentages of a drawing's updates.
PERCENTS = ("0%", "15%", "31%", "46%", "62%", "78%", "93%")
DRAWING: Life = (
    SUBMITTED,
    *(Step(Status.IN_PROGRESS, percent) for percent in PERCENTS),
    SUCCEEDED,
)
FAILED_AT_ONCE: Life = (FAILED,)

FIRST_INTERIM_PICTURE = 31
SLOW_STOPS_AFTER = 31
FAIL_STOPS_AFTER = 46

# midjourney-proxy 2.6: the progress is what stands in the last brackets of the Discord message.
IN_WORDS = {"15%": "Waiting to start", "93%": "fast"}


def percent_of(progress: str | None) -> int | None:
    """46 for "46%", None for a text that is no percentage."""
    digits = (progress or "").removesuffix("%")
    return int(digits) if digits.isdecimal() else None


def steered(life: Life, words: frozenset[Word]) -> Life:
    """The life that the steering words make of this one. It may stop without an end."""
    if Word.FAIL in words:
        life = (*_up_to(life, FAIL_STOPS_AFTER), FAILED)
    if Word.SLOW in words:
        life = _up_to(life, SLOW_STOPS_AFTER) or (SUBMITTED,)
    if Word.WORDS in words:
        life = tuple(_in_words(step) for step in life)
    return life


def _up_to(life: Life, percent: int) -> Life:
    def comes_before(step: Step) -> bool:
        return step.status not in ENDS and (percent_of(step.progress) or 0) <= percent

    return tuple(takewhile(comes_before, life))


def _in_words(step: Step) -> Step:
    return step._replace(progress=IN_WORDS.get(step.progress or "", step.progress))
