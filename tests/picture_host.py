"""A host of pictures and videos that behaves as it is told, path by path."""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(range(256)) * 40
WEBM = b"\x1aE\xdf\xa3" + bytes(range(256)) * 4
PAGE = b"<!doctype html><html><body><script>alert(1)</script></body></html>"
BLOCK = bytes(65536)
# An address of this machine that the stack may not fetch from.
INNER = "127.0.0.2"

Behaviour = Callable[["Handler"], None]


def png(color: str = "navy", *, padding: int = 0) -> bytes:
    """A small picture; `padding` bytes behind its end make it a large one."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), color).save(file, "PNG")
    return file.getvalue() + b"\x00" * padding


def gives(body: bytes, *, content_type: str = "image/png", status: int = 200) -> Behaviour:
    def behave(handler: "Handler") -> None:
        handler.head(status, content_type, length=len(body))
        handler.wfile.write(body)

    return behave


def redirects(to: str, *, then: Behaviour | None = None) -> Behaviour:
    def behave(handler: "Handler") -> None:
        handler.send_response_only(302)
        handler.send_header("Location", to)
        handler.end_headers()
        if then:
            then(handler)

    return behave


def announces(size: int, *, and_sends: bytes) -> Behaviour:
    """Says that so many bytes will come, sends those, and hangs up."""

    def behave(handler: "Handler") -> None:
        handler.head(200, "image/png", length=size)
        handler.wfile.write(and_sends)

    return behave


def is_endless(handler: "Handler") -> None:
    """A picture that never ends."""
    handler.head(200, "image/png")
    handler.wfile.write(png())
    while True:
        handler.wfile.write(BLOCK)
        handler.sent += len(BLOCK)


def trickles(handler: "Handler") -> None:
    """A byte now and then: each in time, the whole never."""
    handler.head(200, "image/png", length=100_000)
    handler.wfile.write(png(padding=70_000))
    handler.trickle(b"\x00" * 10_000)


def comes_in_pieces(handler: "Handler") -> None:
    """Each piece is soon there, the whole is not."""
    handler.head(200, "image/png", length=100 * len(BLOCK))
    handler.wfile.write(png(padding=len(BLOCK)))
    for _ in range(100):
        time.sleep(1)
        handler.wfile.write(BLOCK)


def trickles_its_head(handler: "Handler") -> None:
    handler.trickle(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000)


def trickles_a_chunk_size(handler: "Handler") -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    handler.trickle(b"1;" + b"x" * 10_000)


class Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        self.sent = 0
        started = time.monotonic()
        behaviours = self.server.behaviours.get(self.path, [gives(b"", status=404)])
        self.server.hits.append((self.path, dict(self.headers)))
        behave = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        with contextlib.suppress(OSError):
            behave(self)
        self.server.endings[self.path] = (self.sent, time.monotonic() - started)

    def head(self, status: int, content_type: str, *, length: int | None = None) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Set-Cookie", "upstream=1")
        self.send_header("X-Upstream", "secret")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def trickle(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: str) -> None:
        self.behaviours: dict[str, list[Behaviour]] = {}
        self.hits: list[tuple[str, dict[str, str]]] = []
        # By path: bytes sent, seconds until it was over.
        self.endings: dict[str, tuple[int, float]] = {}
        super().__init__((address, 0), Handler)


class PictureHost:
    def __init__(self, address: str = "127.0.0.1") -> None:
        self._server = _Server(address)
        host, port = self._server.server_address[:2]
        self.url = f"http://{host!s}:{port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def serve(self, path: str, *behaviours: Behaviour) -> str:
        """The address of something; of several behaviours each is shown once, the last for ever."""
        self._server.behaviours[path] = list(behaviours)
        return self.url + path

    def hits(self, path: str) -> int:
        return sum(1 for hit, _ in self._server.hits if hit == path)

    def headers(self, path: str) -> dict[str, str]:
        """What the last request for it brought."""
        return next(headers for hit, headers in reversed(self._server.hits) if hit == path)

    def ending(self, path: str) -> tuple[int, float] | None:
        """(bytes sent, seconds) of the last request for it, None while it goes on."""
        return self._server.endings.get(path)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def trickling_handshake() -> Iterator[str]:
    """The https address of something that begins a TLS handshake and never comes to its end."""

    def talk() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listener.accept()
                with contextlib.suppress(OSError), line:
                    for byte in b"\x16\x03\x03\x10\x00" + b"\x02" * 4000:
                        line.sendall(bytes([byte]))
                        time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=talk, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"


@contextlib.contextmanager
def picture_host(address: str = "127.0.0.1") -> Iterator[PictureHost]:
    host = PictureHost(address)
    try:
        yield host
    finally:
        host.stop()
