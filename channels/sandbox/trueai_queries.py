"""Looking tasks up at trueai, and what else can be asked of one."""

import asyncio
import zlib
from collections.abc import Iterable

from aiohttp import web

from . import aspnet
from .prompts import Word, follow_up_words_in
from .refused import Refused
from .trueai_answers import (
    DONE,
    FAILURE,
    NO_PARENT,
    NOT_FOUND,
    SUBMITTED,
    VALIDATION_ERROR,
    WRONG_STATUS,
    Answer,
)
from .trueai_pool import Pool
from .trueai_tasks import TrueAiTask, task_json

LISTED_MAX = 100
CANCELLED = "取消任务"


class TrueAiQueries:
    """trueai 11.10: nobody asks whose task it is; any valid token reads and lists them all."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._engine = pool.engine

    async def fetch(self, request: web.Request) -> web.Response:
        task = self._engine.find(request.match_info["id"])
        if task is None or Word.NULL204 in task.words:
            return web.Response(status=204)
        return aspnet.json_answer(task_json(task))

    async def list(self, request: web.Request) -> web.Response:
        """The latest hundred, the newest first."""
        return _tasks_answer(reversed(self._engine.tasks()[-LISTED_MAX:]))

    async def list_by_condition(self, request: web.Request) -> web.Response:
        """In the order of the database, unknown ids dropped, no ids no tasks."""
        form = aspnet.Form(await aspnet.read_object(request))
        ids = sorted({(task_id or "").strip() for task_id in form.texts("ids")})
        return _tasks_answer(task for id in ids if (task := self._engine.find(id)))

    async def queue(self, request: web.Request) -> web.Response:
        """Until v9.5.0."""
        return _tasks_answer(self._engine.live_tasks())

    async def cancel(self, request: web.Request) -> web.Response:
        """Empty and 200, whether there was something to cancel or not."""
        if task := self._engine.find(request.match_info["id"]):
            self._engine.cancel(task, reason=CANCELLED)
        return web.Response()

    async def image_seed(self, request: web.Request) -> web.Response:
        return aspnet.json_answer((await self.seed_of(request.match_info["id"])).as_json())

    async def seed_of(self, task_id: str) -> Answer:
        """trueai 11.10: the first time may take a minute. Raises Refused, HTTP 404 and 400."""
        task = self._engine.find(task_id)
        if task is None:
            raise Refused(NOT_FOUND, NO_PARENT, status=404)
        if task.seed is None:
            if task.job is None:
                raise Refused(VALIDATION_ERROR, WRONG_STATUS, status=400)
            await asyncio.sleep(self._pool.switches.seed_seconds)
            if Word.FAIL in follow_up_words_in(task.steering):
                raise Refused(FAILURE, "请配置私聊频道")
            task.seed = str(zlib.crc32(task.id.encode()))
        return Answer(SUBMITTED, DONE, task.seed)


def _tasks_answer(tasks: Iterable[TrueAiTask]) -> web.Response:
    return aspnet.json_answer([task_json(task) for task in tasks])
