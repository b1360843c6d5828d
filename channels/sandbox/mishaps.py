"""The steering words that break HTTP itself, the same for every dialect."""

import asyncio

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


def before_accepting(request: web.Request, words: frozenset[Word]) -> web.Response | None:
    """The broken answer to a submit of which nothing is accepted, or None to go on."""
    if Word.DEAD in words:
        return cut(request)
    if Word.HTTP500 in words:
        return _page(500, "Internal Server Error")
    if Word.HTTP502 in words:
        return _page(502, "Bad Gateway")
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


def _page(status: int, reason: str) -> web.Response:
    page = PAGE.format(status=status, reason=reason)
    return web.Response(status=status, text=page, content_type="text/html")
