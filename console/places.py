"""Pages that are there twice: for a tenant, and without one for the site itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from console.pages import show
from console.who import staff_page, tenant_page

Page = Callable[..., HttpResponse]


def either_page(page: Page) -> Page:
    """For a tenant's people or the site's, as the address says: `tenant_id` is None for the
    site."""
    of_tenant, of_site = tenant_page(page), staff_page(page)

    @wraps(page)
    def shown(request: HttpRequest, **ids: Any) -> HttpResponse:
        if "tenant_id" in ids:
            return of_tenant(request, **ids)
        return of_site(request, tenant_id=None, **ids)

    return shown


def url(name: str, tenant_id: int | None = None, **ids: Any) -> str:
    """The site's own page of a name is called "site-" and that name."""
    if tenant_id is None:
        return reverse(f"console:site-{name}", kwargs=ids)
    return reverse(f"console:{name}", kwargs={"tenant_id": tenant_id} | ids)


@dataclass(frozen=True)
class Tab:
    """One of the pages that belong together; shown by console/parts/tabs.html."""

    label: Any
    url: str
    is_here: bool


def tabs(request: HttpRequest, pages: Sequence[tuple[Any, str]]) -> list[Tab]:
    """`pages`: (label, address) of each."""
    return [Tab(label, address, request.path == address) for label, address in pages]


def ask(
    request: HttpRequest,
    form: Any,
    *,
    title: Any,
    button: Any,
    back: str,
    text: Any = "",
) -> HttpResponse:
    """A page, or a dialog, with a form."""
    told = {"form": form, "title": title, "button": button, "back": back, "text": text}
    return show(request, "console/parts/ask.html", told)


def show_once(
    request: HttpRequest, *, title: Any, label: Any, secret: str, back: str, text: Any = ""
) -> HttpResponse:
    """The only answer that ever has the secret. `text`: what else is to be known of it."""
    told = {"title": title, "label": label, "secret": secret, "next": back, "text": text}
    response = show(request, "console/parts/once.html", told)
    response["Cache-Control"] = "no-store"
    return response
