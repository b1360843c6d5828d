"""The dialect of midjourney-proxy 2.6.3 (novicezk, Java), under /midjourney-proxy.

Routes, task objects and hook posts. Accepted or refused, a submit is answered with HTTP 200 and a
code; the Chinese texts are exact, because clients compare them.
"""

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from . import mishaps, spring
from .clock import snowflake
from .engine import Engine, QueueFull
from .journal import Submit, shortened
from .midjourney_proxy_forms import (
    ACCOUNT_ID,
    CHANGES,
    NOT_FOUND,
    QUEUE_REJECTED,
    Forms,
)
from .midjourney_proxy_tasks import complete, rank, task_json
from .parts import Parts
from .prompts import Word
from .refused import Refused
from .tasks import Task

SUBMITTED = 1
# Until 2.6.0, for the same U of the same grid.
EXISTED = 21
WAITING = 22

HOOK_HEADERS = {"User-Agent": "Java/17", "Content-Type": "application/json"}


class MidjourneyProxy:
    base = "/midjourney-proxy"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._engine: Engine[Task] = parts.new_engine(on_change=self._changed)

    def routes(self) -> list[web.RouteDef]:
        forms = Forms(self._parts, self._engine)
        mj = f"{self.base}/mj"
        return [
            web.post(f"{mj}/submit/imagine", self._submit(forms.imagine)),
            web.post(f"{mj}/submit/simple-change", self._submit(forms.simple_change)),
            web.post(f"{mj}/submit/change", self._submit(forms.change)),
            web.post(f"{mj}/submit/describe", self._submit(forms.describe)),
            web.post(f"{mj}/submit/blend", self._submit(forms.blend)),
            web.post(f"{mj}/submit/{{other}}", self._submit(forms.unknown)),
            web.post(f"{mj}/task/list-by-condition", self._poll(self._list_by_condition)),
            web.get(f"{mj}/task/list", self._poll(self._list)),
            web.get(f"{mj}/task/queue", self._poll(self._queue)),
            web.get(f"{mj}/task/{{id}}/fetch", self._poll(self._fetch)),
            web.get(f"{mj}/account/list", self._guarded(self._accounts)),
            web.get(f"{mj}/account/{{id}}/fetch", self._guarded(self._account)),
            web.route("*", self.base + "/{rest:.*}", _no_such_route),
        ]

    def _guarded(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
        """Check the secret, and turn what the handler raises into answers."""
        secret = self._parts.options.secret

        async def handle(request: web.Request) -> web.Response:
            if secret and request.headers.get("mj-api-secret") != secret:
                return web.Response(status=401)
            try:
                return await handler(request)
            except Refused as no:
                return _submit_result(no.code, no.description, None, no.properties)
            except spring.Problem as problem:
                return spring.problem_answer(problem.status, request.path)

        return handle

    def _submit(self, make_task: Callable[[spring.Form], Task]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            submit = self._parts.journal.open_submit(request)
            body = await spring.read_object(request)
            submit.body = shortened(body)
            task = _addressed(make_task, spring.Form(body))
            return await self._answer_submit(request, submit, task)

        return self._guarded(handle)

    async def _answer_submit(
        self, request: web.Request, submit: Submit, task: Task
    ) -> web.Response:
        if Word.HTTP401 in task.words:
            return web.Response(status=401)
        if broken := mishaps.before_accepting(request, task.words):
            return broken
        if twin := self._engine.twin_of(task):
            found: dict[str, object] = {"status": twin.status, "imageUrl": twin.image_url}
            return _submit_result(EXISTED, "任务已存在", twin.id, found)
        waiting = self._accept(task)
        submit.accepted, submit.id = True, task.id
        seconds = self._parts.options.hang_seconds
        if broken := await mishaps.before_answering(request, task.words, hang_seconds=seconds):
            return broken
        if not waiting:
            return _submit_result(SUBMITTED, "提交成功", task.id, _instance())
        properties = {"numberOfQueues": waiting, **_instance()}
        return _submit_result(WAITING, f"排队中，前面还有{waiting}个任务", task.id, properties)

    def _accept(self, task: Task) -> int:
        """How many wait before the task, now that it is taken in. Raises Refused."""
        if not self._parts.switches.alive or Word.CODE3 in task.words:
            follow_up = task.action in CHANGES
            text = f"账号不可用: {ACCOUNT_ID}" if follow_up else "无可用的账号实例"
            raise Refused(NOT_FOUND, text)
        if Word.LOST in task.words:
            return 0
        try:
            if Word.FULL in task.words:
                raise QueueFull
            waiting = self._engine.accept(task)
        except QueueFull:
            raise Refused(QUEUE_REJECTED, "队列已满，请稍后尝试", _instance()) from None
        return max(waiting, 1) if Word.QUEUE in task.words else waiting

    def _poll(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            await self._parts.switches.polls_open.wait()
            return await handler(request)

        return self._guarded(handle)

    async def _list_by_condition(self, request: web.Request) -> web.Response:
        """Tasks by id: the live ones first, unknown ids dropped, no ids no tasks."""
        form = spring.Form(await spring.read_object(request))
        ids = dict.fromkeys(form.texts("ids") or [])
        found = [task for id in ids if (task := self._engine.find(id or ""))]
        return _tasks_answer(sorted(found, key=lambda task: task.ended))

    async def _list(self, request: web.Request) -> web.Response:
        return _tasks_answer(reversed(self._engine.tasks()))

    async def _queue(self, request: web.Request) -> web.Response:
        """Waiting and running tasks of accounts that are alive."""
        return _tasks_answer(self._engine.live_tasks() if self._parts.switches.alive else [])

    async def _fetch(self, request: web.Request) -> web.Response:
        task = self._engine.find(request.match_info["id"])
        if task is None or Word.NULL204 in task.words:
            return web.Response()
        return spring.json_answer(task_json(task))

    async def _accounts(self, request: web.Request) -> web.Response:
        return spring.json_answer([self._account_json()])

    async def _account(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != ACCOUNT_ID:
            return web.Response()
        return spring.json_answer(self._account_json())

    def _account_json(self) -> dict[str, object]:
        """midjourney-proxy 2.6: the token of the Discord user is shown in clear text."""
        options = self._parts.options
        return {
            "id": ACCOUNT_ID,
            "properties": {},
            "guildId": "1077900000000000000",
            "channelId": ACCOUNT_ID,
            "userToken": "sandbox-user-token",
            "userAgent": "Mozilla/5.0",
            "enable": self._parts.switches.alive,
            "coreSize": options.workers,
            "queueSize": options.queue_size,
            "timeoutMinutes": 5,
        }

    def _changed(self, task: Task) -> None:
        """After every step: complete the task as this dialect does, then tell the hook."""
        complete(task)
        self._parts.hooks.tell(
            task,
            rank=rank(task),
            headers=HOOK_HEADERS,
            body=lambda: spring.json_bytes(task_json(task)),
        )


def _addressed(make_task: Callable[[spring.Form], Task], form: spring.Form) -> Task:
    """The task with what every submit carries. These are bound first: a wrong type is malformed."""
    state, hook = form.text("state"), form.text("notifyHook")
    task = make_task(form)
    task.state = state
    task.notify_hook = hook if hook and hook.strip() else None
    task.properties = {
        "notifyHook": task.notify_hook,
        "nonce": snowflake(),
        **_instance(),
        **task.properties,
    }
    return task


def _submit_result(
    code: int, description: str, result: str | None, properties: dict[str, object]
) -> web.Response:
    return spring.json_answer(
        {"code": code, "description": description, "result": result, "properties": properties}
    )


def _instance() -> dict[str, object]:
    return {"discordInstanceId": ACCOUNT_ID}


def _tasks_answer(tasks: Iterable[Task]) -> web.Response:
    return spring.json_answer([task_json(task) for task in tasks])


async def _no_such_route(request: web.Request) -> web.Response:
    return spring.problem_answer(spring.MISSING, request.path)
