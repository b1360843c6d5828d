"""What trueai tells everybody, without a token: that it lives, and how much it has drawn."""

from collections import Counter, defaultdict
from datetime import UTC, datetime

from aiohttp import web

from . import aspnet
from .lives import Status
from .trueai_pool import Pool


class TrueAiHome:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def health(self, request: web.Request) -> web.Response:
        return aspnet.json_answer(
            {
                "status": "Healthy",
                "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "machineName": "sandbox",
                "processId": 1,
            }
        )

    async def home(self, request: web.Request) -> web.Response:
        """trueai 11.10: no fast and no relax drawings left means that the credit is used up.

        The counts are cached for ten minutes there; here they are fresh.
        """
        data = {
            "version": self._pool.switches.rules.shown_as,
            "isGuest": not self._pool.parts.options.secret,
            "isDemoMode": False,
            "isRegister": False,
            **self._counts(),
            **self._credit(),
            "nodes": [],
            "systemInfo": {},
            "tops": {"127.0.x.x": len(self._pool.engine.tasks())},
        }
        return aspnet.json_answer({"data": data, "success": True, "code": 0, "message": None})

    def _counts(self) -> dict[str, object]:
        drawn, failed = self._ended(Status.SUCCESS), self._ended(Status.FAILURE)
        return {
            "todayDraw": len(self._pool.engine.tasks()),
            "yesterdayDraw": 0,
            "totalDraw": len(self._pool.engine.tasks()),
            "todayCounter": drawn,
            "todayCount": sum(sum(actions.values()) for actions in drawn.values()),
            "todayFailCounter": failed,
            "todayFailCount": sum(sum(actions.values()) for actions in failed.values()),
            "todayCancelCounter": {},
            "todayErrorCount": 0,
            "todayWarningCount": 0,
        }

    def _ended(self, wanted: Status) -> dict[str, Counter[str]]:
        """Numbers by mode and action."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (mode, action, status), number in self._pool.ended.items():
            if status is wanted:
                found[mode][action] += number
        return dict(found)

    def _credit(self) -> dict[str, object]:
        """-1: as many as one likes."""
        switches, alive = self._pool.switches, self._pool.parts.switches.alive
        relaxed = -1 if "RELAX" in switches.modes and alive else 0
        return {
            "fastAvailableCount": max(0, switches.fast_left) if alive else 0,
            "relaxAvailableCount": relaxed,
            "youChuanRelaxAvailableCount": relaxed,
        }
