"""An upstream out of order as a whole: a gateway's error page for everything, or answers that lie.

What a prompt's steering words cannot say: these are turned by switches and concern every request to
every dialect, the lists too.
"""

import json
import random
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .controls import Switches
from .mishaps import page_500

OWN_ROUTES = "/sandbox"
LISTS = ("task/list", "task/queue", "task/list-by-condition", "task/list-by-ids")
# Their answers say no task's id, or only one that was asked about.
PLAIN_SUBMITS = ("submit/modal", "submit/upload-discord-images")
ERROR = {"code": -1, "description": "系统异常", "message": "系统异常", "result": None}
# What was shown further, as it is shown when the list looks backwards.
BACKWARDS: dict[str, dict[str, object]] = {
    "SUCCESS": {"status": "IN_PROGRESS", "progress": "15%", "imageUrl": None, "finishTime": None},
    "FAILURE": {"status": "IN_PROGRESS", "progress": "15%", "finishTime": None},
    "IN_PROGRESS": {"status": "NOT_START", "progress": "0%"},
}


class Liar:
    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._last_ids: dict[str, str] = {}

    def middleware(self) -> Middleware:
        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(OWN_ROUTES):
                return await handler(request)
            if self._switches.html500:
                return page_500()
            told = await handler(request)
            lie = self._lie_about(request.path) if self._switches.lies else None
            if lie is None or not isinstance(told, web.Response):
                return told
            truth = _parsed(told)
            said = lie(truth)
            return told if said is truth else _json_answer(said)

        return answer

    def _lie_about(self, path: str) -> Callable[[Any], Any] | None:
        if path.endswith(LISTS):
            return self._list if self._lies_now() else None
        if "/submit/" in path and not path.endswith(PLAIN_SUBMITS):
            # The first part of a path is its dialect.
            dialect = path.split("/")[1]
            return lambda answer: self._submit(dialect, answer)
        return None

    def _lies_now(self) -> bool:
        return random.random() < self._switches.lies

    def _submit(self, dialect: str, answer: Any) -> Any:
        """The id of another task; or, of what was taken, neither yes nor no."""
        if not isinstance(answer, dict) or not isinstance(answer.get("result"), str):
            return answer
        before = self._last_ids.get(dialect)
        self._last_ids[dialect] = answer["result"]
        if not self._lies_now():
            return answer
        return {**answer, "result": before} if before and random.random() < 0.5 else {}

    def _list(self, rows: Any) -> Any:
        """An error in HTTP 200, or rows of which some look backwards and some nobody asked for."""
        if not isinstance(rows, list) or random.random() < 0.3:
            return ERROR
        told = [_backwards(row) if random.random() < 0.5 else row for row in rows]
        strangers = [{**row, "id": f"9{random.randrange(10**14)}"} for row in rows[:2]]
        return [*strangers, *told]


def _backwards(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **BACKWARDS.get(str(row.get("status")), {})}


def _parsed(told: web.Response) -> Any:
    try:
        return json.loads(told.body or b"")  # type: ignore[arg-type]
    except ValueError:
        return None


def _json_answer(said: Any) -> web.Response:
    return web.Response(body=json.dumps(said).encode(), content_type="application/json")
