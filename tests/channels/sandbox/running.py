"""The sandbox upstream as a stranger meets it: a process of its own and plain HTTP."""

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

REPOSITORY = Path(__file__).parents[3]
SECRET = {"mj-api-secret": "open sesame"}
DRAWING_SECONDS = 0.2
HANG_SECONDS = 0.6
PNG = "data:image/png;base64," + base64.b64encode(b"not looked into" * 9).decode()

# What every dialect shows of a drawing that nothing disturbs.
LIFE = [("SUBMITTED", "0%"), ("IN_PROGRESS", "0%")]
LIFE += [("IN_PROGRESS", f"{percent}%") for percent in (15, 31, 46, 62, 78, 93)]
LIFE += [("SUCCESS", "100%")]


def eventually(look: Callable[[], Any], seconds: float = 5) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@dataclass
class Sandbox:
    process: subprocess.Popen[str]
    address: str
    base = "/midjourney-proxy"

    def mj(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        """POST with a body, GET without one, to the dialect's /mj routes."""
        return self.call(f"mj/{path}", body, **more)

    def call(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        method = "GET" if body is None else "POST"
        url = f"{self.address}{self.base}/{path}"
        return requests.request(method, url, **{"json": body, "headers": SECRET, **more})

    def helper(self, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = requests.request(method, f"{self.address}/sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def imagine(self, prompt: str, **fields: object) -> dict[str, Any]:
        return self.submit("imagine", prompt=prompt, **fields)

    def submit(self, path: str, **body: object) -> dict[str, Any]:
        answer = self.mj(f"submit/{path}", body)
        assert answer.status_code == 200
        return dict(answer.json())

    def find(self, *ids: str) -> list[dict[str, Any]]:
        return list(self.mj("task/list-by-condition", {"ids": list(ids)}).json())

    def ended(self, task_id: str) -> dict[str, Any]:
        (task,) = eventually(lambda: [task for task in self.find(task_id) if task["finishTime"]])
        return dict(task)

    def drawn(self, prompt: str, **fields: object) -> dict[str, Any]:
        return self.ended(self.imagine(prompt, **fields)["result"])

    def inbox(self, name: str) -> str:
        return f"{self.address}/sandbox/inbox/{name}"

    def posts(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(letter["body"]) for letter in self.helper(f"inbox/{name}")]

    def life(self, name: str, *, posts: int) -> list[tuple[str, str]]:
        """What the hook of that name has heard, once so many posts have come."""
        heard = eventually(lambda: [p for p in [self.posts(name)] if len(p) == posts])[0]
        return [(post["status"], post["progress"]) for post in heard]

    def submits(self, prompt: str) -> list[dict[str, Any]]:
        return list(self.helper(f"submits?contains={prompt}"))


class TrueAi(Sandbox):
    base = "/trueai"


# The task object of new-api: in this order, and of these types always.
NEWAPI_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "action": (str,),
    "customId": (str,),
    "botType": (str,),
    "prompt": (str,),
    "promptEn": (str,),
    "description": (str,),
    "state": (str,),
    "submitTime": (int,),
    "startTime": (int,),
    "finishTime": (int,),
    "imageUrl": (str,),
    "videoUrl": (str,),
    "videoUrls": (list, type(None)),
    "status": (str,),
    "progress": (str,),
    "failReason": (str,),
    "buttons": (list, type(None)),
    "maskBase64": (str,),
    "properties": (dict, type(None)),
}


class NewApi(Sandbox):
    base = "/newapi"

    def check(self, task: dict[str, Any]) -> None:
        assert list(task) == list(NEWAPI_TYPES)
        assert all(isinstance(task[key], types) for key, types in NEWAPI_TYPES.items())


def start(**options: object) -> Sandbox:
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "channels.sandbox", "--port=0", *flags],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    line = process.stdout.readline()
    found = re.fullmatch(r"sandbox upstream listens on (http://\S+)/midjourney-proxy\n", line)
    assert found, line
    return Sandbox(process, found[1])


def stop(sandbox: Sandbox) -> None:
    sandbox.process.terminate()
    sandbox.process.wait(5)
