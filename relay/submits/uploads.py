"""Uploading pictures to an upstream: the one action that is finished when it is answered."""

import logging

from billing.tokens import Caller
from channels.adapters import adapter_for
from channels.errors import OutcomeUnknown, Refusal, Rejected, UpstreamError
from common import sql
from relay import lifecycle
from relay.submits import forwarding, orders, verdicts
from relay.submits.forwarding import Handover
from relay.submits.orders import Order
from relay.watch import metrics

logger = logging.getLogger(__name__)


def upload(*, caller: Caller, order: Order) -> list[str]:
    """The addresses the pictures have at the upstream, in their order.

    Raises what forwarding.submit raises. An unknown outcome is a refusal here: nothing is drawn
    later that could be found, and the addresses are lost.
    """
    price = orders.price(order.action.price_names, order.mode, caller)
    handover = forwarding.begin(caller=caller, order=order, price=price)
    try:
        urls = _send(handover)
    except UpstreamError as no:
        final = _final(no)
        try:
            forwarding.refuse(handover, final)
        finally:
            verdicts.refused(handover.upstream, no)
        raise final from no
    try:
        lifecycle.finish_upload(task_id=handover.task_id, attempt_id=handover.attempt_id, urls=urls)
    finally:
        verdicts.accepted(handover.upstream)
    return urls


def _send(handover: Handover) -> list[str]:
    sql.release_connection()
    upstream = handover.upstream
    try:
        with metrics.UpstreamCall(upstream.name, "submit"):
            return adapter_for(upstream.kind).upload(
                upstream, handover.order.submission(handover.task_id)
            )
    except UpstreamError:
        raise
    except Exception as error:
        logger.exception("upload to channel %s broke", upstream.name)
        raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error


def _final(no: UpstreamError) -> UpstreamError:
    if isinstance(no, OutcomeUnknown):
        return Rejected(no.raw, refusal=Refusal.OTHER, next_channel=False)
    return no
