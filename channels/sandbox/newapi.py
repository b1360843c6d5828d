"""The dialect of the new-api family, under /newapi: a relay with an upstream of its own behind it.

Behind it stands what is a trueai 9.5 to its callers: the answers to submits are that upstream's, as
new-api hands them on. Its task objects, its errors and its pictures' addresses are its own.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from .aspnet import Failure, Form
from .lives import Status
from .newapi_account import billing
from .newapi_actions import BY_BODY, BY_PATH
from .newapi_door import check_key, open_to_all, web_page
from .newapi_errors import DrawingProblem, json_answer
from .newapi_submits import NewApiSubmits, four_keys
from .newapi_tasks import Row, task_json
from .parts import Parts
from .prompts import Word
from .refused import Refused
from .trueai import refusal_json
from .trueai_answers import QUEUE_REJECTED
from .trueai_pool import Manner, Pool
from .trueai_queries import TrueAiQueries
from .trueai_switches import TrueAiSwitches
from .trueai_tasks import TrueAiTask

FULL = (QUEUE_REJECTED, "队列已满，请稍后尝试")
MANNER = Manner(queue_full=FULL, all_busy=FULL)
UPSTREAM_VERSION = "9.5"

AsyncHandler = Callable[[web.Request], Awaitable[web.Response]]


class NewApi:
    base = "/newapi"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pool = Pool(parts, TrueAiSwitches(version=UPSTREAM_VERSION), MANNER)
        self._queries = TrueAiQueries(self._pool)
        self._rows: dict[str, Row] = {}
        self._submits = NewApiSubmits(self._pool, self._rows)

    def routes(self) -> list[web.RouteDef]:
        """new-api: any word may stand for the mode. It is neither checked nor passed on."""
        starts = (f"{self.base}/mj", self.base + "/{mode}/mj")
        return [
            *(route for start in starts for route in self._routes(start)),
            *(
                web.get(f"{self.base}{start}/dashboard/billing/{path}", self._keyed(handler))
                for start in ("", "/v1")
                for path, handler in billing(self._parts.switches.newapi).items()
            ),
            web.route("*", self.base + "{rest:(/.*)?}", open_to_all(web_page)),
        ]

    def _routes(self, start: str) -> list[web.RouteDef]:
        return [
            *(
                web.post(f"{start}/{path}", self._keyed(self._submits.handler(path)))
                for path in (*BY_PATH, *BY_BODY)
            ),
            web.post(f"{start}/task/list-by-condition", self._poll(self._list_by_condition)),
            web.get(f"{start}/task/{{id}}/fetch", self._poll(self._fetch)),
            web.get(f"{start}/task/{{id}}/image-seed", self._keyed(self._image_seed)),
            web.get(f"{start}/image/{{id}}", open_to_all(self._image)),
        ]

    def _keyed(self, handler: AsyncHandler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            check_key(request, self._parts.options.secret)
            return await handler(request)

        return open_to_all(handle)

    def _poll(self, handler: AsyncHandler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            await self._parts.switches.polls_open.wait()
            return await handler(request)

        return self._keyed(handle)

    async def _fetch(self, request: web.Request) -> web.Response:
        task = self._find(request.match_info["id"])
        if task is None or Word.NULL204 in task.words:
            raise DrawingProblem(4, "task_no_found")
        return json_answer(self._json(task))

    async def _list_by_condition(self, request: web.Request) -> web.Response:
        """In the order of the database, whatever was asked first; unknown ids dropped."""
        try:
            body = await request.json()
            ids = Form(body).texts("ids") if isinstance(body, dict) else None
        except (ValueError, RecursionError, Failure):
            ids = None
        if ids is None:
            raise DrawingProblem(4, "do_request_failed")
        found = [self._find(task_id) for task_id in sorted({task_id or "" for task_id in ids})]
        return json_answer([self._json(task) for task in found if task])

    async def _image_seed(self, request: web.Request) -> web.Response:
        """new-api: HTTP 200 whatever upstream says, and always four keys."""
        task = self._find(request.match_info["id"])
        if task is None:
            raise DrawingProblem(4, "task_no_found")
        try:
            answer = (await self._queries.seed_of(task.id)).as_json()
        except Refused as no:
            answer = refusal_json(no)
        return json_answer(four_keys(answer))

    async def _image(self, request: web.Request) -> web.Response:
        """No key is asked for."""
        task = self._find(request.match_info["id"])
        if task is None:
            return json_answer({"error": "midjourney_task_not_found"}, status=400)
        interim = task.status is not Status.SUCCESS
        png = await self._parts.gallery.draw(task.id, interim=interim) if task.image_url else None
        if png is None:
            return json_answer({"error": "http_get_image_failed"}, status=500)
        return web.Response(body=png, content_type="image/png")

    def _find(self, task_id: str) -> TrueAiTask | None:
        return self._pool.engine.find(task_id) if task_id in self._rows else None

    def _json(self, task: TrueAiTask) -> dict[str, object]:
        return task_json(
            self._rows[task.id],
            task,
            address=self._parts.options.picture_address + self.base,
            forward_urls=self._parts.switches.newapi.forward_urls,
        )
