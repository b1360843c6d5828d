"""Language and theme go with a person from one browser to the next.

console/display.py keeps them in cookies; what was chosen while signed in is stored besides, and
comes back with the next sign-in.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from console import display
from console.accounts import people
from console.models import Preference

Handler = Callable[[HttpRequest], HttpResponse]


def keep(get_response: Handler) -> Handler:
    """Middleware: stores what an answer has just set."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        chosen = {
            field: response.cookies[cookie].value
            for field, cookie in _cookies().items()
            if cookie in response.cookies
        }
        if chosen and request.user.is_authenticated:
            Preference.objects.update_or_create(user=request.user, defaults=chosen)
        return response

    return handle


def bring_back(response: HttpResponse, user: Any) -> None:
    """To the answer that ends a sign-in."""
    stored = Preference.objects.filter(user=user).first()
    for field, cookie in _cookies().items() if stored else ():
        if value := getattr(stored, field):
            response.set_cookie(
                cookie,
                value,
                max_age=display.COOKIE_SECONDS,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )


def language_of(mail: str) -> str:
    """What the person with this address has chosen; "" for nobody, and for who has not."""
    user = people.named(mail) if "@" in mail else None
    stored = Preference.objects.filter(pk=user.pk).first() if user else None
    return stored.language if stored else ""


def _cookies() -> dict[str, str]:
    return {"language": settings.LANGUAGE_COOKIE_NAME, "theme": display.THEME_COOKIE}
