"""The whole lives of many tasks at once: all are submitted first, then waited for together."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import requests

from relay.api.schema import examples
from relay.models import Task
from tests.accounts import TERMINAL
from tests.api.routes import ALL_TRUEAI, BEFORE, NARROW, PREFIXES, Row
from tests.api.upstreams import Upstream
from tests.stack import wait_until

# So many at a time, for one web process and one sandbox.
THREADS = 12
# What has not ended by then is looked at as it is.
WAIT_SECONDS = 40
TASK_KEYS = list(examples.ANSWERS["fetch"]["finished"])
# Words of the upstreams' own that no tenant may see.
UPSTREAM_WORDS = ("discord", "instance", "messageId", "messageHash", "nonce", "/hints/", "sandbox")


class Case(NamedTuple):
    row: Row
    prefix: str

    @property
    def state(self) -> str:
        """Comes back in the task, and names the case."""
        return f"{self.prefix} {self.row.name}"


@dataclass
class Life:
    """What became of a case. `problems` is empty when all was as the contract has it."""

    case: Case
    answers: list[requests.Response] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def expect(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            self.problems.append(f"{what}: {found!r} instead of {wanted!r}")


def run(dialect: str, upstream: Upstream, cases: list[Case], prices: dict[str, str]) -> list[Life]:
    """Submits all cases, waits until the last task has ended, and looks at each."""
    with ThreadPoolExecutor(THREADS) as threads:
        parents = {case.row.parent for case in cases} - {""}
        for name in sorted(parents):
            _parent(upstream, dialect, name)
        lives = list(threads.map(lambda case: _begin(dialect, upstream, case), cases))
        for life in lives:
            if life.case.row.action == "UPLOAD" and dialect not in life.case.row.no:
                life.ids = [_upload(upstream, life.case)]
        tasks = _wait(upstream, [task_id for life in lives for task_id in life.ids])
        rows = {str(task.pk): task for task in Task.objects.filter(tenant=upstream.account.tenant)}
        pictures = dict(zip(tasks, threads.map(_results, tasks.values()), strict=True))
    for life in lives:
        for task_id in life.ids:
            _check_task(life, tasks[task_id], rows[task_id])
            price = prices[life.case.row.price_at(dialect)]
            life.expect("money", _paid(upstream, rows[task_id]), _price_paid(price))
            life.problems += pictures[task_id]
        if dialect in life.case.row.no:
            _check_refusal(life, dialect, rows)
    return lives


def _parent(upstream: Upstream, dialect: str, name: str) -> dict[str, Any]:
    """The finished task to go on with; a grid where the kind has no such tasks."""
    if dialect == NARROW and name not in ("grid", "description"):
        name = "grid"
    if dialect not in ALL_TRUEAI and name == "clip":
        name = "video" if dialect != NARROW else "grid"
    found: dict[str, Any] = getattr(upstream, name)
    return found


def _upload(upstream: Upstream, case: Case) -> str:
    """Nobody is told its id."""
    return str(Task.objects.get(tenant=upstream.account.tenant, state=case.state).pk)


def _begin(dialect: str, upstream: Upstream, case: Case) -> Life:
    life, row = Life(case), case.row
    body = row.body | {"state": case.state}
    if row.parent:
        body |= _follow_up(row, _parent(upstream, dialect, row.parent))
    sent: dict[str, Any] = (
        {"data": {"state": case.state}, "files": row.files} if row.files else {"json": body}
    )
    answer = _post(life, upstream, f"{case.prefix}/{row.route}", **sent)
    if answer.status_code != 200 or dialect in row.no:
        life.expect("HTTP status", answer.status_code, 400 if dialect in row.no else 200)
        return life
    found = answer.json()
    if row.action == "UPLOAD":
        life.expect("code", found["code"], 1)
        life.expect("addresses", [url[:4] for url in found["result"]], ["http", "http"])
        return life
    life.ids = str(found["result"]).split(",")
    if dialect in row.opens_modal and len(life.ids) == 1:
        _confirm(life, upstream, found)
    else:
        life.expect("code", found["code"], 1)
    return life


def _confirm(life: Life, upstream: Upstream, found: dict[str, Any]) -> None:
    """It waits for a confirmation, and nothing is held meanwhile."""
    (task_id,) = life.ids
    life.expect("code", found["code"], 21)
    life.expect("remix", found["properties"].get("remix"), True)
    if not found["properties"].get("finalPrompt"):
        life.problems.append("no finalPrompt is proposed")
    life.expect("status", upstream.account.fetch(task_id)["status"], "MODAL")
    path = f"{life.case.prefix}/submit/modal"
    answer = _post(life, upstream, path, json={"taskId": task_id, **life.case.row.modal})
    life.expect("confirmation", (answer.status_code, answer.json().get("code")), (200, 1))
    life.expect("confirmed", answer.json().get("result"), task_id)


def _post(life: Life, upstream: Upstream, path: str, **sent: Any) -> requests.Response:
    answer = upstream.account.request("POST", path, **sent)
    life.answers.append(answer)
    life.expect("content type", answer.headers["Content-Type"], "application/json")
    if answer.json().get("result") is None:
        life.problems.append("result is null")
    return answer


def _follow_up(row: Row, parent: dict[str, Any]) -> dict[str, str]:
    if "content" in row.body:
        return {"content": f"{parent['id']} {row.body['content']}"}
    if not row.button:
        return {"taskId": parent["id"]}
    ids = [button["customId"] for button in parent["buttons"] or ()]
    own = row.button + (f"{examples.HASH}::SOLO" if row.button.endswith("::") else "")
    custom_id = next((found for found in ids if found.startswith(row.button)), own)
    return {"taskId": parent["id"], "customId": custom_id}


def _wait(upstream: Upstream, ids: list[str]) -> dict[str, dict[str, Any]]:
    """The ended tasks by their ids, asked for as clients do."""

    def ended() -> dict[str, dict[str, Any]] | None:
        answer = upstream.account.request("POST", "/mj/task/list-by-condition", json={"ids": ids})
        tasks = {task["id"]: task for task in answer.json()}
        is_over = all(task["status"] in TERMINAL for task in tasks.values())
        return tasks if is_over or time.monotonic() > until else None

    until = time.monotonic() + WAIT_SECONDS
    found: dict[str, dict[str, Any]] = wait_until(ended, seconds=2 * WAIT_SECONDS)
    return found


def _results(task: dict[str, Any]) -> list[str]:
    """What is wrong with the pictures and videos of a task."""
    wrong = []
    pictures = [task["imageUrl"], *(image["url"] for image in task["imageUrls"] or ())]
    videos = [task["videoUrl"], *(video["url"] for video in task["videoUrls"] or ())]
    kinds = [(url, "image/") for url in pictures] + [(url, "video/") for url in videos]
    for url, kind in kinds:
        answer = requests.get(url, timeout=30) if url else None
        if answer is not None and (
            answer.status_code != 200 or not answer.headers["Content-Type"].startswith(kind)
        ):
            wrong.append(f"{url}: {answer.status_code} {answer.headers['Content-Type']}")
    has_result = task["videoUrl"] if task["action"] == "VIDEO" else task["imageUrl"]
    if bool(has_result) == (task["action"] == "SHORTEN"):
        wrong.append(f"its result is {has_result!r}")
    return wrong


def _check_task(life: Life, task: dict[str, Any], stored: Task) -> None:
    row = life.case.row
    life.expect("keys", list(task), TASK_KEYS)
    life.expect("end", (task["status"], task["failReason"]), ("SUCCESS", ""))
    life.expect("progress", task["progress"], "100%")
    life.expect("action", task["action"], row.action)
    life.expect("mode", task["mode"], PREFIXES[life.case.prefix])
    life.expect("state", task["state"], life.case.state)
    if row.action in ("DESCRIBE", "SHORTEN"):
        life.expect("text", task["prompt"], task["properties"]["finalPrompt"])
        if not task["prompt"]:
            life.problems.append("there is no text")
    _check_names(life, task, stored)


def _paid(upstream: Upstream, stored: Task) -> list[tuple[str, str, str]]:
    return upstream.account.entries(stored.hold_reference)


def _price_paid(price: str) -> list[tuple[str, str, str]]:
    return [("hold", "0.00", price), ("capture", f"-{price}", f"-{price}")]


def _check_names(life: Life, task: dict[str, Any], stored: Task) -> None:
    """Nothing of it names the upstream: no id, no address, no field of its own."""
    shown = dict(task)
    if task["action"] == "UPLOAD":
        shown |= {"imageUrl": "", "imageUrls": None}
    elif "base64Array" in life.case.row.body and stored.channel.kind == NARROW:
        # It draws from addresses at Discord, and puts them into the prompt.
        shown |= {"promptEn": "", "description": "", "properties": {}}
    text = json.dumps(shown)
    secrets = [stored.channel.base_url.rsplit("/", 1)[0], stored.upstream_id]
    if stored.parent:
        secrets.append(stored.parent.upstream_id)
    for secret in (*secrets, *UPSTREAM_WORDS):
        if secret and secret in text:
            life.problems.append(f"{secret!r} is shown: {text}")


def _check_refusal(life: Life, dialect: str, rows: dict[str, Task]) -> None:
    (answer,) = life.answers
    found = answer.json()
    kind = found.get("type")
    life.expect("refusal", (found["code"], kind, found["result"]), (4, "invalid_request", ""))
    if not found["description"]:
        life.problems.append("the refusal says nothing")
    written = [task for task in rows.values() if task.state == life.case.state]
    if life.case.row.no[dialect] == BEFORE:
        life.expect("tasks", written, [])
        return
    life.expect("tasks", [task.status for task in written], ["FAILURE"])
