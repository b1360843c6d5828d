"""How long a session lasts: so long without a request, and so long at all."""

import time
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

Handler = Callable[[HttpRequest], HttpResponse]

BEGAN, SEEN = "_began", "_seen"
# More often it is not written down that somebody is still there.
WRITTEN_SECONDS = 60
CONSOLE = "/console/"


def begin(request: HttpRequest) -> None:
    """Somebody has signed in."""
    request.session[BEGAN] = request.session[SEEN] = time.time()


def ages(get_response: Handler) -> Handler:
    """Middleware: ends what is too old before any page is asked for."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(CONSOLE) and request.user.is_authenticated:
            _look(request)
        return get_response(request)

    return handle


def sweep() -> None:
    """Deletes the rows of sessions that have ended."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    living = Session.objects.values("session_key")
    UserSession.objects.exclude(session_key__in=living).delete()


def _look(request: HttpRequest) -> None:
    now = time.time()
    if BEGAN not in request.session:
        begin(request)
    is_idle = now - request.session.get(SEEN, 0) > settings.SESSION_IDLE_SECONDS
    if is_idle or now - request.session[BEGAN] > settings.SESSION_MAX_SECONDS:
        logout(request)
    elif now - request.session[SEEN] > WRITTEN_SECONDS:
        request.session[SEEN] = now
        UserSession.objects.create_from_request(request)
