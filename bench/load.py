"""The load generator: wrk, a program of its own in C. It shares the cores with what it measures,
and its idle figure says how little that is."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench import usage
from bench.place import ROOT

SCRIPT = ROOT / "bench" / "load.lua"
PATIENCE_SECONDS = 30
NOT_THERE = "wrk is not there: apt-get install wrk (or brew install wrk), then again"


class Load(NamedTuple):
    """What came back. Times in milliseconds; `errors`: answers that are none of 200 to 399, and
    connections that broke."""

    answers: int
    seconds: float
    errors: int
    p50: float
    p95: float
    p99: float
    longest: float
    cpu_seconds: float

    @property
    def fault(self) -> str:
        """In words; "" when every answer was right. (None at all is slow, not wrong.)"""
        return f"{self.errors} errors among {self.answers} answers" if self.errors else ""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def each_us(self, seconds: float) -> float:
        """Of that time, what falls to one answer, in microseconds."""
        return 1e6 * seconds / max(self.answers, 1)


def program() -> str:
    """Raises SystemExit with how to get it."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit(NOT_THERE)
    return found


def submits(
    url: str, keys: Sequence[str], *, clients: int, seconds: float, rate: float = 0
) -> Load:
    """Imagines by these keys in turn, each client the next as soon as it is answered; with a
    `rate`, so many a second in all, at even distances."""
    body = json.dumps({"prompt": "a lighthouse at dawn, oil on canvas"})
    heads = {key: _headers(key) | {"Content-Type": "application/json"} for key in keys}
    requests = [("POST", "/mj/submit/imagine", head, body) for head in heads.values()]
    return _run(url, requests, clients=clients, seconds=seconds, rate=rate)


def fetches(url: str, asked: Sequence[tuple[str, str]], *, clients: int, seconds: float) -> Load:
    """Queries for tasks, each as (key, task id), in turn."""
    requests = [("GET", f"/mj/task/{task}/fetch", _headers(key), "") for key, task in asked]
    return _run(url, requests, clients=clients, seconds=seconds, rate=0)


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _run(
    url: str,
    requests: Sequence[tuple[str, str, dict[str, str], str]],
    *,
    clients: int,
    seconds: float,
    rate: float,
) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests"
        base = urlsplit(url).path
        path.write_text("".join(_as_line(base, *request) for request in requests))
        command = [
            program(), "-t", "1", "-c", str(clients), "-d", f"{max(1, round(seconds))}s",
            "--timeout", f"{PATIENCE_SECONDS}s", "-s", str(SCRIPT), url, "--", str(path), str(rate),
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            text, cpu = _await(process)
    told = json.loads(text.strip().splitlines()[-1])
    return Load(**told, cpu_seconds=cpu)


def _await(process: "subprocess.Popen[str]") -> tuple[str, float]:
    """What it wrote, and the seconds of CPU that it took."""
    before = usage.own_children_seconds()
    text, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"wrk ended with {process.returncode}: {text}")
    return text, usage.own_children_seconds() - before


def _as_line(base: str, method: str, path: str, headers: dict[str, str], body: str) -> str:
    """As load.lua reads it: JSON has no tabs."""
    head = "".join(f"\t{name}\t{value}" for name, value in headers.items())
    return f"{method}\t{base}{path}\t{body}{head}\n"
