"""Views for a key, whose answers tell how much more the key may ask."""

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.db import Error as DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from psycopg_pool import PoolTimeout
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import limits
from billing.errors import ConcurrencyLimited, RateLimited
from billing.limits import Standing
from billing.limits.turns import Turn
from billing.tokens import Caller
from common import logs
from relay.api import errors
from relay.api.auth import caller
from relay.serving import stopping
from relay.watch import metrics

Headers = dict[str, int]


def _headers(limit: int, remaining: int, reset: int) -> Headers:
    """`reset`: seconds until all of it is free again."""
    return {
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": reset,
    }


def told(standing: Standing | None) -> Headers:
    if standing is None:
        return {}
    return _headers(standing.limit.per_minute, standing.remaining, standing.reset)


class Limited(APIView):
    """Whatever is answered to a limited key, refusals too, has `X-RateLimit-…`."""

    room: Headers | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Afterwards nothing of a request points to itself: else the collector, which has to look
        for such things, costs a twentieth of everything."""
        response = super().dispatch(request, *args, **kwargs)
        self.request.parser_context = {}
        vars(self).pop("head", None)
        if isinstance(response, Response):
            response.add_post_render_callback(_forget_its_view)
        return response

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, RateLimited):
            self.room = told(exc.standing)
        if isinstance(exc, ConcurrencyLimited):
            # When a task will end, nobody knows: come and see.
            self.room = _headers(exc.limit, 0, errors.TWIN_SECONDS)
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, value in (self.room or {}).items():
            final[name] = str(value)
        return final


class Asking(Limited):
    """Only asks, draws nothing. Raises RateLimited."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.room = take_rate(caller(request))


class Submitting(Limited):
    """Draws something: the rate is asked by take_turn()."""

    key: Caller | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.key = caller(request)

    def take_turn(self, key: Caller) -> Turn:
        """Raises RateLimited, ConcurrencyLimited, and InvalidKey or TenantDisabled when it had to
        wait for its turn and is not allowed any more."""
        turn = Turn(key, is_over=stopping.has_begun)
        self.room = told(counted("submit", turn.take))
        return turn

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        if self.room is None and self.key is not None:
            # It was answered before its rate was asked: a replay, a mistake in the body.
            with suppress(DatabaseError, PoolTimeout):
                self.room = told(limits.look(limits.submits(self.key)))
        if request.method == "POST":
            metrics.submitted(_outcome(response))
        return super().finalize_response(request, response, *args, **kwargs)


def _forget_its_view(response: Response) -> None:
    vars(response)["renderer_context"] = {}


def _outcome(response: Response) -> str:
    """What metrics.submitted() calls it."""
    if response.status_code != HTTPStatus.OK:
        return str(response.data["type"])
    if "Idempotent-Replayed" in response:
        return "replayed"
    return str(logs.known().get("outcome", "accepted"))


def take_rate(key: Caller) -> Headers:
    """Of asking. Raises RateLimited."""
    asked = limits.fetches(key)
    return told(counted("fetch", lambda: limits.take(asked)))


def counted(kind: str, take: Callable[[], Standing | None]) -> Standing | None:
    try:
        standing = take()
    except RateLimited as refusal:
        metrics.limited(kind, refusal.standing, outcome="refused")
        raise
    if standing is not None:
        metrics.limited(kind, standing, outcome="allowed")
    return standing
