"""What the API refuses, as pages."""

import logging
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy

from billing.errors import RateLimited
from console.refusals import said
from console.security import PLACE
from relay.api import errors as api

logger = logging.getLogger(__name__)

TITLES = {
    400: gettext_lazy("This cannot be done"),
    403: gettext_lazy("You may not do this"),
    404: gettext_lazy("There is nothing here"),
    405: gettext_lazy("This cannot be done"),
    409: gettext_lazy("This does not fit any more"),
    429: gettext_lazy("Too many at once"),
    500: gettext_lazy("Something went wrong"),
    502: gettext_lazy("Somebody else's service did not answer"),
    503: gettext_lazy("Not available at the moment"),
}
TEXTS = {
    404: gettext_lazy("It was never there, it is gone, or it is not yours to see."),
    405: gettext_lazy("This address is not opened like this."),
    500: gettext_lazy("This is our fault. Please try again; if it stays so, tell the operator."),
    503: gettext_lazy("Please try again in a moment."),
}


class ErrorPages:
    """Middleware: under /console/ people read pages where programs read JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PLACE):
            return self.get_response(request)
        if "\x00" in request.path_info:
            # What the database would not even look for.
            return page(request, 404)
        response = self.get_response(request)
        if _is_htmx(request) and 300 <= response.status_code < 400 and "Location" in response:
            # A browser would follow it unseen and put a whole page where a part belongs.
            return HttpResponse(headers={"HX-Redirect": response["Location"]})
        # No view was found, or it broke: Django's handlers answer for the API.
        is_nobodys = response.status_code == 500 or request.resolver_match is None
        if response.status_code in (404, 500) and is_nobodys and _is_json(response):
            return page(request, response.status_code)
        if response.status_code == 400 and _is_json(response):
            # Too many fields, or what is no form at all.
            return page(request, 400, api.BAD_REQUEST.text or "")
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not request.path_info.startswith(PLACE):
            return None
        if isinstance(error, Http404):
            return page(request, 404)
        found = api.find(error)
        if found is api.INTERNAL:
            return None
        if found.status >= 500:
            logger.error("page %s: %r", request.path_info, error, exc_info=error)
        shown = page(request, found.status, found.text or str(error))
        if isinstance(error, RateLimited):
            shown["Retry-After"] = str(error.retry_after)
        return shown


def page(request: HttpRequest, status: int, text: str = "") -> HttpResponse:
    """A plain page; for a part of a page only the text, which is shown as a toast."""
    words = TEXTS.get(status) or said(text)
    if _is_htmx(request):
        parts = {"title": TITLES.get(status, TITLES[400]), "text": words}
        toast = gettext("%(title)s. %(text)s") % parts
        return HttpResponse(toast, status=status, content_type="text/plain; charset=utf-8")
    shown = {
        "status": status,
        "title": TITLES.get(status, TITLES[400]),
        "text": words,
        "request_id": getattr(request, "request_id", ""),
    }
    return render(request, "console/errors/page.html", shown, status=status)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    text = gettext(
        "The form is too old, or cookies are off. Open the page again and try once more."
    )
    return page(request, 403, text)


def _is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _is_json(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith("application/json")
