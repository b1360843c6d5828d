"""A fake upstream that costs next to nothing: `python -m bench.upstream --port 9000`.

It speaks as much of midjourney-proxy as a submit and a poll need, and remembers nothing: a task's
id is the moment of its submit. The address says how slow it is: below /1/30 a submit is answered
after one second, and a picture is drawn for thirty.
"""

import argparse
import asyncio
import json
import re
import time
from typing import Any

HEAD_END = b"\r\n\r\n"
_PATH = re.compile(rb"(?:POST|GET) /([\d.]+)/([\d.]+)(/mj/\S*) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# As many connections may come at once.
BACKLOG = 4096
ID_DIGITS = 16
# What its address is below, for a given pace.
BASE = "/{answer_seconds}/{drawing_seconds}"


class Ids:
    """midjourney-proxy's: milliseconds since 1970 and three more digits; never two equal."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return self._last


class Connection(asyncio.Protocol):
    """One request after the other, as clients with a pool send them."""

    def __init__(self, ids: Ids, address: str) -> None:
        self._ids = ids
        self._address = address
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(HEAD_END)
        if not end:
            return
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return
        self._received = rest[size:]
        self._answer(head, rest[:size])

    def _answer(self, head: bytes, body: bytes) -> None:
        found = _PATH.match(head)
        if not found:
            self._send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        pause, drawing, path = float(found[1]), float(found[2]), found[3]
        if path.startswith(b"/mj/submit/"):
            answer = _whole(_accepted(self._ids.next()))
            if pause:
                asyncio.get_running_loop().call_later(pause, self._send, answer)
            else:
                self._send(answer)
        elif path == b"/mj/task/list-by-condition":
            self._send(_whole(self._listing(body, drawing)))
        else:
            self._send(_whole(b"[]"))

    def _listing(self, body: bytes, drawing: float) -> bytes:
        now = time.time()
        ids = json.loads(body).get("ids") or []
        rows = [row(str(id), now=now, drawing=drawing, address=self._address) for id in ids]
        return json.dumps(rows).encode()

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def row(task_id: str, *, now: float, drawing: float, address: str) -> dict[str, Any]:
    """The task as midjourney-proxy shows it, `drawing` seconds long."""
    began = int(task_id) / 1_000_000
    share = min(1.0, (now - began) / drawing) if drawing else 1.0
    is_done = share >= 1
    begin_ms = int(began * 1000)
    return {
        "id": task_id,
        "properties": {},
        "action": "IMAGINE",
        "status": "SUCCESS" if is_done else "IN_PROGRESS",
        "submitTime": begin_ms,
        "startTime": begin_ms,
        "finishTime": begin_ms + int(drawing * 1000) if is_done else None,
        "imageUrl": f"{address}/pictures/{task_id}.png" if is_done else None,
        # In steps, as Midjourney's is.
        "progress": "100%" if is_done else f"{int(share * 4) * 25}%",
        "failReason": None,
    }


def _accepted(task_id: int) -> bytes:
    told = (
        f'{{"code":1,"description":"提交成功","result":"{task_id:0{ID_DIGITS}}","properties":{{}}}}'
    )
    return told.encode()


def _whole(body: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\n\r\n"
    )
    return head.encode() + body


async def serve(port: int) -> None:
    ids, address = Ids(), f"http://127.0.0.1:{port}"
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(ids, address), "127.0.0.1", port, backlog=BACKLOG
    )
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=9000)
    asyncio.run(serve(parser.parse_args().port))
