"""`manage.py up` in a folder of its own, as a person at a terminal has it."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from common import processes
from common.processes import Process
from common.processes.records import Records

ROOT = Path(__file__).resolve().parent.parent.parent
LAST_LINE = "Ctrl-C stops everything."
PROGRAMS = ("postgres", "redis", "web", "worker", "beat", "sandbox")
# Below the range from which outgoing connections take theirs.
PORTS = range(20_000, 32_000)


def free_ports() -> int:
    """A port that is free, and so is the next."""
    while True:
        port = random.choice(PORTS)
        if _is_free(port) and _is_free(port + 1):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def environment(var: Path, port: int, **settings: str) -> dict[str, str]:
    """What a terminal with nothing set would give, whatever this test run has set."""
    empty = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HOST"), "")
    ours = {"RELAY_VAR": str(var), "PORT": str(port), "WEB_WORKERS": "1"}
    without = {"PUBLIC_URL", "DATABASE_POOL_SIZE", "CALLBACK_ALLOWED_NETWORKS"}
    given = {name: value for name, value in os.environ.items() if name not in without}
    return {**given, **empty, **ours, **settings}


def command(var: Path, port: int, *arguments: str, **settings: str) -> Any:
    """Runs manage.py to its end; its output is in `stdout`, both streams together."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(var, port, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


class Machine:
    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = free_ports()
        self.records = Records(var / "processes")
        self.lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return "".join(self.lines)

    @property
    def facts(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.var / "up.json").read_text())
        return found

    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, seconds: float = 60) -> float:
        """Returns how long it took until everything was said to run."""
        began = time.monotonic()
        self.lines = []
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=environment(self.var, self.port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self.wait_until(lambda: LAST_LINE in self.output or not self.is_up(), seconds=seconds)
        assert LAST_LINE in self.output, self.output
        return time.monotonic() - began

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Exit status, and how long it took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(number)
        return self._process.wait(timeout=30), time.monotonic() - began

    def kill(self, *names: str) -> None:
        """kill -9 of the named programs, "up" and "supervisord" among them, with their groups."""
        for name in names:
            for process in self.records.alive(name):
                processes.send(signal.SIGKILL, process)
        if "up" in names and self._process is not None:
            self._process.wait(timeout=5)

    def running(self) -> list[Process]:
        """Everything recorded that still runs."""
        return [process for name in self.records.names() for process in self.records.alive(name)]

    def funds(self) -> float:
        """All the money that the demo tenant ever had; its key is the first start's."""
        answer = self.ask("GET", "/v1/dashboard/billing/subscription")
        return float(answer["hard_limit_usd"])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.facts['key']}"}
        answer = requests.request(method, self.url + path, headers=headers, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        return False

    @staticmethod
    def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
        assert processes.wait_until(condition, seconds=seconds), "not in time"

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.lines.extend(process.stdout)
