"""Switches that tests and operators turn while the sandbox runs: `POST /sandbox/control`."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from . import knobs
from .newapi_switches import NewApiSwitches
from .options import Options
from .trueai_switches import TrueAiSwitches


class Switches:
    """`drawing_seconds` counts for drawings that begin from now on, not for those under way."""

    def __init__(self, options: Options) -> None:
        self.alive = True
        self.drawing_seconds = options.drawing_seconds
        self.polls_open = asyncio.Event()
        self.polls_open.set()
        self.html500 = False
        # Which share of the answers is a lie, 0 to 1.
        self.lies = 0.0
        self.trueai = TrueAiSwitches(version=options.trueai_version)
        self.newapi = NewApiSwitches(hooks=options.newapi_hooks)

    @property
    def dialects(self) -> dict[str, knobs.Knobs]:
        """Knobs by the beginning of their names: `version` of the first is `trueai_version`."""
        return {"trueai": self.trueai, "newapi": self.newapi}


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
        return web.json_response(self._positions())

    def _turn(self, wishes: dict[str, object]) -> None:
        turners = self._turners()
        if unknown := set(wishes) - set(turners):
            raise ValueError(f"unknown: {sorted(unknown)}; known: {sorted(turners)}")
        for name, value in wishes.items():
            turners[name](value)

    def _turners(self) -> dict[str, Callable[[object], None]]:
        turners: dict[str, Callable[[object], None]] = {
            "alive": self._turn_alive,
            "drawing_seconds": self._turn_drawing_seconds,
            "forget": self._turn_forget,
            "hang_polls": self._turn_hang_polls,
            "html500": self._turn_html500,
            "lies": self._turn_lies,
        }
        for dialect, its_knobs in self._switches.dialects.items():
            for name in knobs.names(its_knobs):
                turners[f"{dialect}_{name}"] = _turner(its_knobs, name)
        return turners

    def _turn_alive(self, value: object) -> None:
        self._switches.alive = bool(value)

    def _turn_drawing_seconds(self, value: object) -> None:
        self._switches.drawing_seconds = knobs.number(value)

    def _turn_forget(self, value: object) -> None:
        if value:
            self._forget()

    def _turn_hang_polls(self, value: object) -> None:
        if value:
            self._switches.polls_open.clear()
        else:
            self._switches.polls_open.set()

    def _turn_html500(self, value: object) -> None:
        self._switches.html500 = knobs.on_off(value)

    def _turn_lies(self, value: object) -> None:
        share = knobs.number(value)
        if not 0 <= share <= 1:
            raise ValueError(f"lies: {share} is no share from 0 to 1")
        self._switches.lies = share

    def _positions(self) -> dict[str, object]:
        found: dict[str, object] = {
            "alive": self._switches.alive,
            "hang_polls": not self._switches.polls_open.is_set(),
            "drawing_seconds": self._switches.drawing_seconds,
            "html500": self._switches.html500,
            "lies": self._switches.lies,
        }
        for dialect, its_knobs in self._switches.dialects.items():
            for name, value in knobs.positions(its_knobs).items():
                found[f"{dialect}_{name}"] = value
        return found


def _turner(its_knobs: knobs.Knobs, name: str) -> Callable[[object], None]:
    return lambda value: knobs.turn(its_knobs, name, value)
