"""The real thing for tests: web, worker, beat and sandbox as processes of their own, over HTTP.

Each pytest worker has its own stack with its own database and its own Redis number.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
START_SECONDS = 30
STOP_SECONDS = 10

# Everything that is slow in life is quick here; what is measured in the tests is what happens,
# not when.
QUICK = {
    "POLL_TICK_SECONDS": "0.2",
    "POLL_MIN_SECONDS": "0.2",
    "CALLBACK_TICK_SECONDS": "0.2",
    "PICTURE_TIMEOUT_SECONDS": "5",
    # Not 127.0.0.2: that one is the inner address of the tests.
    "PICTURE_ALLOWED_NETWORKS": "127.0.0.1/32",
    "RESULTS_TICK_SECONDS": "0.2",
    "SWEEP_SECONDS": "1",
    "LATE_TICK_SECONDS": "0.2",
    "USAGE_TICK_SECONDS": "1",
    "BALANCE_TICK_SECONDS": "0.3",
    "NOTICE_TICK_SECONDS": "0.2",
    "TASK_GRACE_SECONDS": "1.5",
    "UPSTREAM_CONNECT_SECONDS": "1",
    "UPSTREAM_SUBMIT_SECONDS": "2",
    "UPSTREAM_POLL_SECONDS": "2",
    # The tests make one channel misbehave again and again; those of the breaker have their own.
    "BREAKER_LEAST_RESULTS": "1000000",
    # Nor are all their channels asked at a moment that nobody expects.
    "PROBE_SECONDS": "3600",
    "CALLBACK_TIMEOUT_SECONDS": "2",
    "CALLBACK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "LOG_LEVEL": "INFO",
    # The tests ask more of the management API in a minute than people do.
    "MANAGEMENT_RPM": "60000",
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Stack:
    """The running product. `env` is what its processes see on top of the test run's own."""

    def __init__(
        self,
        *,
        folder: Path,
        env: Mapping[str, str],
        drawing_seconds: float,
        web_workers: int = 1,
    ) -> None:
        self.folder = folder
        self.web_workers = web_workers
        self.port = free_port()
        self.sandbox_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.drawing_seconds = drawing_seconds
        self.env = {**os.environ, **QUICK, "PUBLIC_URL": self.url, "DATABASE_POOL_SIZE": "8"}
        self.env |= dict(env)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def commands(self) -> dict[str, list[str]]:
        python = str(BIN / "python")
        return {
            "sandbox": [
                python, "-m", "channels.sandbox", "--port", str(self.sandbox_port),
                "--drawing-seconds", str(self.drawing_seconds), "--workers", "1000",
                "--queue-size", "1000",
            ],
            "web": [
                python, "-m", "gunicorn", "relay.wsgi", "--worker-class",
                "common.web_worker.Worker", "--workers", str(self.web_workers),
                "--worker-connections", "1000", "--graceful-timeout", "5",
                "--no-control-socket", "--bind", f"127.0.0.1:{self.port}",
            ],
            "worker": [
                python, "-m", "celery", "-A", "relay", "worker", "--pool", "gevent",
                "--concurrency", "50", "--queues", "poll,deliver,default", "--without-gossip",
                "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
            ],
            "beat": [
                python, "-m", "celery", "-A", "relay", "beat", "--schedule",
                str(self.folder / "beat-schedule"), "--loglevel", "WARNING",
            ],
        }  # fmt: skip

    def start(self, *names: str) -> None:
        """Starts the named processes, all of them by default, and waits until they answer."""
        self.spawn(*names)
        self.await_answer()

    def spawn(self, *names: str) -> None:
        """The same without waiting: what they need may be down."""
        for name in names or self.commands:
            self._alive(name).unlink(missing_ok=True)
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                self.commands[name],
                cwd=ROOT,
                env={**self.env, "ALIVE_FILE": str(self._alive(name))},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Not a session of its own: Linux gives each session as much of the processors
                # (sched_autogroup) as all pytest processes have together, and these would stand
                # still for seconds.
                process_group=0,
            )
            log.close()

    def await_answer(self) -> None:
        if "sandbox" in self.processes:
            self._wait_for(f"{self.sandbox_url}/sandbox/", is_ok)
        if "web" in self.processes:
            self._wait_for(f"{self.url}/readyz", is_ok)
        if "worker" in self.processes:
            # It takes jobs from then on; beside other tests it may need a while to get so far.
            self._wait_for(str(self._alive("worker")), os.path.exists)

    def kill(self, *names: str) -> None:
        """kill -9, children included, as a crash or the kernel would."""
        for name in names:
            process = self.processes.pop(name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self, *names: str) -> None:
        """A clean stop of the named processes, of all that run by default."""
        stopping = [self.processes.pop(name) for name in names or list(self.processes)]
        for process in stopping:
            process.terminate()
        for process in stopping:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @contextmanager
    def changed(self, **env: str) -> Iterator[None]:
        """The product runs with other settings for a while; the sandbox goes on."""
        usual = self.env
        self._restart(usual | env)
        yield
        self._restart(usual)

    def _restart(self, env: dict[str, str]) -> None:
        self.stop("web", "worker", "beat")
        self.env = env
        self.start("web", "worker", "beat")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def inbox_url(self, name: str, query: str = "") -> str:
        """A receiver for callbacks at the sandbox."""
        return f"{self.sandbox_url}/sandbox/inbox/{name}{query}"

    def inbox(self, name: str) -> list[dict[str, Any]]:
        """What that receiver got: headers, body as text, time."""
        messages: list[dict[str, Any]] = requests.get(self.inbox_url(name), timeout=5).json()
        return messages

    def submits(self, contains: str) -> list[dict[str, Any]]:
        """The submits that reached the sandbox with this text in their prompt."""
        answer = requests.get(
            f"{self.sandbox_url}/sandbox/submits", params={"contains": contains}, timeout=5
        )
        submits: list[dict[str, Any]] = answer.json()
        return submits

    def whole_submits(self) -> list[dict[str, Any]]:
        """All of them whose body has come. The sandbox writes down a submit when its head comes,
        and whoever is killed just then sends no more: that is none."""
        return [one for one in self.submits("") if one["body"] is not None or one["accepted"]]

    def _alive(self, name: str) -> Path:
        """What workers and clocks touch."""
        return self.folder / f"{name}.alive"

    def _wait_for(self, what: str, is_there: Callable[[str], bool]) -> None:
        until = time.monotonic() + START_SECONDS
        while not is_there(what):
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            if dead or time.monotonic() > until:
                logs = "\n".join(f"== {name}\n{self.log(name)[-2000:]}" for name in self.processes)
                raise RuntimeError(f"waited for {what} (ended: {dead})\n{logs}")
            time.sleep(0.05)


def is_ok(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def wait_until(condition: Any, *, seconds: float = 15, what: str = "") -> Any:
    """The first true value of `condition()`. Fails the test when none comes."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s for {what or condition}")
        time.sleep(0.05)
    return value
