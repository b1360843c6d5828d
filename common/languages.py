"""In which language we write to people: in their own where we know it, else in the site's.

What programs read stays English, whatever is set.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

# Those who know what the person with a mail address has chosen; "": they do not know him either.
CHOSEN: list[Callable[[str], str]] = []


def of_site() -> str:
    return str(settings.SITE_LANGUAGE)


def of_mail(address: str) -> str:
    """Of who reads the mail of this address."""
    return chosen(address) or of_site()


def chosen(address: str) -> str:
    """What the person with this address has chosen; "" for who has chosen nothing."""
    return next((known for ask in CHOSEN if (known := _supported(ask(address)))), "")


def of_request(request: HttpRequest) -> str:
    """Of who looks at a page: chosen before, else asked for by the browser."""
    cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    accepted = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    asked = [cookie, *(code for code, _ in accepted)]
    return next((known for code in asked if (known := _supported(code))), of_site())


def _supported(code: str) -> str:
    try:
        return get_supported_language_variant(code)
    except (LookupError, ValueError):
        return ""
