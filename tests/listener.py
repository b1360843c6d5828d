"""A stranger's HTTP server on this machine that answers exactly as a test tells it to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Headers = dict[str, str]


@dataclass
class Listener:
    """What it answers, whatever it is asked, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: Headers = field(default_factory=dict)
    # After the body come single bytes, so many seconds apart, and no end.
    drip_seconds: float = 0
    # They come before the headers have ended already.
    drip_headers: bool = False
    # (method, path, headers in lower case, body)
    asked: list[tuple[str, str, Headers, bytes]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def listening(**answer: object) -> Iterator[Listener]:
    """Such a server on a free port of 127.0.0.1."""
    listener = Listener(**answer)  # type: ignore[arg-type]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(listener))
    server.daemon_threads = True
    listener.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_for(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            listener.asked.append((self.command, self.path, headers, body))
            self.send_response(listener.status)
            for name, value in listener.headers.items():
                self.send_header(name, value)
            if listener.drip_seconds:
                self._drip()
            else:
                self.send_header("Content-Length", str(len(listener.body)))
                self.end_headers()
                self.wfile.write(listener.body)

        def _drip(self) -> None:
            if listener.drip_headers:
                self.flush_headers()
            else:
                self.end_headers()
                self.wfile.write(listener.body)
            while not listener.closing.wait(listener.drip_seconds):
                try:
                    self.wfile.write(b".")
                except OSError:
                    return

        do_GET = do_POST = _answer  # noqa: N815  the names are http.server's

        def log_message(self, *args: object) -> None:
            """Nothing on the test run's output."""

    return Handler
