"""The door of a new-api relay: the caller's key, and the headers that every answer leaves with."""

import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from .newapi_errors import DoorProblem, Problem, json_answer

VERSION = "v0.9.0-sandbox"
PLACEHOLDER = "midjourney-proxy"
PAGE = "<!doctype html><html><head><title>New API</title></head><body></body></html>\n"


def open_to_all(handler: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
    """Turn problems into answers, and put on each what new-api's middlewares do."""

    async def handle(request: web.Request) -> web.Response:
        request_id = uuid.uuid4().hex
        try:
            answer = await handler(request)
        except Problem as problem:
            answer = json_answer(problem.as_json(request_id), status=problem.status)
        answer.headers["X-Oneapi-Request-Id"] = request_id
        answer.headers["X-New-Api-Version"] = VERSION
        answer.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
        answer.headers["Access-Control-Allow-Credentials"] = "true"
        answer.headers["Access-Control-Allow-Headers"] = "*"
        return answer

    return handle


def check_key(request: web.Request, secret: str) -> None:
    """Raises DoorProblem, 401 with one text for all reasons.

    new-api: Authorization, with or without Bearer; mj-api-secret if that is empty or the word that
    some clients always send. `sk-` is optional, and `-<number>` behind the key names a channel,
    which only an administrator may.
    """
    if not secret:
        return
    key = _without_bearer(request.headers.get("Authorization", ""))
    if key in ("", PLACEHOLDER):
        key = _without_bearer(request.headers.get("mj-api-secret", ""))
    key, expected = key.removeprefix("sk-"), secret.removeprefix("sk-")
    if key == expected:
        return
    if key.removeprefix(f"{expected}-").isdecimal() and key.startswith(f"{expected}-"):
        raise DoorProblem(403, "普通用户不支持指定渠道")
    raise DoorProblem(401, "Invalid token")


def _without_bearer(text: str) -> str:
    return text.removeprefix("Bearer ").removeprefix("bearer ").strip()


async def web_page(request: web.Request) -> web.Response:
    """new-api: whatever it does not know is its web page, in HTTP 200 and for any method."""
    if request.method == "OPTIONS":
        return web.Response(status=204)
    if request.match_info["rest"].startswith(("/v1", "/api", "/assets")):
        message = f"Invalid URL ({request.method} {request.path})"
        error = {"message": message, "type": "invalid_request_error", "param": "", "code": ""}
        return json_answer({"error": error}, status=404)
    return web.Response(text=PAGE, content_type="text/html")
