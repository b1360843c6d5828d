"""Whoever sends a change by plain http where https is asked for is told so.

A redirect (Django's SecurityMiddleware) is for those who only read: a POST would arrive as a GET.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from relay.api import errors

Handler = Callable[[HttpRequest], HttpResponse]

READING = ("GET", "HEAD", "OPTIONS")
REFUSAL = errors.Answer(HTTPStatus.FORBIDDEN, 4, "https_required", "this is served by https only")


def https_only(get_response: Handler) -> Handler:
    def handle(request: HttpRequest) -> HttpResponse:
        is_ok = request.method in READING or request.is_secure()
        if is_ok or not settings.SECURE_SSL_REDIRECT:
            return get_response(request)
        return errors.plain(REFUSAL)

    return handle
