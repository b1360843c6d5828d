"""An upstream that lies, stumbles and hangs exactly as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from django.db import connection

from relay import signing
from relay.models import Task

DRIP_SECONDS = 0.2

# What HTTP allows before every answer, as often as one likes.
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

Answer = Callable[["Exchange"], object]


class Exchange(BaseHTTPRequestHandler):
    """One request, and the ways to answer it."""

    upstream: "HostileUpstream"
    body: Any

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.body = json.loads(raw) if raw else None
        try:
            self.upstream.answer(self)
        finally:
            # A test's answer may have looked into the database, from this thread.
            connection.close()

    do_GET = do_POST  # noqa: N815

    def reply(self, body: bytes, *, status: int = 200, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, value: object) -> None:
        self.reply(json.dumps(value).encode())

    def drip(self, *, head: bytes, drop: bytes = b"x", seconds: float = DRIP_SECONDS) -> None:
        """Something comes again and again, so that no time-out of a single read ever strikes."""
        self.wfile.write(head)
        while not self.upstream.closing.wait(seconds):
            self.wfile.write(drop)
            self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Nothing on the test run's output."""


@dataclass
class HostileUpstream:
    """It accepts everything and shows `rows` to whoever asks for tasks, unless told otherwise."""

    url: str = ""
    # Bodies of the submits, in their order.
    submits: list[dict[str, Any]] = field(default_factory=list)
    # What every look sees. None: one row for each submit, with `status`.
    rows: list[Any] | None = None
    status: str = "SUCCESS"
    on_submit: Answer | None = None
    on_look: Answer | None = None
    # The route of midjourney-proxy that lists everything, which only a search asks for.
    on_list: Answer | None = None
    # Whatever is asked; for those who only want a hostile server.
    on_any: Answer | None = None
    # For a test that turns several of them over at once.
    never_ending: Answer | None = None
    asked: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def answer(self, exchange: Exchange) -> None:
        self.asked.append(exchange.path)
        try:
            if self.on_any:
                self.on_any(exchange)
            elif exchange.path.endswith("/submit/imagine"):
                self.submits.append(exchange.body)
                (self.on_submit or self.accept)(exchange)
            elif exchange.path.endswith("/task/list") and self.on_list:
                self.on_list(exchange)
            else:
                (self.on_look or self.show)(exchange)
        except OSError:
            # The relay has had enough of it.
            exchange.close_connection = True

    def accept(self, exchange: Exchange) -> None:
        exchange.reply_json({"code": 1, "description": "ok", "result": self.own_id(exchange.body)})

    def show(self, exchange: Exchange) -> None:
        exchange.reply_json(
            self.rows if self.rows is not None else [self.row(body) for body in self.submits]
        )

    def own_id(self, submit: dict[str, Any]) -> str:
        return "up-" + submit["state"].partition(".")[0]

    def row(self, submit: dict[str, Any], **fields: object) -> dict[str, Any]:
        return row(self.own_id(submit), submit["state"], self.status, **fields)

    def hint(self, submit: dict[str, Any]) -> None:
        """Tells the relay that there is news."""
        answer = requests.post(submit["notifyHook"], json=self.row(submit), timeout=5)
        assert answer.status_code == 200, answer.text


def row(own_id: object, state: object, status: object, **fields: object) -> dict[str, Any]:
    """A task as midjourney-proxy 2.6 shows it."""
    return {
        "id": own_id,
        "state": state,
        "status": status,
        "action": "IMAGINE",
        "progress": "100%" if status == "SUCCESS" else "46%",
        "description": "/imagine a lighthouse",
        "imageUrl": "http://pictures.example/1.png",
        "properties": {},
        **fields,
    }


def row_of(task: Task, status: object = "SUCCESS", **fields: object) -> dict[str, Any]:
    """The row of a task that the upstream knows by the id that `accept` gave it."""
    return row(f"up-{task.pk}", signing.correlation(task.pk), status, **fields)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Many come at once; who is not let in at once would not see what was thought out for him.
    request_queue_size = 256


@contextmanager
def hostile_upstream(**wishes: Any) -> Iterator[HostileUpstream]:
    """It listens on a free port of 127.0.0.1."""
    upstream = HostileUpstream(**wishes)
    handler = type("Handler", (Exchange,), {"upstream": upstream})
    server = _Server(("127.0.0.1", 0), handler)
    upstream.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
