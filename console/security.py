"""What browsers are told about the console's pages: load and ask nothing but this site, keep
nothing."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext

Handler = Callable[[HttpRequest], HttpResponse]

PLACE = "/console/"
# Pictures are `data:` in Tabler's own style sheet, `blob:` before they are sent.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    # Not less: Django compares the referrer of forms with the site when it is served by https.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


def guard(get_response: Handler) -> Handler:
    """Sets the headers of every answer of the console that does not have its own, and refuses what
    is too large before a byte of it is read."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = _too_large(request) or get_response(request)
        if request.path_info.startswith(PLACE):
            for name, value in HEADERS.items():
                response.setdefault(name, value)
            # The same address answers a page, or a part of it.
            patch_vary_headers(response, ["HX-Request"])
        return response

    return handle


def _too_large(request: HttpRequest) -> HttpResponse | None:
    """Django would write it to the disk to find the form's token in it. (Without a length nothing
    is read at all.)"""
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_ours = request.path_info.startswith(PLACE)
    if not is_ours or not length.isdigit() or int(length) <= settings.BODY_MAX_BYTES:
        return None
    text = gettext("This is more than %d MB.") % (settings.BODY_MAX_BYTES // 2**20)
    return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
