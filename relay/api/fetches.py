"""GET task/{id}/fetch, which is asked many times for each drawing, without Django's requests and
responses: they cost more than the answer. What decides is the same as behind Django (views.Fetch),
where all goes that is asked in another way than usual, and is answered in the same words.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from types import SimpleNamespace
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.utils.module_loading import import_string

from billing.errors import RateLimited
from common import sql
from relay.api import auth, errors, limited, middleware, views
from relay.api.urls import MJ_PREFIXES
from relay.watch import logs

Environ = dict[str, Any]
Start = Callable[..., Any]
Head = list[tuple[str, str]]

_PATH = re.compile(rf"/(?P<prefix>{'|'.join(MJ_PREFIXES)})/task/(?P<task_id>[0-9]+)/fetch")
_JSON = "application/json"


class _Answer(NamedTuple):
    status: HTTPStatus
    body: bytes
    head: dict[str, Any]


class Fetches:
    """WSGI. `others` answers what is not asked here."""

    def __init__(self, others: Callable[[Environ, Start], Iterable[bytes]]) -> None:
        self._others = others
        self._heads = {scheme: _usual_head(scheme) for scheme in ("http", "https")}

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        usual = self._heads.get(environ["wsgi.url_scheme"])
        asked = _PATH.fullmatch(environ["PATH_INFO"])
        if asked is None or usual is None or environ["REQUEST_METHOD"] != "GET":
            return self._others(environ, start_response)
        began = time.perf_counter()
        request_id = uuid.uuid4().hex
        logs.begin_request(request_id)
        try:
            answer = _answer(environ, asked["task_id"], request_id)
        finally:
            sql.release_connection()
        told = {"Content-Length": len(answer.body), "X-Request-Id": request_id, **answer.head}
        head = [*usual, *((name, str(value)) for name, value in told.items())]
        start_response(f"{answer.status.value} {answer.status.phrase}", head)
        logs.access(
            method="GET",
            route=f"{asked['prefix']}/task/<task_id>/fetch",
            status=answer.status.value,
            milliseconds=(time.perf_counter() - began) * 1000,
        )
        return [answer.body]


def _answer(environ: Environ, task_id: str, request_id: str) -> _Answer:
    room: limited.Headers = {}
    try:
        key = auth.let_in(environ)
        room = limited.take_rate(key)
        return _Answer(HTTPStatus.OK, views.fetched(key, task_id), room)
    except Exception as error:  # noqa: BLE001  every one has its answer
        if isinstance(error, RateLimited):
            room = limited.told(error.standing)
        refusal = errors.answer(error, {"request": SimpleNamespace(request_id=request_id)})
        wait = {name: refusal[name] for name in ("Retry-After",) if name in refusal}
        return _Answer(HTTPStatus(refusal.status_code), orjson.dumps(refusal.data), room | wait)


def _usual_head(scheme: str) -> Head | None:
    """What Django's layers put on each answer; None where they let nobody through."""
    if settings.SECURE_SSL_REDIRECT and scheme == "http":
        return None

    def answer(request: Any) -> HttpResponse:
        return HttpResponse(content_type=_JSON)

    handle = answer
    # All but the outermost, middleware.edge.
    for layer in reversed(settings.API_MIDDLEWARE[1:]):
        handle = import_string(layer)(handle)
    request = WSGIRequest(
        {"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": BytesIO()}
    )
    return list(middleware.allow_origins(handle(request)).items())
