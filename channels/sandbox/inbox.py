"""A receiver for callbacks: it keeps what it is sent and answers as the address tells it to.

`POST /sandbox/inbox/{name}` with any of
  status=410       answer with this status
  fail=2           answer 500 to the first two posts to this name
  sleep=3          wait so many seconds before the answer
  retry_after=1    send this Retry-After header
`GET /sandbox/inbox/{name}` lists what came, the oldest first.
"""

import asyncio
from collections import Counter, defaultdict, deque

from aiohttp import web
from multidict import MultiMapping

from .clock import now_ms

LETTERS_KEPT = 1_000
LETTER_BYTES = 1024 * 1024


class Inbox:
    def __init__(self) -> None:
        self._letters: defaultdict[str, deque[dict[str, object]]] = defaultdict(
            lambda: deque(maxlen=LETTERS_KEPT)
        )
        self._posts: Counter[str] = Counter()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/sandbox/inbox/{name}", self._receive),
            web.get("/sandbox/inbox/{name}", self._list),
        ]

    async def _receive(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await request.read()
        if len(body) > LETTER_BYTES:
            raise web.HTTPRequestEntityTooLarge(max_size=LETTER_BYTES, actual_size=len(body))
        self._posts[name] += 1
        self._letters[name].append(
            {
                "headers": {key.lower(): value for key, value in request.headers.items()},
                "body": body.decode(errors="replace"),
                "at": now_ms(),
            }
        )
        return await _answer(request.query, posts=self._posts[name])

    async def _list(self, request: web.Request) -> web.Response:
        letters = self._letters.get(request.match_info["name"], ())
        return web.json_response(list(letters))


async def _answer(wishes: MultiMapping[str], *, posts: int) -> web.Response:
    try:
        seconds = float(wishes.get("sleep", 0))
        failures = int(wishes.get("fail", 0))
        status = int(wishes.get("status", 200))
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error
    await asyncio.sleep(seconds)
    headers = {"Retry-After": wishes["retry_after"]} if "retry_after" in wishes else {}
    return web.Response(status=500 if posts <= failures else status, headers=headers)
