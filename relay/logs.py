"""The access log. How a record looks, and what is cut out of it, is common/logs.py."""

import logging

from django.http import HttpRequest, HttpResponse

from common import logs

access_logger = logging.getLogger("relay.access")


def begin_request(request_id: str) -> None:
    """From now on every record carries the request's id."""
    logs.begin(request_id=request_id)


def access(request: HttpRequest, response: HttpResponse, *, milliseconds: float) -> None:
    """One line for a request that was answered. Never its path as it came, its query or its body:
    there is no telling what stands in them."""
    if not access_logger.isEnabledFor(logging.INFO):
        return
    route = request.resolver_match.route if request.resolver_match else ""
    told = {
        "method": request.method,
        "route": route,
        "status": response.status_code,
        "milliseconds": round(milliseconds, 1),
    }
    access_logger.info(
        "%s %s %s", request.method, route or "-", response.status_code, extra={"fields": told}
    )
