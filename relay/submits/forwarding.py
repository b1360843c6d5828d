"""Handing a task to an upstream: one at a time, another one only after a proven no."""

import logging
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import Error as DatabaseError

from billing.tokens import Caller
from channels import selection
from channels.adapters import adapter_for
from channels.adapters.base import Accepted, Submission, TakenAs
from channels.errors import (
    NoChannel,
    NoRoom,
    OutcomeUnknown,
    Refusal,
    Rejected,
    Unreachable,
    Unsupported,
    UpstreamError,
)
from channels.selection import Upstream
from common import logs, sql
from relay import lifecycle
from relay.models import Attempt, Task
from relay.submits import accepts, orders, room, statements, verdicts
from relay.submits.orders import Order, Price
from relay.watch import metrics

logger = logging.getLogger(__name__)

# A web process that dies in the middle leaves a task whose attempt is "sending". It is looked
# for only when the call cannot be under way any more.
FIRST_LOOK_MARGIN_SECONDS = 5


class Placed(NamedTuple):
    """A submit that was taken. With `is_modal` it waits for `submit/modal`."""

    task_id: int
    is_modal: bool = False
    final_prompt: str = ""


class _Ended(Exception):
    """The task has ended meanwhile, or was found at the very upstream that said no."""


@dataclass
class Handover:
    """A task on its way to an upstream."""

    caller: Caller
    order: Order
    task_id: int
    attempt_id: int
    upstream: Upstream
    # Those that were asked, and those that others had filled meanwhile.
    tried: list[int] = field(default_factory=list)
    full: list[int] = field(default_factory=list)


def submit(*, caller: Caller, order: Order) -> Placed:
    """Prices, pays and hands over an order.

    Raises ActionNotAllowed, PriceMissing, NoChannel, Unsupported, QuotaNotEnough,
    ConcurrencyLimited before anything is written, and Rejected, Unreachable or NoChannel when no
    upstream took it: the money is free again then.
    """
    price = orders.price(order.action.price_names, order.mode, caller)
    return _hand_over(begin(caller=caller, order=order, price=price))


def begin(*, caller: Caller, order: Order, price: Price) -> Handover:
    """Picks the upstream, holds the money, writes the task. Nothing has been sent yet.

    Raises ActionNotAllowed and what submit() raises before anything is written.
    """
    orders.permit(caller, action=order.action.name, mode=order.mode)
    full: list[int] = []
    no_room: NoRoom | None = None
    while True:
        try:
            upstream = choose(caller, order, tried=full)
        except NoChannel:
            if no_room:
                raise no_room from None
            raise
        try:
            with room.reserved(upstream):
                row = lifecycle.begin(
                    caller=caller,
                    order=order,
                    price=price,
                    upstream=upstream,
                    first_look=first_look(),
                )
        except (NoRoom, room.NotLetThrough) as refusal:
            # Others were faster.
            full.append(upstream.id)
            no_room = refusal if isinstance(refusal, NoRoom) else no_room
        else:
            logs.add(task_id=row.task_id)
            return Handover(caller, order, row.task_id, row.attempt_id, upstream, [upstream.id])


def choose(caller: Caller, order: Order, *, tried: Collection[int]) -> Upstream:
    """The channel for a task: the parent's for a follow-up, else by selection.

    Raises NoChannel, NoRoom, Unsupported.
    """
    submission = order.submission(task_id=0)
    if order.parent is not None:
        return _of_parent(order, order.parent, submission, tried)
    return selection.pick(
        selection.Wanted(
            group=caller.group_name,
            action=order.action.name,
            mode=order.mode,
            is_test=caller.is_test,
            names=order.action.price_names,
            policy=caller.policy,
        ),
        generation=caller.channels_generation,
        obstacle=lambda upstream: adapter_for(upstream.kind).obstacle(submission),
        has_room=room.has_room,
        faults=verdicts.fault_shares,
        tried=tried,
    )


def _of_parent(
    order: Order, parent: Task, submission: Submission, tried: Collection[int]
) -> Upstream:
    upstream = of_task(parent, action=order.action.name, mode=order.mode)
    if upstream.id in tried:
        raise NoChannel(order.action.name, order.mode)
    if text := adapter_for(upstream.kind).obstacle(submission):
        raise Unsupported(text)
    return upstream


def of_task(task: Task, *, action: str, mode: str) -> Upstream:
    """The channel, and the credential, that made a task: what continues it goes there.

    Raises NoChannel when it does not serve follow-ups now, NoRoom while it rests.
    """
    upstream = selection.load(task.channel_id, task.credential_id)
    now = time.time()
    if not upstream.follows_up:
        raise NoChannel(action, mode)
    if upstream.is_open(now):
        soonest = selection.seconds_until(upstream.breaker_until, now)
        raise NoChannel(action, mode, retry_after=soonest)
    if upstream.rests(now):
        raise NoRoom(retry_after=selection.seconds_until(upstream.rests_until, now))
    return upstream


def first_look() -> timedelta:
    """From when on a submit that was not heard of again cannot be under way any more."""
    return timedelta(
        seconds=settings.UPSTREAM_CONNECT_SECONDS
        + settings.UPSTREAM_SUBMIT_SECONDS
        + FIRST_LOOK_MARGIN_SECONDS
    )


def refuse(handover: Handover, no: UpstreamError) -> Placed:
    """The upstream's no stands: the money is free, and `no` is raised.

    Returns when a poll has found the task at the very upstream that said no: then it is taken,
    whatever the answer says.
    """
    try:
        refused = lifecycle.refuse(
            task_id=handover.task_id,
            attempt_id=handover.attempt_id,
            outcome=outcome_of(no),
            is_fault=verdicts.is_fault(no),
            milliseconds=no.milliseconds,
            answer=no.raw,
        )
        known = Task.objects.filter(pk=handover.task_id).exclude(upstream_id="")
        is_there = not refused and known.exists()
    except DatabaseError:
        # Polling will find that no upstream knows the task, and free the money.
        logger.exception("task %s: its refusal could not be stored", handover.task_id)
        raise no from None
    if not is_there:
        raise no
    return Placed(handover.task_id)


def keep_accepted(*, task_id: int, attempt_id: int, accepted: Accepted) -> None:
    taken = accepts.Taken(
        task_id, attempt_id, accepted.upstream_id, accepted.milliseconds, accepted.raw
    )
    _keep(task_id, lambda: accepts.store(taken))


def keep_unknown(*, task_id: int, attempt_id: int, unknown: OutcomeUnknown) -> bool:
    """Whether it could be stored. If not, who would draw conclusions waits for the same database
    once more, and in vain."""
    logs.add(outcome="unknown")
    logger.warning("task %s: outcome of its submit is unknown: %s", task_id, unknown)
    params = {
        "task_id": task_id,
        "attempt_id": attempt_id,
        "milliseconds": unknown.milliseconds,
        "answer": unknown.raw,
        "wait": timedelta(seconds=settings.POLL_MIN_SECONDS),
    }
    return _keep(task_id, lambda: sql.execute(statements.UNKNOWN, params))


def outcome_of(no: UpstreamError) -> str:
    if isinstance(no, Unreachable):
        return Attempt.Outcome.UNREACHABLE
    return Attempt.Outcome.REFUSED


def _hand_over(handover: Handover) -> Placed:
    """Tries channels until one has it, or may have it."""
    submission = handover.order.submission(handover.task_id)
    while True:
        try:
            accepted = _send(handover.upstream, submission)
        except OutcomeUnknown as unknown:
            is_kept = keep_unknown(
                task_id=handover.task_id, attempt_id=handover.attempt_id, unknown=unknown
            )
            if is_kept:
                verdicts.refused(handover.upstream, unknown)
            return Placed(handover.task_id)
        except UpstreamError as no:
            refuser = handover.upstream
            try:
                if not _goes_on(handover, no):
                    return refuse(handover, no)
            finally:
                verdicts.refused(refuser, no)
        else:
            try:
                return _taken(handover, accepted)
            finally:
                verdicts.accepted(handover.upstream)


def _goes_on(handover: Handover, no: UpstreamError) -> bool:
    """Whether another channel has got it to try."""
    while (following := _following(handover, no)) is not None:
        try:
            _move(handover, following, no)
        except _Ended:
            return False
        except (NoRoom, room.NotLetThrough):
            # Others were faster.
            handover.full.append(following.id)
        else:
            return True
    return False


def _send(upstream: Upstream, submission: Submission) -> Accepted:
    sql.release_connection()
    try:
        with metrics.UpstreamCall(upstream.name, "submit"):
            return adapter_for(upstream.kind).submit(upstream, submission)
    except UpstreamError:
        raise
    except Exception as error:
        # A fault of ours in mid-call proves nothing about what the upstream has.
        logger.exception("submit to channel %s broke", upstream.name)
        raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error


def _taken(handover: Handover, accepted: Accepted) -> Placed:
    if accepted.taken_as is TakenAs.MODAL:
        return _modal(handover, accepted)
    if accepted.taken_as is TakenAs.EXISTING:
        return _existing(handover, accepted)
    keep_accepted(task_id=handover.task_id, attempt_id=handover.attempt_id, accepted=accepted)
    return Placed(handover.task_id)


def _modal(handover: Handover, accepted: Accepted) -> Placed:
    """It waits for confirmation. The parent's prompt is proposed when the upstream has none."""
    parent = handover.order.parent
    # A follow-up has no prompt of its own, only the one that was drawn.
    known = (parent.final_prompt or parent.prompt_en or parent.prompt) if parent else ""
    final_prompt = accepted.final_prompt or known
    task = Task.objects.get(pk=handover.task_id)
    lifecycle.open_modal(task, upstream_id=accepted.upstream_id, final_prompt=final_prompt)
    return Placed(handover.task_id, is_modal=True, final_prompt=final_prompt)


def _existing(handover: Handover, accepted: Accepted) -> Placed:
    """The upstream has drawn this very thing before: that task again, uncharged. It must be this
    tenant's own, else it is a refusal."""
    no = Rejected(
        accepted.raw,
        refusal=Refusal.OTHER,
        next_channel=False,
        milliseconds=accepted.milliseconds,
    )
    with suppress(Rejected):
        return refuse(handover, no)
    old = Task.objects.of(handover.caller).filter(
        channel_id=handover.upstream.id, upstream_id=accepted.upstream_id
    )
    task = old.order_by("-id").first()
    if task is None:
        raise no
    return Placed(task.pk)


def _move(handover: Handover, following: Upstream, no: UpstreamError) -> None:
    """The same hold goes on to another channel. Raises _Ended, NoRoom, NotLetThrough."""
    order = handover.order
    with room.reserved(following):
        row = sql.fetch_one(
            statements.NEXT_ATTEMPT,
            {
                "task_id": handover.task_id,
                "attempt_id": handover.attempt_id,
                "outcome": outcome_of(no),
                "is_fault": verdicts.is_fault(no),
                "milliseconds": no.milliseconds,
                "answer": no.raw,
                "channel_id": following.id,
                "credential_id": following.credential_id,
                "cost": following.costs.find(order.action.price_names, order.mode),
                "first_look": first_look(),
            },
        )
        if row is None:
            raise _Ended
    handover.attempt_id = row.attempt_id
    handover.upstream = following
    handover.tried.append(following.id)


def _following(handover: Handover, no: UpstreamError) -> Upstream | None:
    """Another channel, if the answer proves that nothing was accepted and one is left."""
    may_go_on = isinstance(no, Unreachable) or (isinstance(no, Rejected) and no.next_channel)
    if not may_go_on or len(handover.tried) >= settings.SUBMIT_MAX_CHANNELS:
        return None
    try:
        return choose(handover.caller, handover.order, tried=[*handover.tried, *handover.full])
    except (NoChannel, NoRoom, Unsupported):
        return None


def _keep(task_id: int, store: Callable[[], object]) -> bool:
    """Stores an outcome, and tells whether it could. If the database is gone just now, the task is
    found again by polling: the tenant keeps a task that exists, and is told its id without a long
    wait."""
    began = time.monotonic()
    for is_last in (False, True):
        try:
            store()
        except DatabaseError:
            # Storing the same outcome twice does no harm.
            sql.release_connection()
            if is_last or time.monotonic() - began >= sql.SOON_SECONDS:
                logger.exception("task %s: its outcome could not be stored", task_id)
                break
        else:
            return True
    return False
