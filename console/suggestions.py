"""What fits while somebody types a name (console/by_name.py)."""

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join

from console import by_name
from console.by_name import Source
from console.who import staff_page, tenant_page
from relay.errors import InvalidRequest


@staff_page
def tenants(request: HttpRequest) -> HttpResponse:
    return _offered(request, by_name.tenants_of(request))


@staff_page
def channels(request: HttpRequest) -> HttpResponse:
    return _offered(request, by_name.channels_of(request))


@tenant_page
def keys(request: HttpRequest, tenant_id: int) -> HttpResponse:
    return _offered(request, by_name.keys_of(request, tenant_id))


def _offered(request: HttpRequest, source: Source) -> HttpResponse:
    """The options of a datalist."""
    text = request.GET.get(request.GET.get("field", ""), "").strip()
    try:
        offers = source.offers(text)
    except InvalidRequest:
        # No name has such a text in it.
        offers = []
    return HttpResponse(format_html_join("", '<option value="{}">', ((row,) for row in offers)))
