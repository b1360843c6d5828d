"""The steering words that break HTTP itself, the same for every dialect."""

import asyncio
from http import HTTPStatus

from aiohttp import web

from .prompts import Word

PAGE = """<html>
<head><title>{status} {reason}</title></head>
<body>
<center><h1>{status} {reason}</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""
PAGES = {
    Word.HTTP429: HTTPStatus.TOO_MANY_REQUESTS,
    Word.HTTP500: HTTPStatus.INTERNAL_SERVER_ERROR,
    Word.HTTP502: HTTPStatus.BAD_GATEWAY,
    Word.HTTP503: HTTPStatus.SERVICE_UNAVAILABLE,
}


def before_accepting(request: web.Request, words: frozenset[Word]) -> web.Response | None:
    """The broken answer to a submit of which nothing is accepted, or None to go on."""
    if Word.DEAD in words:
        return cut(request)
    if Word.EMPTY in words:
        return web.Response()
    for word, status in PAGES.items():
        if word in words:
            return _page(status)
    return None


async def before_answering(
    request: web.Request, words: frozenset[Word], *, hang_seconds: float
) -> web.Response | None:
    """The broken answer to a submit that is already accepted, or None for the honest one."""
    if Word.HANG in words:
        await asyncio.sleep(hang_seconds)
    return cut(request) if Word.CUT in words else None


def cut(request: web.Request) -> web.Response:
    """Drop the connection. The answer is for aiohttp only, which finds nobody to send it to."""
    if request.transport:
        request.transport.abort()
    return web.Response()


def page_500() -> web.Response:
    return _page(HTTPStatus.INTERNAL_SERVER_ERROR)


def _page(status: HTTPStatus) -> web.Response:
    page = PAGE.format(status=status.value, reason=status.phrase)
    return web.Response(status=status, text=page, content_type="text/html")
