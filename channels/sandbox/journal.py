"""What the sandbox was asked: every submit in full, every other request as a count."""

from collections import Counter, deque
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .clock import now_ms

SUBMITS_KEPT = 20_000
BASE64_SHOWN = 40
NO_ROUTE = "(no such route)"


@dataclass(slots=True)
class Submit:
    """One request to start something. `id` is the task that was answered or begun, if any."""

    path: str
    headers: dict[str, str]
    body: object = None
    accepted: bool = False
    id: str | None = None
    at: int = field(default_factory=now_ms)

    @property
    def prompt(self) -> str:
        return str(self.body.get("prompt") or "") if isinstance(self.body, dict) else ""

    def as_json(self) -> dict[str, object]:
        return {
            "path": self.path,
            "body": self.body,
            "headers": self.headers,
            "accepted": self.accepted,
            "id": self.id,
            "at": self.at,
        }


class Journal:
    def __init__(self) -> None:
        self._submits: deque[Submit] = deque(maxlen=SUBMITS_KEPT)
        self._calls: Counter[str] = Counter()

    def open_submit(self, request: web.Request) -> Submit:
        """Write down that a submit came; the caller completes the entry as it learns more."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        submit = Submit(path=request.path, headers=headers)
        self._submits.append(submit)
        return submit

    def middleware(self) -> Middleware:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            resource = request.match_info.route.resource
            self._calls[resource.canonical if resource else NO_ROUTE] += 1
            return await handler(request)

        return count

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sandbox/submits", self._list_submits),
            web.get("/sandbox/calls", self._list_calls),
        ]

    async def _list_submits(self, request: web.Request) -> web.Response:
        wanted = request.query.get("contains", "")
        found = [submit.as_json() for submit in self._submits if wanted in submit.prompt]
        return web.json_response(found)

    async def _list_calls(self, request: web.Request) -> web.Response:
        return web.json_response(self._calls)


def shortened(body: dict[str, object]) -> dict[str, object]:
    """The body with its base64 texts cut: thousands of uploads must not fill the memory."""
    return {name: _cut(value) if _may_be_base64(name) else value for name, value in body.items()}


def _may_be_base64(name: str) -> bool:
    return "base64" in name.lower() or name.lower() in ("image", "endimage")


def _cut(value: object) -> object:
    if isinstance(value, list):
        return [_cut(item) for item in value]
    if isinstance(value, str) and not value.startswith("http"):
        return value[:BASE64_SHOWN]
    return value
