"""The WSGI application that gunicorn serves."""

import gc
import os
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

from relay.serving import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")

_whole = get_wsgi_application()
# Its routes are known only now.
api_handler = import_module("relay.api.handler")
_api = import_module("relay.api.fetches").Fetches(api_handler.ApiHandler())
# What Django does before and after each request: at its end our connection goes back, so at its
# beginning there is none, nor a log of statements, nor is there a cache that is to be closed.
request_started.disconnect(reset_queries)
request_started.disconnect(close_old_connections)
request_finished.disconnect(close_caches)
# All that is loaded stays, so nobody need look through it for garbage: in the midst of an answer
# that takes 100 ms.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
# What a request leaves behind is gone by itself (relay/api/limited.py), so it looks less often.
gc.set_threshold(5000, 10, 10)
# The worker has set its own handlers by now.
stopping.listen()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, for bodies of unannounced length too: it would take a chunked body for empty."""
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        # It is read when it is asked for; one byte more than allowed is enough for the refusal.
        environ = environ | {"CONTENT_LENGTH": str(settings.BODY_MAX_BYTES + 1)}
    is_api = api_handler.is_for_programs(environ["PATH_INFO"])
    return (_api if is_api else _whole)(environ, start_response)
