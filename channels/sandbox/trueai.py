"""The dialect of trueai-org/midjourney-proxy (C#), 9.5 to 11.10, under /trueai.

Who may call, under which prefixes, and how a submit goes from its body to its answer.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from . import aspnet, mishaps
from .journal import Submit, shortened
from .parts import Parts
from .prompts import Word
from .refused import BareRefusal, Refused
from .trueai_actions import TrueAiActions
from .trueai_admission import Admission, Envelope, read_envelope
from .trueai_answers import FAILURE, NO_ACCOUNT, NOT_FOUND, Plan
from .trueai_changes import TrueAiChanges
from .trueai_faces import TrueAiFaces
from .trueai_forms import TrueAiForms
from .trueai_home import TrueAiHome
from .trueai_modals import TrueAiModals
from .trueai_pool import Manner, Pool
from .trueai_queries import TrueAiQueries
from .trueai_videos import TrueAiVideos

PREFIXES: dict[str, str | None] = {
    "/mj": None,
    "/mj-fast/mj": "FAST",
    "/mj-relax/mj": "RELAX",
    "/mj-turbo/mj": "TURBO",
}
MANNER = Manner(
    queue_full=(FAILURE, "提交失败，队列已满，请稍后重试"),
    # trueai 11.10: full accounts are not even looked at, so nobody is left.
    all_busy=(NOT_FOUND, NO_ACCOUNT),
    unknown_words=frozenset({Word.WORDS, Word.EXISTS}),
)
NO_HEADER = "Authorization header missing."
FORBIDDEN_TO_USERS = "演示模式，禁止操作"
# What becomes of a caller whose token is known, by the knob `user`.
TURNED_AWAY = {
    "disabled": (401, "账号已禁用"),
    "expired": (403, "账号不可用"),
    "limited": (429, ""),
    "blocked": (403, ""),
}

PlanMaker = Callable[[aspnet.Form, Envelope], Plan]
AsyncHandler = Callable[[web.Request], Awaitable[web.Response]]


def plan_makers(pool: Pool) -> dict[str, PlanMaker]:
    """Every submit by the end of its path."""
    admission = Admission(pool)
    videos, faces = TrueAiVideos(pool, admission), TrueAiFaces(pool, admission)
    forms = TrueAiForms(pool, admission, videos)
    actions = TrueAiActions(pool, admission)
    changes = TrueAiChanges(actions)
    return {
        "submit/imagine": forms.imagine,
        "submit/blend": forms.blend,
        "submit/describe": forms.describe,
        "submit/shorten": forms.shorten,
        "submit/edit": forms.edit,
        "submit/edits": forms.edit,
        "submit/retexture": forms.retexture,
        "submit/video": videos.video,
        "submit/action": actions.action,
        "submit/modal": TrueAiModals(pool, admission).modal,
        "submit/upload-discord-images": faces.upload,
        "insight-face/swap": faces.swap,
        "submit/change": changes.change,
        "submit/simple-change": changes.simple_change,
    }


OLD_ROUTES = frozenset({"submit/change", "submit/simple-change"})


class TrueAi:
    base = "/trueai"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pool = Pool(parts, parts.switches.trueai, MANNER)

    def routes(self) -> list[web.RouteDef]:
        home, makers = TrueAiHome(self._pool), plan_makers(self._pool)
        return [
            web.get(f"{self.base}/health", home.health),
            web.get(f"{self.base}/mj/home", home.home),
            *(
                web.post(f"{self.base}{prefix}/{path}", self._submit(path, make_plan, mode))
                for prefix, mode in PREFIXES.items()
                for path, make_plan in makers.items()
            ),
            *(route for prefix in PREFIXES for route in self._task_routes(self.base + prefix)),
            web.route("*", self.base + "/{rest:.*}", _no_such_route),
        ]

    def _task_routes(self, start: str) -> list[web.RouteDef]:
        queries = TrueAiQueries(self._pool)
        return [
            web.get(f"{start}/task/list", self._poll(queries.list)),
            web.get(f"{start}/task/queue", self._until_9_5(self._poll(queries.queue))),
            web.post(f"{start}/task/list-by-condition", self._poll(queries.list_by_condition)),
            web.post(f"{start}/task/list-by-ids", self._poll(queries.list_by_condition)),
            web.get(f"{start}/task/{{id}}/fetch", self._poll(queries.fetch)),
            web.get(f"{start}/task/{{id}}/image-seed", self._guarded(queries.image_seed)),
            web.post(
                f"{start}/task/{{id}}/cancel", self._guarded(self._for_admins(queries.cancel))
            ),
        ]

    def _guarded(self, handler: AsyncHandler) -> Handler:
        """Look at the token, and turn what the handler raises into answers."""

        async def handle(request: web.Request) -> web.Response:
            if turned_away := self._door(request):
                return turned_away
            try:
                return await handler(request)
            except BareRefusal as no:
                return aspnet.json_answer({"code": no.code, "description": no.description})
            except Refused as no:
                return aspnet.json_answer(refusal_json(no), status=no.status)
            except aspnet.Failure as failure:
                return aspnet.failure_answer(str(failure))
            except aspnet.BadMediaType:
                return aspnet.bad_media_type_answer()
            except aspnet.TooLarge:
                return web.Response(status=413)

        return handle

    def _door(self, request: web.Request) -> web.Response | None:
        """trueai 11.10: a token is compared whole, without taking "Bearer " off it."""
        secrets = (self._parts.options.secret, self._parts.options.trueai_admin_secret)
        if self._parts.options.secret and _token(request) not in secrets:
            return aspnet.text_answer(NO_HEADER, status=401)
        if turned_away := TURNED_AWAY.get(self._pool.switches.user):
            status, text = turned_away
            return aspnet.text_answer(text, status=status)
        return None

    def _for_admins(self, handler: AsyncHandler) -> AsyncHandler:
        async def handle(request: web.Request) -> web.Response:
            if _token(request) != self._parts.options.trueai_admin_secret:
                return aspnet.text_answer(FORBIDDEN_TO_USERS, status=400)
            return await handler(request)

        return handle

    def _until_9_5(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if not self._pool.switches.rules.has_changes:
                return await _no_such_route(request)
            return await handler(request)

        return handle

    def _poll(self, handler: AsyncHandler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            await self._parts.switches.polls_open.wait()
            return await handler(request)

        return self._guarded(handle)

    def _submit(self, path: str, make_plan: PlanMaker, mode: str | None) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            submit = self._parts.journal.open_submit(request)
            body = await aspnet.read_object(request)
            submit.body = shortened(body)
            form = aspnet.Form(body)
            plan = make_plan(form, read_envelope(form, prefix_mode=mode))
            return await self._answer_submit(request, submit, plan)

        guarded = self._guarded(handle)
        return self._until_9_5(guarded) if path in OLD_ROUTES else guarded

    async def _answer_submit(
        self, request: web.Request, submit: Submit, plan: Plan
    ) -> web.Response:
        if broken := _refusal_by_word(plan.words) or mishaps.before_accepting(request, plan.words):
            return broken
        answer = plan.carry_out()
        submit.accepted, submit.id = True, answer.task_id
        seconds = self._parts.options.hang_seconds
        if broken := await mishaps.before_answering(request, plan.words, hang_seconds=seconds):
            return broken
        return aspnet.json_answer(answer.as_json())


def refusal_json(no: Refused) -> dict[str, object]:
    return {
        "code": no.code,
        "description": no.description,
        "result": None,
        "properties": no.properties,
    }


def _refusal_by_word(words: frozenset[Word]) -> web.Response | None:
    """What the words ask for in this dialect's own manner."""
    if Word.MINUS1 in words:
        return aspnet.failure_answer("操作失败")
    if Word.HTTP401 in words:
        return aspnet.text_answer(NO_HEADER, status=401)
    if Word.HTTP429 in words:
        return web.Response(status=429)
    return None


def _token(request: web.Request) -> str | None:
    """trueai 11.10: Authorization if it is there at all, be it empty; else mj-api-secret."""
    return request.headers.get("Authorization", request.headers.get("mj-api-secret"))


async def _no_such_route(request: web.Request) -> web.Response:
    return web.Response(status=404)
