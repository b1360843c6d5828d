"""What may have been done, to choose from: the changes of the API, and what is done besides."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver

from console.audit import names, objects
from relay.api.v1 import urls
from relay.api.v1.operation import View

CHANGES = ("post", "put", "patch", "delete")
# What commands and pages do by themselves: to which kind of thing.
BESIDES = {
    "accept invitation": "member",
    "import from new-api": "import",
    "make first operator": "staff member",
    "make operator": "staff member",
    "sign in as": "member",
    "stop signing in as": "member",
}
Choices = list[tuple[str, Any]]


def choices(*, of_tenant: bool) -> list[tuple[Any, Choices]]:
    """Kind by kind, those of a tenant or all; for a select."""
    kinds = [kind for kind in _by_kind() if not of_tenant or kind in objects.TENANTS]
    ordered = sorted(kinds, key=lambda kind: str(names.thing(kind)).casefold())
    return [
        (names.thing(kind), [(deed, names.deed(deed)) for deed in _by_kind()[kind]])
        for kind in ordered
    ]


def kinds(*, of_tenant: bool) -> Choices:
    known = names.THINGS.items()
    return [(kind, name) for kind, name in known if not of_tenant or kind in objects.TENANTS]


@cache
def _by_kind() -> dict[str, list[str]]:
    found = dict(BESIDES)
    for view in views():
        for method in CHANGES:
            if hasattr(getattr(view, method, None), "operation"):
                found[view.deed or f"{method} {view.thing}"] = view.thing
    kinds: dict[str, list[str]] = {}
    for deed, kind in found.items():
        kinds.setdefault(kind, []).append(deed)
    return kinds


def views() -> list[type[View]]:
    """Those whose changes the audit is told of."""
    return [view for view in _views(urls.urlpatterns) if view.is_recorded]


def _views(patterns: list[URLPattern | URLResolver]) -> Iterator[type[View]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns)
        elif (found := getattr(pattern.callback, "view_class", None)) and issubclass(found, View):
            yield found
