"""All that runs: servers, the product, one sandbox for each channel, the tenants' receiver."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from django.conf import settings
from django.db import connection

from channels.models import Channel
from tests.faults.chaos import accounts
from tests.faults.chaos.accounts import Customer
from tests.faults.chaos.plan import BEAT, ROLES, WEB, WORKERS, Plan
from tests.faults.servers import OwnPostgres, OwnRedis, own_postgres_server
from tests.stack import ROOT, Stack, free_port, wait_until

WEB_WORKERS = 2
DRAWING_SECONDS = 2
WATCH_SECONDS = 0.3
# In turn; the one of the tests is the last.
KINDS = (Channel.Kind.MIDJOURNEY_PROXY, Channel.Kind.TRUEAI, Channel.Kind.NEWAPI)
BASES = dict(zip(KINDS, ("midjourney-proxy", "trueai", "newapi"), strict=True))
OURS = (WEB, *WORKERS, BEAT)


def times(seconds: float) -> dict[str, str]:
    """The product's times, short enough for a task to meet all of them in a run of this length."""
    return {
        "POLL_TICK_SECONDS": "0.5",
        "POLL_MIN_SECONDS": "0.5",
        "POLL_MAX_SECONDS": "2",
        "TASK_GRACE_SECONDS": "3",
        "TASK_DEADLINE_SECONDS": f"{max(8, seconds / 8):g}",
        "TASK_EXPIRY_SECONDS": f"{max(14, seconds / 3):g}",
        "MODAL_EXPIRY_SECONDS": "8",
        "LATE_FIRST_SECONDS": "3",
        "LATE_TICK_SECONDS": "1",
        "LATE_LAST_SECONDS": f"{max(6, seconds / 8):g}",
        "BREAKER_LEAST_RESULTS": "10",
        "BREAKER_WINDOW_SECONDS": "20",
        "BREAKER_FIRST_OPEN_SECONDS": "2",
        "BREAKER_LONGEST_OPEN_SECONDS": "8",
        # Tries until long after the receiver is back.
        "CALLBACK_LADDER_SECONDS": ",".join(["0", "1", "1", "2", "2", *["4"] * 40]),
    }


class Product(Stack):
    """Web, two workers and beat. The sandboxes are stacks of their own."""

    @property
    def commands(self) -> dict[str, list[str]]:
        usual = super().commands
        second = [*usual["worker"], "--hostname", "second@%h"]
        first = [*usual["worker"], "--hostname", "first@%h"]
        return {WEB: usual["web"], WORKERS[0]: first, WORKERS[1]: second, BEAT: usual["beat"]}


class Sandbox(Stack):
    """One channel's upstream; `channel_name` is its role, or a number."""

    def __init__(self, *, folder: Path, env: dict[str, str], name: str, kind: str) -> None:
        super().__init__(folder=folder, env=env, drawing_seconds=DRAWING_SECONDS)
        folder.mkdir()
        self.name, self.kind = name, kind

    @property
    def channel_url(self) -> str:
        return f"{self.sandbox_url}/{BASES[Channel.Kind(self.kind)]}"

    def control(self, **switches: object) -> None:
        url = f"{self.sandbox_url}/sandbox/control"
        answer = requests.post(url, json=switches, timeout=10)
        assert answer.status_code == 200, answer.text


class Receiver:
    """The process of receiver.py; it keeps its port and its journal."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.port = free_port()
        self.journal = folder / "callbacks.jsonl"
        self._secrets = folder / "secrets.json"
        self._folder, self._seed, self._starts = folder, seed, 0
        self._process: subprocess.Popen[bytes] | None = None

    def hook(self, tenant: str) -> str:
        return f"http://127.0.0.1:{self.port}/{tenant}"

    def trust(self, secrets: dict[str, str]) -> None:
        self._secrets.write_text(json.dumps(secrets))

    def start(self) -> None:
        self._starts += 1
        arguments = [str(self.port), f"{self._seed} {self._starts}"]
        files = [str(self._secrets), str(self.journal)]
        with (self._folder / "receiver.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.chaos.receiver", *arguments, *files],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


class World:
    def __init__(self, folder: Path, plan: Plan, postgres: OwnPostgres, redis: OwnRedis) -> None:
        self.folder, self.plan = folder, plan
        self.postgres, self.redis = postgres, redis
        self.receiver = Receiver(folder, plan.size.seed)
        env = {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": settings.SECRET_KEY,
            **times(plan.size.seconds),
        }
        self.product = Product(folder=folder, env=env, drawing_seconds=0, web_workers=WEB_WORKERS)
        self.sandboxes = [self._sandbox(n, env) for n in range(plan.size.channels + 1)]
        self.customers: list[Customer] = []
        # What nobody has killed and what was not there any more all the same.
        self.died: list[str] = []
        self._lock = threading.Lock()
        # Also when a test breaks off: nothing goes on in an empty world.
        self.over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def _sandbox(self, number: int, env: dict[str, str]) -> Sandbox:
        """Those in trouble, the others, and the one for test keys."""
        name = [*ROLES, *map(str, range(len(ROLES), self.plan.size.channels)), "test"][number]
        kind = KINDS[number % len(KINDS)]
        return Sandbox(folder=self.folder / f"channel-{name}", env=env, name=name, kind=kind)

    def start(self) -> None:
        for sandbox in self.sandboxes:
            sandbox.spawn("sandbox")
        self.redis.start()
        self.customers = accounts.open_shop(self.plan.size.tenants)
        for number, sandbox in enumerate(self.sandboxes):
            accounts.open_channel(
                name=sandbox.name,
                kind=sandbox.kind,
                url=sandbox.channel_url,
                number=number,
                is_test=sandbox.name == "test",
            )
        secrets = {c.tenant.name: c.tenant.webhook_secret for c in self.customers}
        self.receiver.trust(secrets)
        self.receiver.start()
        for sandbox in self.sandboxes:
            sandbox.await_answer()
        self.product.start()
        self._watcher.start()

    def kill(self, name: str) -> None:
        with self._lock:
            self.product.kill(name)

    def restart(self, name: str) -> None:
        """Without waiting until it answers: what it needs may be down itself."""
        with self._lock:
            self.product.spawn(name)

    def kill_one_of_web(self, number: int) -> None:
        """One of gunicorn's workers; it is replaced by gunicorn itself."""
        pid = self.product.processes[WEB].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        subprocess.run(["kill", "-9", children[number % len(children)]], check=True)

    def channel(self, name: str) -> Sandbox:
        return next(sandbox for sandbox in self.sandboxes if sandbox.name == name)

    def all_runs(self) -> None:
        """After the troubles: whatever still waits for something has got it."""
        wait_until(self._web_answers, seconds=60, what="the web to be ready")

    def doctor(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "doctor"],
            cwd=ROOT,
            env=self.product.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def remove(self) -> None:
        self.over.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for stack in (self.product, *self.sandboxes):
            for name in list(stack.processes):
                with suppress(ProcessLookupError):
                    stack.kill(name)
        self.receiver.kill()
        self.redis.remove()

    def _web_answers(self) -> bool:
        try:
            return requests.get(f"{self.product.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _watch(self) -> None:
        """As a supervisor does: what has ended is started again. It should never have to."""
        while not self.over.wait(WATCH_SECONDS):
            with self._lock:
                for name, process in list(self.product.processes.items()):
                    if process.poll() is not None:
                        self.died.append(f"{name} at {time.strftime('%X')}: {process.returncode}")
                        self.product.spawn(name)


@contextmanager
def open_world(folder: Path, plan: Plan) -> Iterator[World]:
    with own_postgres_server() as postgres:
        redis = OwnRedis()
        world = World(folder, plan, postgres, redis)
        try:
            world.start()
            yield world
        finally:
            world.remove()
            connection.close()
