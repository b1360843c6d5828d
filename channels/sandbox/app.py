"""The application: the dialects side by side, and the test helpers beside them."""

from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from .controls import ControlDesk
from .help import HelpPage
from .inbox import Inbox
from .lies import Liar
from .midjourney_proxy import MidjourneyProxy
from .newapi import NewApi
from .options import Options
from .parts import Parts
from .trueai import TrueAi

# A new dialect is a class with `base` and `routes()`, and a line here.
DIALECTS = (MidjourneyProxy, TrueAi, NewApi)

# midjourney-proxy 2.6 sets no limit of its own; pictures in base64 may come five at a time.
BODY_BYTES_MAX = 200 * 1024 * 1024


class Routed(Protocol):
    def routes(self) -> list[web.RouteDef]: ...


class Dialect(Routed, Protocol):
    base: str


def create_app(options: Options) -> web.Application:
    parts = Parts(options)
    dialects: list[Dialect] = [dialect(parts) for dialect in DIALECTS]
    routed: list[Routed] = [
        *dialects,
        parts.gallery,
        parts.videos,
        parts.journal,
        Inbox(),
        ControlDesk(parts.switches, forget=parts.forget),
        HelpPage(address=options.address, bases=[dialect.base for dialect in dialects]),
    ]
    app = web.Application(
        client_max_size=BODY_BYTES_MAX,
        middlewares=[
            parts.journal.middleware(),
            _let_callers_go,
            Liar(parts.switches).middleware(),
        ],
    )
    for part in routed:
        app.add_routes(part.routes())
    app.cleanup_ctx.append(parts.hooks.run)
    return app


@web.middleware
async def _let_callers_go(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A caller who gave up while we hung on purpose is no error, and no traceback."""
    try:
        return await handler(request)
    except ConnectionResetError:
        return web.Response()
