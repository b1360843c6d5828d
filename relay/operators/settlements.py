"""A person decides what became of a task of which nobody knows whether an upstream has it."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from relay import lifecycle
from relay.errors import Conflict
from relay.following import changes
from relay.models import LIVE, Attempt, Task

FAILED, DRAWN = OUTCOMES = ("failed", "drawn")
NO_REASON = "it has come to nothing"
QUESTIONS_MAX = 5000


def is_open_question(task: Task) -> bool:
    """Whether it is for a person to decide: it has not ended, and of its last attempt nobody
    knows the outcome."""
    if task.status not in LIVE:
        return False
    last = task.attempt_set.order_by("-number").first()
    return last is not None and last.outcome == Attempt.Outcome.UNKNOWN


def open_questions() -> QuerySet[Attempt, int]:
    """The ids of all such tasks: there are few, and they have not ended."""
    live = Attempt.objects.filter(task__next_poll_at__isnull=False)
    doubtful = live.filter(outcome=Attempt.Outcome.UNKNOWN)
    return doubtful.values_list("task_id", flat=True)[:QUESTIONS_MAX]


@transaction.atomic
def settle(task_id: int, news: dict[str, Any], *, actor: str, memo: str) -> None:
    """Ends the task as `news` (of failed() or drawn()) say: the hold is released or paid, and the
    ledger tells who said so and why.

    Raises Conflict when there is nothing to decide, or no longer: a look that finds the task first
    counts.
    """
    # Whoever stores a look waits for us, and then finds the task changed.
    task = Task.objects.select_for_update(of=("self",)).select_related("token").get(pk=task_id)
    if not is_open_question(task):
        raise Conflict("there is nothing to decide: it has ended, or its outcome is known")
    if not lifecycle.decide(task, news, actor=actor, memo=memo):
        raise Conflict("it has changed this very moment; look at it again")


def failed(reason: str) -> dict[str, Any]:
    """`reason` is for the tenant."""
    return changes.failure(reason or NO_REASON)


def drawn(*, image_url: str, video_url: str) -> dict[str, Any]:
    return changes.drawn(image_url=image_url, video_url=video_url)
