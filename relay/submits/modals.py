"""Confirming a modal: the drawing that was only prepared is now paid for and begun."""

import logging
from typing import NamedTuple

from billing.tokens import Caller
from channels.adapters import adapter_for
from channels.adapters.base import Accepted, Submission
from channels.errors import NoChannel, OutcomeUnknown, UpstreamError
from channels.selection import Upstream
from common import logs, sql
from relay import actions, lifecycle, signing
from relay.errors import InvalidRequest
from relay.models import LIVE, Task, TaskStatus
from relay.submits import forwarding, orders, room, verdicts
from relay.watch import metrics

logger = logging.getLogger(__name__)

NOT_OPEN = "this task does not wait for a confirmation"


class _Overtaken(Exception):
    """Nothing of what was begun is kept."""


class Confirmation(NamedTuple):
    """What a tenant says with it; all may be empty. State and hook replace the action's."""

    prompt: str = ""
    mask: str = ""
    state: str = ""
    notify_hook: str = ""


def confirm(*, caller: Caller, task: Task, said: Confirmation) -> int:
    """Holds the price of a modal and confirms it at the upstream; the id stays the same.

    A confirmation that is sent twice counts once. Raises InvalidRequest, ActionNotAllowed,
    PriceMissing, NoChannel, NoRoom, QuotaNotEnough, ConcurrencyLimited, UpstreamError; a refused
    modal is open again, and the money free.
    """
    logs.add(task_id=task.pk)
    if _is_confirmed(task):
        return task.pk
    if task.status != TaskStatus.MODAL:
        raise InvalidRequest(NOT_OPEN)
    upstream = forwarding.of_task(task, action=task.action, mode=task.mode)
    orders.permit(caller, action=task.action, mode=task.mode)
    price = orders.price(actions.MODAL_PRICE_NAMES, task.mode, caller)
    try:
        with room.reserved(upstream):
            attempt_id = lifecycle.begin_confirmation(
                task=task,
                caller=caller,
                price=price,
                upstream=upstream,
                first_look=forwarding.first_look(),
                told={"state": said.state, "notify_hook": said.notify_hook},
            )
            if attempt_id is None:
                raise _Overtaken
    except _Overtaken:
        return _overtaken(task)
    except room.NotLetThrough:
        raise NoChannel(task.action, task.mode) from None
    _send(upstream, task, _submission(task, said.prompt, said.mask), attempt_id)
    return task.pk


def _is_confirmed(task: Task) -> bool:
    return bool(task.hold_suffix) and task.status in (*LIVE, TaskStatus.SUCCESS)


def _overtaken(task: Task) -> int:
    """Somebody has confirmed or closed it since `task` was read. Raises InvalidRequest."""
    task.refresh_from_db()
    if not _is_confirmed(task):
        raise InvalidRequest(NOT_OPEN)
    return task.pk


def _send(upstream: Upstream, task: Task, submission: Submission, attempt_id: int) -> None:
    sql.release_connection()
    try:
        accepted = _ask(upstream, task, submission)
    except OutcomeUnknown as unknown:
        if forwarding.keep_unknown(task_id=task.pk, attempt_id=attempt_id, unknown=unknown):
            verdicts.refused(upstream, unknown)
    except UpstreamError as no:
        is_open = lifecycle.reopen_modal(
            task_id=task.pk,
            attempt_id=attempt_id,
            outcome=forwarding.outcome_of(no),
            is_fault=verdicts.is_fault(no),
            milliseconds=no.milliseconds,
            answer=no.raw,
        )
        verdicts.refused(upstream, no)
        if is_open:
            raise
    else:
        forwarding.keep_accepted(task_id=task.pk, attempt_id=attempt_id, accepted=accepted)
        verdicts.accepted(upstream)


def _ask(upstream: Upstream, task: Task, submission: Submission) -> Accepted:
    try:
        with metrics.UpstreamCall(upstream.name, "submit"):
            return adapter_for(upstream.kind).confirm(upstream, submission, task.upstream_id)
    except UpstreamError:
        raise
    except Exception as error:
        # A fault of ours in mid-call proves nothing about what the upstream has.
        logger.exception("confirmation at channel %s broke", upstream.name)
        raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error


def _submission(task: Task, prompt: str, mask: str) -> Submission:
    """Without a prompt of its own it draws what was proposed."""
    return Submission(
        action=task.action,
        mode=task.mode,
        bot_type=task.bot_type,
        prompt=prompt or task.final_prompt or task.prompt,
        mask=mask,
        custom_id=task.custom_id,
        correlation=signing.correlation(task.pk),
        hint_url=signing.hint_url(task.pk),
    )
