"""The access log. How a record looks, and what is cut out of it, is common/logs.py."""

import logging

from common import logs

access_logger = logging.getLogger("relay.access")


def begin_request(request_id: str) -> None:
    """From now on every record carries the request's id."""
    logs.begin(request_id=request_id)


def access(*, method: str, route: str, status: int, milliseconds: float) -> None:
    """One line for a request that was answered; `route` is the pattern that its path has met, if
    any. Never its path as it came, its query or its body: there is no telling what is in them."""
    if not access_logger.isEnabledFor(logging.INFO):
        return
    told = {
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(milliseconds, 1),
    }
    access_logger.info("%s %s %s", method, route or "-", status, extra={"fields": told})
