"""A real Chromium, with a page that comes from an origin of its own.

Playwright has an event loop in the thread that starts it, and Django's ORM refuses to work where
one runs; so the browser lives in a thread of its own.
"""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.listener import listening

PAGE = (Path(__file__).parent / "page.html").read_bytes()
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SECONDS = 60
# What the browser tells of its requests may come after their answers.
EVENTS_MS = 200


class Page:
    """The page, and the requests that the browser has really made for it."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.requests: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._open = ExitStack()
        self._page: Any = None

    def call(self, function: str, *arguments: Any) -> Any:
        """What a function of page.html answers."""
        script = f"(given) => {function}(...given)"
        return self._do(lambda: self._page.evaluate(script, list(arguments)))

    def preflights(self, path: str) -> list[tuple[dict[str, Any], int]]:
        """(headers that were sent, HTTP status) of each OPTIONS request to this path."""
        self._do(lambda: self._page.wait_for_timeout(EVENTS_MS))
        statuses = {answer["requestId"]: answer["response"]["status"] for answer in self.answers}
        return [
            (asked["request"]["headers"], statuses[asked["requestId"]])
            for asked in self.requests
            if asked["request"]["method"] == "OPTIONS" and asked["request"]["url"].endswith(path)
        ]

    def start(self, program: str) -> None:
        self._do(lambda: self._start(program))

    def close(self) -> None:
        self._do(self._open.close)
        self._thread.shutdown()

    def _start(self, program: str) -> None:
        playwright = self._open.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        self._open.callback(browser.close)
        self._page = browser.new_page()
        self._page.set_default_timeout(SECONDS * 1000)
        self._page.goto(self.origin)
        network = self._page.context.new_cdp_session(self._page)
        network.on("Network.requestWillBeSent", lambda event: self.requests.append(event))
        network.on("Network.responseReceived", lambda event: self.answers.append(event))
        network.send("Network.enable")

    def _do(self, work: Callable[[], Any]) -> Any:
        return self._thread.submit(work).result(SECONDS)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.fail("these tests need Chromium: `apt-get install chromium`", pytrace=False)
    with listening(body=PAGE, headers={"Content-Type": "text/html; charset=utf-8"}) as server:
        found = Page(server.url)
        try:
            found.start(program)
            yield found
        finally:
            found.close()
