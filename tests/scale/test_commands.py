"""The very commands of compose.yaml, run in the folder that the image has: they come up, are found
healthy, draw a picture, stop by SIGTERM, and have written nothing where nothing can be written."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings

from tests.accounts import open_account
from tests.faults.place import until
from tests.faults.servers import OwnRedis
from tests.scale import composed, image
from tests.scale.test_compose import image_command
from tests.stack import Stack

SANDBOX_PORT = "8001"
START_SECONDS = 60
# The sandbox takes 20.
DRAWING_SECONDS = 60
# Idle connections are waited for as long as gunicorn's --graceful-timeout says.
STOP_SECONDS = 45


class Composed(Stack):
    """What `docker compose --profile sandbox up` would start of ours, on this machine."""

    def __init__(self, *, srv: Path, folder: Path, **env: str) -> None:
        super().__init__(folder=folder, env=env, drawing_seconds=1)
        self.srv = srv
        self.services = {
            name: service
            for name, service in composed.ours().items()
            if name not in ("migrate", "manage")
        }

    @property
    def commands(self) -> dict[str, list[str]]:
        return {
            name: self.here(service.get("command") or image_command())
            for name, service in self.services.items()
        }

    def spawn(self, *names: str) -> None:
        for name in names or self.commands:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    self.commands[name], cwd=self.srv, env=self.environment(name),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
                )  # fmt: skip

    def await_answer(self) -> None:
        for url in (f"{self.sandbox_url}/sandbox/", f"{self.url}/readyz"):
            until(lambda u=url: self._is_ok(u), url, seconds=START_SECONDS)

    def environment(self, name: str) -> dict[str, str]:
        """The service's own, with what differs here: addresses, a folder for each container."""
        own = {key: self.here([str(value)])[0] for key, value in self.service_env(name).items()}
        here = (
            "DATABASE_URL",
            "REDIS_URL",
            "SECRET_KEY",
            "PUBLIC_URL",
            "CALLBACK_ALLOWED_NETWORKS",
        )
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": "/nonexistent",
            "PYTHONDONTWRITEBYTECODE": "1",
            **own,
            **{key: self.env[key] for key in here},
            "RELAY_VAR": str(self.folder / "var"),
            "ALIVE_FILE": str(folder / "alive"),
            "PORT": str(self.port),
        }

    def service_env(self, name: str) -> dict[str, Any]:
        return self.services[name]["environment"]

    def healthy(self, name: str) -> bool:
        """As its health check finds it."""
        words = self.services[name]["healthcheck"]["test"]
        assert words[0] == "CMD"
        command = self.here(words[1:])
        done = subprocess.run(
            command, cwd=self.srv, env=self.environment(name), capture_output=True, check=False
        )
        return done.returncode == 0

    def here(self, command: list[str]) -> list[str]:
        return [
            word.replace(SANDBOX_PORT, str(self.sandbox_port))
            .replace("//sandbox:", "//127.0.0.1:")
            .replace("=/tmp/", f"={self.folder}/")
            for word in command
        ]

    def _is_ok(self, url: str) -> bool:
        dead = [name for name, process in self.processes.items() if process.poll() is not None]
        assert not dead, {name: self.log(name)[-2000:] for name in dead}
        try:
            return requests.get(url, timeout=3).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture(scope="module")
def srv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image.build(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def stack(
    srv: Path, own_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Composed]:
    redis = OwnRedis()
    redis.start()
    made = Composed(
        srv=srv,
        folder=tmp_path_factory.mktemp("composed"),
        DATABASE_URL=own_database_url,
        REDIS_URL=redis.url,
        SECRET_KEY=settings.SECRET_KEY,
    )
    try:
        yield made
    finally:
        made.kill(*made.processes)
        redis.remove()


def files(folder: Path) -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in folder.rglob("*") if path.is_file()}


def test_the_image_has_no_more_than_it_needs(srv: Path) -> None:
    names = {path.name for path in srv.iterdir()}
    assert not names & {"tests", "bench", "docs", ".env", ".git", "var", "deploy"}
    assert (srv / "locale/zh_Hans/LC_MESSAGES/django.mo").exists()


def test_the_schema_is_made_before_anything_starts(stack: Composed) -> None:
    command = composed.services()["migrate"]["command"]
    for words in (command, ["python", "manage.py", "migrate", "--check"]):
        done = subprocess.run(
            words, cwd=stack.srv, env=stack.environment("web"), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_all_of_it_draws_and_stops(stack: Composed) -> None:
    before = files(stack.srv)
    stack.start()
    account = open_account(stack)
    hook = stack.inbox_url("composed")
    task = account.finish(account.draw("an image", notifyHook=hook), seconds=DRAWING_SECONDS)
    assert task["status"] == "SUCCESS"
    until(lambda: stack.inbox("composed"), "the callback")
    for name in stack.processes:
        until(lambda n=name: stack.healthy(n), f"the health of {name}")
    page = requests.get(
        f"{stack.url}/console/account/login/", timeout=10, headers={"Accept-Language": "zh-hans"}
    )
    assert page.status_code == 200
    assert "首位运营者" in page.text
    assert requests.get(f"{stack.url}/openapi.json", timeout=30).status_code == 200
    assert static_file(stack, page.text)
    stopped = [(name, stack.processes.pop(name)) for name in list(stack.processes)]
    for _, process in stopped:
        process.send_signal(signal.SIGTERM)
    assert {name: process.wait(STOP_SECONDS) for name, process in stopped} == dict.fromkeys(
        stack.commands, 0
    )
    assert not stack.healthy("web")
    assert files(stack.srv) == before


def static_file(stack: Composed, page: str) -> bool:
    start = page.index("/static/")
    path = page[start : page.index('"', start)]
    return requests.get(stack.url + path, timeout=10).status_code == 200
