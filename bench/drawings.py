"""An upstream with as many drawings as one likes, and the receiver of their callbacks: `python -m
bench.drawings --port 9001`.

It speaks as much of midjourney-proxy as a poll needs and remembers no drawing: a task's id tells
when it is begun, and the `state` that came with its submit. Below /60 a picture is drawn for sixty
seconds. What comes to /hook is noted; /arrivals tells when the end of each task came.
"""

import argparse
import asyncio
import re
import time
from typing import Any

import orjson
import requests

HEAD_END = b"\r\n\r\n"
_REQUEST = re.compile(rb"(?:POST|GET) (\S+) ")
_LIST = re.compile(r"/([\d.]+)/mj/task/list-by-condition")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MESSAGE = re.compile(rb"\r\nwebhook-id: *msg_(\d+)_", re.IGNORECASE)
_END = b'"status":"SUCCESS"'
BACKLOG = 4096
# The progress is told in such steps, in percent.
STEP = 50
BASE = "/{drawing_seconds}"


class Notes:
    """When the end of each task arrived (seconds since 1970), and how much came and was asked."""

    def __init__(self) -> None:
        self.arrivals: dict[str, float] = {}
        self.messages = 0
        self.questions = 0
        self.rows = 0

    def arrived(self, task_id: str, body: bytes) -> None:
        self.messages += 1
        if _END in body:
            self.arrivals.setdefault(task_id, time.time())

    def as_dict(self) -> dict[str, Any]:
        return vars(self)


class Connection(asyncio.Protocol):
    """One request after the other, as clients with a pool send them."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._received = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(HEAD_END)
        if end < 0:
            return
        head = bytes(self._received[: end + 2])
        length = _LENGTH.search(head)
        begin = end + len(HEAD_END)
        if len(self._received) < begin + (size := int(length[1]) if length else 0):
            return
        body = bytes(self._received[begin : begin + size])
        del self._received[: begin + size]
        answer = self._answer(head, body)
        if not self._transport.is_closing():
            self._transport.write(answer)

    def _answer(self, head: bytes, body: bytes) -> bytes:
        found = _REQUEST.match(head)
        path = found[1].decode() if found else ""
        if path == "/hook":
            message = _MESSAGE.search(head)
            self._notes.arrived(message[1].decode() if message else "", body)
            return _whole(b"{}")
        if path == "/arrivals":
            return _whole(orjson.dumps(self._notes.as_dict()))
        if asked := _LIST.fullmatch(path):
            return _whole(self._listing(body, float(asked[1])))
        return _whole(b"[]")

    def _listing(self, body: bytes, drawing: float) -> bytes:
        now = time.time()
        ids = orjson.loads(body).get("ids") or []
        self._notes.questions += 1
        self._notes.rows += len(ids)
        return orjson.dumps([row(id, now=now, drawing=drawing) for id in ids])


def notes(port: int) -> dict[str, Any]:
    """Of the one that listens there, as they are now."""
    found: dict[str, Any] = requests.get(f"http://127.0.0.1:{port}/arrivals", timeout=10).json()
    return found


def arrived(port: int) -> dict[int, float]:
    """When the ends of tasks arrived there, by their ids (seconds since 1970)."""
    return {int(task_id): at for task_id, at in notes(port)["arrivals"].items()}


def upstream_id(begin: float, state: str) -> str:
    """Of a task that is begun at that moment (seconds since 1970)."""
    return f"{round(begin * 1_000_000):016}-{state}"


def row(task_id: str, *, now: float, drawing: float) -> dict[str, Any]:
    """The task as midjourney-proxy 2.6 shows it: it waits, is drawn, is finished."""
    word, _, state = task_id.partition("-")
    began = int(word) / 1_000_000
    percent = 100 if now >= began + drawing else int(max(now - began, 0) / drawing * 100)
    shown = percent // STEP * STEP
    began_ms = int(began * 1000)
    is_done, is_begun = percent == 100, now >= began
    prompt = "a lighthouse at dawn, oil on canvas, wide view"
    properties: dict[str, Any] = {"notifyHook": None, "finalPrompt": prompt}
    if is_begun:
        properties["progressMessageId"] = word
    if is_done:
        properties |= {"messageId": word, "messageHash": state, "flags": 0}
    return {
        "id": task_id,
        "properties": properties,
        "action": "IMAGINE",
        "status": "SUCCESS" if is_done else "IN_PROGRESS" if is_begun else "SUBMITTED",
        "prompt": prompt,
        "promptEn": prompt,
        "description": f"/imagine {prompt}",
        "state": state,
        "submitTime": began_ms,
        "startTime": began_ms if is_begun else None,
        "finishTime": began_ms + int(drawing * 1000) if is_done else None,
        "imageUrl": f"https://cdn.example/attachments/{word}/{shown}.png" if shown else None,
        "progress": f"{shown}%",
        "failReason": None,
    }


def _whole(body: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\n\r\n"
    )
    return head.encode() + body


async def serve(port: int) -> None:
    notes = Notes()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(notes), "127.0.0.1", port, backlog=BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=9001)
    asyncio.run(serve(parser.parse_args().port))
