"""The outermost layer: what every answer of the API has, and what depends on nothing else."""

import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from relay.watch import logs

Handler = Callable[[HttpRequest], HttpResponse]

PREFLIGHT_SECONDS = "7200"
METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED = "X-Request-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
# The console is no API: it is not for pages of other origins.
CONSOLE = ("/console/", "/static/")
_SLASHES = re.compile(r"//+")


def edge(get_response: Handler) -> Handler:
    """Request id, tidy paths, CORS, access log. A preflight is answered before keys, database and
    limits."""

    def handle(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        request_id = uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        logs.begin_request(request_id)
        if request.path_info.startswith(CONSOLE):
            response = get_response(request)
        elif request.method == "OPTIONS":
            response = allow_origins(_preflight(request))
        else:
            _tidy(request)
            response = allow_origins(get_response(request))
        if not response.streaming:
            response["Content-Length"] = str(len(response.content))
        response["X-Request-Id"] = request_id
        logs.access(
            method=request.method or "",
            route=request.resolver_match.route if request.resolver_match else "",
            status=response.status_code,
            milliseconds=(time.perf_counter() - began) * 1000,
        )
        return response

    return handle


def _tidy(request: HttpRequest) -> None:
    """`//mj/submit/imagine/` is `/mj/submit/imagine`: clients join addresses carelessly."""
    path = _SLASHES.sub("/", request.path_info)
    request.path_info = path.rstrip("/") or "/"


def _preflight(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = METHODS
    response["Access-Control-Allow-Headers"] = request.headers.get(
        "Access-Control-Request-Headers", "Authorization, Content-Type, mj-api-secret"
    )
    response["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response


def allow_origins(response: HttpResponse) -> HttpResponse:
    """Pages of all origins may ask, and read the headers that tell them something."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = EXPOSED
    return response
