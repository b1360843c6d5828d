"""Switches that tests and operators turn while the sandbox runs: `POST /sandbox/control`."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from .options import Options

NAMES = frozenset({"alive", "drawing_seconds", "forget", "hang_polls"})


class Switches:
    """`drawing_seconds` counts for drawings that begin from now on, not for those under way."""

    def __init__(self, options: Options) -> None:
        self.alive = True
        self.drawing_seconds = options.drawing_seconds
        self.polls_open = asyncio.Event()
        self.polls_open.set()


class ControlDesk:
    def __init__(self, switches: Switches, *, forget: Callable[[], None]) -> None:
        self._switches = switches
        self._forget = forget

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/sandbox/control", self._control)]

    async def _control(self, request: web.Request) -> web.Response:
        """Turn the switches named in a JSON object and answer where they all stand now."""
        try:
            self._turn(await request.json())
        except (TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        return web.json_response(
            {
                "alive": self._switches.alive,
                "hang_polls": not self._switches.polls_open.is_set(),
                "drawing_seconds": self._switches.drawing_seconds,
            }
        )

    def _turn(self, wishes: dict[str, object]) -> None:
        if unknown := set(wishes) - NAMES:
            raise ValueError(f"unknown: {sorted(unknown)}; known: {sorted(NAMES)}")
        if "alive" in wishes:
            self._switches.alive = bool(wishes["alive"])
        if "drawing_seconds" in wishes:
            self._switches.drawing_seconds = float(str(wishes["drawing_seconds"]))
        if wishes.get("forget"):
            self._forget()
        if wishes.get("hang_polls"):
            self._switches.polls_open.clear()
        elif "hang_polls" in wishes:
            self._switches.polls_open.set()
