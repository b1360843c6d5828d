"""The WSGI application that gunicorn serves."""

import gc
import os
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from relay import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")

_django = get_wsgi_application()
# All that is loaded stays, so nobody need look through it for garbage: in the midst of an answer
# that takes 100 ms.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
# The worker has set its own handlers by now.
stopping.listen()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, for bodies of unannounced length too: it would take a chunked body for empty."""
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        # It is read when it is asked for; one byte more than allowed is enough for the refusal.
        environ = environ | {"CONTENT_LENGTH": str(settings.BODY_MAX_BYTES + 1)}
    return _django(environ, start_response)
