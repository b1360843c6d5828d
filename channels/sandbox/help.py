"""The page a newcomer reads first: `GET /sandbox/`."""

from collections.abc import Iterable

from aiohttp import web

from . import knobs
from .newapi_switches import NewApiSwitches
from .prompts import FOLLOW_UP_MEANING, MEANINGS
from .trueai_switches import TrueAiSwitches

PAGE = """\
Sandbox upstream: speaks like a Midjourney server, draws its own pictures, costs nothing.

Base addresses
{bases}

Words that steer it, anywhere in a prompt (several may be combined)
{words}

For tests
  GET  /sandbox/submits            every submit: path, body, headers, accepted, id, at
       ?contains=text              only those with the text in their prompt
  GET  /sandbox/calls              how often each route was called
  POST /sandbox/inbox/NAME         a callback receiver; it stores what it is sent
       ?status=410 ?fail=2 ?sleep=3 ?retry_after=1
  GET  /sandbox/inbox/NAME         what was stored
  POST /sandbox/control            {{"alive": false}} {{"forget": true}} {{"hang_polls": true}}
                                   {{"drawing_seconds": 0.5}}
                                   {{"html500": true}}  every request: HTTP 500 and a page
                                   {{"lies": 0.3}}      that share of the answers: another task's
                                   id, neither yes nor no, steps backwards, rows nobody asked for,
                                   an error in HTTP 200
  GET  /sandbox/pictures/ID.png    the pictures
  GET  /sandbox/videos/ID-N.mp4    the videos

More for /sandbox/control, which answers where every switch stands
{switches}
"""


class HelpPage:
    def __init__(self, *, address: str, bases: Iterable[str]) -> None:
        self._text = PAGE.format(
            bases="\n".join(f"  {address}{base}" for base in bases),
            words="\n".join(
                f"  {word:<10}{meaning}"
                for word, meaning in [*MEANINGS.items(), ("zznext...", FOLLOW_UP_MEANING)]
            ),
            switches="\n".join(
                f"  {name:<26}{meaning}" for name, meaning in _switch_meanings().items()
            ),
        )

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/sandbox", self._show), web.get("/sandbox/", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        return web.Response(text=self._text)


def _switch_meanings() -> dict[str, str]:
    dialects: dict[str, type[knobs.Knobs]] = {"trueai": TrueAiSwitches, "newapi": NewApiSwitches}
    return {
        f"{dialect}_{name}": meaning
        for dialect, its_knobs in dialects.items()
        for name, meaning in knobs.meanings(its_knobs).items()
    }
