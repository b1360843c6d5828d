"""The tenant API without what only the console needs: each layer costs every request something."""

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from relay.api.urls import MJ_PREFIXES

# What the paths begin with that are the tenants' programs'.
_FIRST = frozenset(prefix.partition("/")[0] for prefix in MJ_PREFIXES)


class ApiHandler(WSGIHandler):
    """Django's own, with settings.API_MIDDLEWARE."""

    def __init__(self) -> None:
        whole = settings.MIDDLEWARE
        settings.MIDDLEWARE = settings.API_MIDDLEWARE
        try:
            super().__init__()
        finally:
            settings.MIDDLEWARE = whole


def is_for_programs(path: str) -> bool:
    return path[1:].partition("/")[0] in _FIRST
