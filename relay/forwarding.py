"""Handing a task to an upstream: one at a time, another one only after a proven no."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import Error as DatabaseError

from billing import pricing
from billing.tokens import Caller
from channels import selection
from channels.adapters import adapter_for
from channels.adapters.base import Accepted, Submission
from channels.errors import NoChannel, OutcomeUnknown, Rejected, Unreachable, UpstreamError
from channels.selection import Upstream
from common import sql
from relay import lifecycle, signing, statements
from relay.models import Attempt, Task
from relay.orders import Order

logger = logging.getLogger(__name__)

# A web process that dies in the middle leaves a task whose attempt is "sending". It is looked
# for only when the call cannot be under way any more.
FIRST_LOOK_MARGIN_SECONDS = 5


def submit(*, caller: Caller, order: Order) -> int:
    """Prices, pays and hands over an order; returns the task's id.

    Raises PriceMissing, NoChannel, QuotaNotEnough before anything is written, and Rejected,
    Unreachable or NoChannel when no upstream took it: the money is free again then.
    """
    quote = pricing.quote(
        name=order.action.price_name,
        mode=order.mode,
        ratio=caller.group_ratio,
        generation=caller.prices_generation,
    )
    upstream = _pick(caller, order, tried=[])
    row = lifecycle.begin(
        caller=caller, order=order, quote=quote, upstream=upstream, first_look=_first_look()
    )
    _hand_over(caller, order, row.task_id, row.attempt_id, upstream)
    return int(row.task_id)


def _hand_over(
    caller: Caller, order: Order, task_id: int, attempt_id: int, upstream: Upstream
) -> None:
    """Tries channels until one has it, or may have it."""
    submission = _submission(order, task_id)
    tried = [upstream.id]
    while True:
        try:
            accepted = _send(upstream, submission)
        except OutcomeUnknown as unknown:
            _keep_unknown(task_id, attempt_id, unknown)
            return
        except UpstreamError as no:
            following = _following(caller, order, tried, no)
            moved = _move(task_id, attempt_id, no, following) if following else None
            if following is None or moved is None:
                _refuse(task_id, attempt_id, no)
                return
            attempt_id = moved
            upstream = following
            tried.append(upstream.id)
        else:
            _keep_accepted(task_id, attempt_id, accepted)
            return


def _send(upstream: Upstream, submission: Submission) -> Accepted:
    sql.release_connection()
    try:
        return adapter_for(upstream.kind).submit(upstream, submission)
    except UpstreamError:
        raise
    except Exception as error:
        # A fault of ours in mid-call proves nothing about what the upstream has.
        logger.exception("submit to channel %s broke", upstream.name)
        raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error


def _following(
    caller: Caller, order: Order, tried: list[int], no: UpstreamError
) -> Upstream | None:
    """Another channel, if the answer proves that nothing was accepted and one is left."""
    may_go_on = isinstance(no, Unreachable) or (isinstance(no, Rejected) and no.next_channel)
    if not may_go_on or len(tried) >= settings.SUBMIT_MAX_CHANNELS:
        return None
    try:
        return _pick(caller, order, tried=tried)
    except NoChannel:
        return None


def _pick(caller: Caller, order: Order, *, tried: list[int]) -> Upstream:
    return selection.pick(
        group=caller.group_name,
        action=order.action.name,
        mode=order.mode,
        generation=caller.channels_generation,
        tried=tried,
    )


def _submission(order: Order, task_id: int) -> Submission:
    return Submission(
        action=order.action.name,
        mode=order.mode,
        bot_type=order.bot_type,
        prompt=order.prompt,
        images=order.images,
        correlation=signing.correlation(task_id),
        hint_url=signing.hint_url(task_id),
    )


def _keep_accepted(task_id: int, attempt_id: int, accepted: Accepted) -> None:
    _keep(
        statements.ACCEPTED,
        task_id=task_id,
        attempt_id=attempt_id,
        upstream_id=accepted.upstream_id,
        milliseconds=accepted.milliseconds,
        answer=accepted.raw,
    )


def _keep_unknown(task_id: int, attempt_id: int, unknown: OutcomeUnknown) -> None:
    logger.warning("task %s: outcome of its submit is unknown: %s", task_id, unknown)
    _keep(
        statements.UNKNOWN,
        task_id=task_id,
        attempt_id=attempt_id,
        milliseconds=unknown.milliseconds,
        answer=unknown.raw,
    )


def _keep(statement: str, **params: object) -> None:
    """Stores an outcome. If the database is gone just now, the task is found again by polling:
    the tenant keeps a task that exists."""
    wait = timedelta(seconds=settings.POLL_MIN_SECONDS)
    try:
        sql.execute(statement, params | {"wait": wait})
    except DatabaseError:
        logger.exception("task %s: its outcome could not be stored", params["task_id"])


def _refuse(task_id: int, attempt_id: int, no: UpstreamError) -> None:
    """The upstream's no stands: raises it. Returns when a poll has found the task at the very
    upstream that said no: then it is taken, whatever the answer says."""
    try:
        refused = lifecycle.refuse(
            task_id=task_id,
            attempt_id=attempt_id,
            outcome=_outcome(no),
            milliseconds=no.milliseconds,
            answer=no.raw,
        )
        is_there = not refused and Task.objects.filter(pk=task_id).exclude(upstream_id="").exists()
    except DatabaseError:
        # Polling will find that no upstream knows the task, and free the money.
        logger.exception("task %s: its refusal could not be stored", task_id)
        raise no from None
    if not is_there:
        raise no


def _move(task_id: int, attempt_id: int, no: UpstreamError, following: Upstream) -> int | None:
    """The same hold goes on to another channel. Returns the new attempt's id; None when the task
    has ended meanwhile, or a poll has found it at the very upstream that said no."""
    row = sql.fetch_one(
        statements.NEXT_ATTEMPT,
        {
            "task_id": task_id,
            "attempt_id": attempt_id,
            "outcome": _outcome(no),
            "milliseconds": no.milliseconds,
            "answer": no.raw,
            "channel_id": following.id,
            "first_look": _first_look(),
        },
    )
    return None if row is None else int(row.attempt_id)


def _outcome(no: UpstreamError) -> str:
    if isinstance(no, Unreachable):
        return Attempt.Outcome.UNREACHABLE
    return Attempt.Outcome.REFUSED


def _first_look() -> timedelta:
    return timedelta(
        seconds=settings.UPSTREAM_CONNECT_SECONDS
        + settings.UPSTREAM_SUBMIT_SECONDS
        + FIRST_LOOK_MARGIN_SECONDS
    )
