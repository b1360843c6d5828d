"""A task is begun, changed and ended."""

import copy
import logging
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from psycopg.types.json import Jsonb

from billing import ledger
from billing.tokens import Caller
from channels.adapters.base import Update
from channels.selection import Upstream
from common import sql
from common.gather import Gather
from relay.following import changes, deadlines
from relay.following.statements import LOCK_TASKS, PROGRESS
from relay.messages import callbacks
from relay.models import LIVE, TERMINAL, Attempt, Task, TaskStatus
from relay.pictures import results
from relay.submits.orders import Order, Price, hold_params
from relay.submits.statements import SUBMIT

logger = logging.getLogger(__name__)

EXPIRY_BATCH = 500
EXPIRED = "expired: the upstream never finished it"
NOT_CONFIRMED = "expired: it was not confirmed in time"


def begin(
    *, caller: Caller, order: Order, price: Price, upstream: Upstream, first_look: timedelta
) -> Any:
    """Holds the price and writes task, entry and first attempt, in one commit.

    Returns a row (task_id, attempt_id). Raises QuotaNotEnough, ConcurrencyLimited; nothing is
    written then.
    """
    params = hold_params(caller, price)
    row = _submits.ask(
        params
        | {
            "channel_id": upstream.id,
            "credential_id": upstream.credential_id,
            "cost": upstream.costs.find(order.action.price_names, order.mode),
            "parent_id": order.parent and order.parent.pk,
            "action": order.action.name,
            "bot_type": order.bot_type,
            "prompt": order.shown_prompt,
            "custom_id": order.custom_id,
            "state": order.state,
            "notify_hook": order.notify_hook or caller.hook,
            "request_id": order.request_id,
            "description": order.description,
            "mode_prices": price.by_mode,
            "first_look": first_look.total_seconds(),
            "deadline": deadlines.seconds(order.action.name, order.mode),
            "expiry": settings.TASK_EXPIRY_SECONDS,
        },
    )
    if row is None:
        raise ledger.refusal(params)
    return row


def _submit_all(asked: list[dict[str, Any]]) -> list[Any]:
    """All in one statement, but those of one wallet one after the other."""
    seen: Counter[int] = Counter()
    turns = []
    for one in asked:
        turns.append(seen[one["wallet_id"]])
        seen[one["wallet_id"]] += 1
    placed = list(zip(asked, turns, strict=True))
    rounds = [[one for one, turn in placed if turn == number] for number in range(max(turns) + 1)]
    answers = sql.fetch_all_each(SUBMIT, [ledger.asking(each) for each in rounds])
    found = [{row.wallet_id: row for row in rows} for rows in answers]
    return [found[turn].get(one["wallet_id"]) for one, turn in placed]


# Two, so that one that waits for a wallet does not keep all others waiting.
_submits = Gather(_submit_all, leaders=2)


def finish_upload(*, task_id: int, attempt_id: int, urls: list[str]) -> None:
    """The upstream has the pictures: paid."""
    Attempt.objects.filter(pk=attempt_id, task=task_id).update(outcome=Attempt.Outcome.ACCEPTED)
    task = Task.objects.select_related("token").get(pk=task_id)
    store(task, changes.upload(urls))


def cancel(task: Task) -> bool:
    """Ends a modal that its tenant does not want any more. False: it is not open, or is drawn."""
    return task.status == TaskStatus.MODAL and store(task, changes.cancellation())


def apply(task: Task, update: Update) -> bool:
    """Stores what an upstream said. True when that changed the task.

    Never backwards, never twice: of several who bring news of the same task, one wins, and the
    others find the task changed under them and return False.
    """
    news = changes.between(task, update)
    return bool(news) and store(task, news)


def apply_progress(looks: Iterable[tuple[Task, Update]]) -> None:
    """The same in two statements for all tasks that go on: one of the tasks, one of the messages
    about them. What it does not store is left to apply(), which then finds the news still new."""
    found: dict[int, tuple[Task, dict[str, Any]]] = {}
    for task, update in looks:
        news = changes.between(task, update) if task.upstream_id else {}
        if news and news.get("status", task.status) in LIVE:
            found[task.pk] = task, news
    if len(found) < 2:
        return
    with transaction.atomic():
        stored = [_with(*found[pk]) for pk in _write_progress(found)]
        callbacks.enqueue_progress(stored)
    for changed in stored:
        vars(found[changed.pk][0]).update(vars(changed))


def _write_progress(found: dict[int, tuple[Task, dict[str, Any]]]) -> list[int]:
    """The ids of those that were stored."""
    lines = [{"id": pk, "seen": task.sequence} | news for pk, (task, news) in found.items()]
    its = {"ids": list(found), "first": min(found), "last": max(found)}
    sql.execute(LOCK_TASKS, its)
    news = {"news": Jsonb(lines), "number": len(lines)}
    return [row.id for row in sql.fetch_all(PROGRESS, its | news)]


def _with(task: Task, news: dict[str, Any]) -> Task:
    """A copy as it is now in the database; the task itself is as it was until that is committed."""
    changed = copy.copy(task)
    told = {"sequence": task.sequence + 1, "missing_since": None, "changed_at": timezone.now()}
    for name, value in (news | told).items():
        setattr(changed, name, value)
    return changed


def fail(task: Task, reason: str) -> bool:
    """Ends a live task by our own verdict. True when it was this call that ended it.

    The upstream may have it and finish it all the same, so it is looked at now and then.
    """
    first_look = timezone.now() + timedelta(seconds=settings.LATE_FIRST_SECONDS)
    # What waits for its confirmation is not with the upstream, unless a lost one brought it there.
    late_look = task.late_look_at if task.status == TaskStatus.MODAL else first_look
    return store(task, changes.failure(reason) | {"late_look_at": late_look})


@transaction.atomic
def decide(task: Task, news: dict[str, Any], *, actor: str, memo: str) -> bool:
    """A person says what became of a live task whose outcome nobody knows: `news` are those of
    changes.failure or changes.drawn. What has failed is looked at now and then, as by fail(). True
    when it was this call that ended the task."""
    if news["status"] == TaskStatus.FAILURE:
        first_look = timezone.now() + timedelta(seconds=settings.LATE_FIRST_SECONDS)
        return store(task, news | {"late_look_at": first_look}, actor=actor, memo=memo)
    if not store(task, news, actor=actor, memo=memo):
        return False
    doubtful = task.attempt_set.filter(outcome__in=Attempt.MAYBE_TAKEN)
    doubtful.update(outcome=Attempt.Outcome.ACCEPTED)
    return True


@transaction.atomic
def refuse(
    *,
    task_id: int,
    attempt_id: int,
    outcome: str,
    milliseconds: int,
    answer: str,
    is_fault: bool = False,
) -> bool:
    """Ends a task that no upstream took: the tenant gets an error and never hears its id.

    False when a poll has found it at the very upstream that said no, or it has ended meanwhile.
    """
    task = Task.objects.get(pk=task_id)
    if task.upstream_id:
        return False
    # Nobody is called back about a task that nobody was told of.
    task.notify_hook = ""
    news = changes.failure("no upstream accepted it") | {"notify_hook": ""}
    if not store(task, news):
        return False
    Attempt.objects.filter(pk=attempt_id, task=task_id).update(
        outcome=outcome, is_fault=is_fault, milliseconds=milliseconds, answer=answer
    )
    return True


def adopt(task: Task, upstream_id: str) -> bool:
    """The upstream has the task although its answer never reached us: from now on it has an id."""
    with transaction.atomic():
        nameless = Task.objects.live().filter(pk=task.pk, sequence=task.sequence, upstream_id="")
        if not nameless.update(upstream_id=upstream_id, sequence=F("sequence") + 1):
            return False
        task.attempt_set.filter(outcome__in=Attempt.MAYBE_TAKEN).update(
            outcome=Attempt.Outcome.ACCEPTED
        )
    task.upstream_id = upstream_id
    task.sequence += 1
    return True


def doubt(task_ids: Collection[int]) -> None:
    """Their submits are over by now and no answer was stored: the outcome is unknown."""
    if task_ids:
        Attempt.objects.filter(task__in=task_ids, outcome=Attempt.Outcome.SENDING).update(
            outcome=Attempt.Outcome.UNKNOWN
        )


def expire_overdue() -> int:
    """Ends what has outlived everything; returns how many. One that cannot be ended, because its
    books are wrong, keeps no other from it."""
    overdue = Task.objects.open().filter(expires_at__lt=timezone.now()).select_related("token")
    return sum(_expire(task) for task in overdue.iterator(chunk_size=EXPIRY_BATCH))


def _expire(task: Task) -> bool:
    try:
        return fail(task, NOT_CONFIRMED if task.status == TaskStatus.MODAL else EXPIRED)
    except Exception:
        logger.exception("task %s has expired and cannot be ended", task.pk)
        return False


def store(task: Task, news: dict[str, Any], *, actor: str = "", memo: str = "") -> bool:
    """Writes news of a task, settles its money and writes its callback: together or not at all.
    `actor` and `memo` are the ledger's."""
    was = task.status
    if news.get("status") in TERMINAL:
        news = {"late_look_at": None} | news | {"next_poll_at": None, "leased_until": None}
    now = timezone.now()
    with transaction.atomic():
        rows = (
            Task.objects.open()
            .filter(pk=task.pk, sequence=task.sequence)
            .update(**news, sequence=F("sequence") + 1, changed_at=now, missing_since=None)
        )
        if rows != 1:
            return False
        # When to look again follows from when it has changed.
        told = news | {"sequence": task.sequence + 1, "changed_at": now, "missing_since": None}
        for name, value in told.items():
            setattr(task, name, value)
        if task.status in TERMINAL:
            _close_attempts(task)
        callbacks.enqueue(task)
        results.enqueue(task)
        # Last: from here on all others of its wallet wait for the commit.
        settle(task, was, actor=actor, memo=memo)
    return True


def _close_attempts(task: Task) -> None:
    """Of an attempt whose answer never came: a drawing leaves no doubt, any other end leaves the
    outcome unknown for good."""
    is_drawn = task.status == TaskStatus.SUCCESS
    if is_drawn and not task.hold_suffix:
        # It has been adopted before (adopt).
        return
    task.attempt_set.filter(outcome__in=Attempt.MAYBE_TAKEN).update(
        outcome=Attempt.Outcome.ACCEPTED if is_drawn else Attempt.Outcome.UNKNOWN
    )


def settle(task: Task, was: str, *, actor: str = "", memo: str = "") -> None:
    """Ends the hold of a task that has ended. An open modal has none."""
    if was == TaskStatus.MODAL or task.status not in TERMINAL:
        return
    if task.status == TaskStatus.SUCCESS:
        # Drawn in another mode than it was bought in: the cheaper of the two prices counts.
        drawn = task.mode_prices.get(task.mode, task.price)
        # Of several attempts it was the last one that drew.
        last = max(task.attempt_set.all(), key=lambda attempt: attempt.number)
        ledger.capture(
            reference=task.hold_reference,
            amount=min(task.price, drawn),
            channel=task.channel_id,
            cost=last.cost,
            actor=actor,
            memo=memo,
        )
    else:
        ledger.release(reference=task.hold_reference, actor=actor, memo=memo)
