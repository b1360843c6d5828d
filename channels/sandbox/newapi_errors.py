"""How a new-api relay words its errors: in one shape at its door, in another behind it."""

import json

from aiohttp import web

# Go writes these three so that no JSON can close a script tag.
ESCAPES = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "<>&"})


class Problem(Exception):
    """An error that new-api finds itself: nothing was sent upstream, unless the text says so."""

    status: int

    def as_json(self, request_id: str) -> dict[str, object]:
        raise NotImplementedError


class DoorProblem(Problem):
    """Shape A, as OpenAI words it: keys, groups, and which channel is to serve the model."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code

    def as_json(self, request_id: str) -> dict[str, object]:
        message = f"{self.message} (request id: {request_id})"
        return {"error": {"message": message, "type": "new_api_error", "code": self.code}}


class DrawingProblem(Problem):
    """Shape B. new-api: HTTP 400, code 4 for the request, 5 for the way upstream; the result is
    always empty here, and so the description ends in a blank."""

    status = 400

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description

    def as_json(self, request_id: str) -> dict[str, object]:
        return {
            "description": f"{self.description} ",
            "type": "upstream_error",
            "code": self.code,
        }


class Panic(Problem):
    """A customId of too few parts: Go indexes past its end."""

    status = 500

    def as_json(self, request_id: str) -> dict[str, object]:
        text = "runtime error: index out of range"
        message = f"Panic detected, error: {text}. Please submit a issue here: https://example.org"
        return {"error": {"message": message, "type": "new_api_panic"}}


def json_answer(data: object, *, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=json_bytes(data), content_type="application/json", charset="utf-8"
    )


def json_bytes(data: object) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.translate(ESCAPES).encode(errors="replace")
