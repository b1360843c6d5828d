"""How pages are shown to the one who looks: language, time zone, light or dark."""

import zoneinfo
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from common import languages
from console import amounts
from console.security import PLACE

Handler = Callable[[HttpRequest], HttpResponse]

THEME_COOKIE = "theme"
ZONE_COOKIE = "zone"
COOKIE_SECONDS = int(timedelta(days=365).total_seconds())
THEMES = {
    "auto": (gettext_lazy("As the device"), "device-desktop"),
    "light": (gettext_lazy("Light"), "sun"),
    "dark": (gettext_lazy("Dark"), "moon"),
}


def viewer(get_response: Handler) -> Handler:
    """Language and zone of the console's pages; what the API says stays as the contract has it."""

    def handle(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PLACE):
            return get_response(request)
        language = languages.of_request(request)
        with (
            translation.override(language),
            timezone.override(zone(request)),
            amounts.one_currency(),
        ):
            request.LANGUAGE_CODE = language
            response = get_response(request)
            response.setdefault("Content-Language", language)
            return response

    return handle


def zone(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """The browser's, as console.js wrote it into a cookie; UTC before that."""
    name = request.COOKIES.get(ZONE_COOKIE, "")
    return zoneinfo.ZoneInfo(name if name in _zones() else "UTC")


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def local(when: datetime) -> datetime:
    """In the viewer's zone; what lies beyond its years ("the end of 9999") stays as it is."""
    try:
        return timezone.localtime(when)
    except OverflowError:
        return when


def theme(request: HttpRequest) -> str:
    asked = request.COOKIES.get(THEME_COOKIE, "")
    return asked if asked in THEMES else "auto"


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keeps the language or the theme that was chosen, and goes back."""
    response = HttpResponseRedirect(_back(request))
    language, look = request.POST.get("language"), request.POST.get("theme")
    if language in dict(settings.LANGUAGES):
        _keep(response, settings.LANGUAGE_COOKIE_NAME, str(language))
    if look in THEMES:
        # theme.js reads it before the page is drawn.
        _keep(response, THEME_COOKIE, str(look))
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, value, max_age=COOKIE_SECONDS, samesite="Lax", secure=secure)


def _back(request: HttpRequest) -> str:
    asked = request.POST.get("next", "")
    hosts = {request.get_host()}
    if url_has_allowed_host_and_scheme(asked, hosts, require_https=request.is_secure()):
        return asked
    return PLACE


def context(request: HttpRequest) -> dict[str, Any]:
    """For every template: what the frame around a page needs, asked when it is used."""
    from console import frame

    if not request.path_info.startswith(PLACE):
        return {}
    return {"frame": frame.Frame(request)}
