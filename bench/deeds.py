"""What the relay does every second, one after the other, for bench/plans.py: on a database with a
past, in this process, with an upstream and a receiver that answer at once."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from bench import place, upstream, visitors
from billing import books, ledger, tokens, usage
from billing.models import Tenant
from channels.models import Channel, Credential
from common import processes
from relay import lifecycle, signing
from relay.following import late, polling
from relay.messages import callbacks, delivery, hooks
from relay.models import Task, TaskStatus
from relay.operators import refunds
from relay.submits import verdicts
from relay.watch import channel_loads, speeds

PRICES = '{"mj_imagine": 0.1, "mj_variation": 0.1, "mj_upscale": 0.05}'
CAPS = {"concurrency": 10_000, "queue_depth": 10_000, "rpm": 100_000}
FUNDS = 1_000_000_000
START_SECONDS = 20
# Answers at once, and draws for so long.
DRAWS, HAS_DRAWN = 3600, 0


@dataclass
class Scene:
    """A key of a tenant with a past, one of his tasks that was drawn in the middle of it, and what
    has been submitted here so far."""

    client: Client
    key_id: int
    tenant_id: int
    old: Task
    upstream_url: str
    tasks: list[int] = field(default_factory=list)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        return self.client.post(path, body, content_type="application/json", headers=headers)

    def submit(self, path: str, status: int = 200, /, **body: Any) -> None:
        key = body.pop("key", "")
        answer = self.post(f"/mj/submit/{path}", body, **({"Idempotency-Key": key} if key else {}))
        assert answer.status_code == status, answer.content
        if status == 200:
            self.tasks.append(int(answer.json()["result"]))

    def get(self, path: str) -> None:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.content)

    @property
    def hook(self) -> str:
        return f"{self.upstream_url}{_base(HAS_DRAWN)}/mj/submit/hook"

    def let_upstream(self, base: str) -> None:
        Channel.objects.filter(pk=self.old.channel_id).update(base_url=base)

    def hurry(self) -> None:
        """It is time to look at all tasks of this scene."""
        mine = Task.objects.live().filter(pk__in=self.tasks)
        assert mine.update(next_poll_at=timezone.now() - timedelta(seconds=1))

    def newest(self) -> Task:
        return Task.objects.select_related("token").get(pk=self.tasks[-1])


def submit(scene: Scene) -> None:
    scene.let_upstream(scene.upstream_url + _base(DRAWS))
    scene.submit(
        "imagine", prompt="a lighthouse", notifyHook=scene.hook, key=f"bench-{scene.key_id}"
    )
    scene.submit("imagine", prompt="a lighthouse")
    scene.submit("imagine", prompt="a lighthouse")


def submit_again(scene: Scene) -> None:
    scene.submit(
        "imagine", prompt="a lighthouse", notifyHook=scene.hook, key=f"bench-{scene.key_id}"
    )
    assert scene.tasks.pop() == scene.tasks[0]


def follow_up(scene: Scene) -> None:
    custom_id = (scene.old.buttons or [])[1]["customId"]
    scene.submit("change", taskId=str(scene.old.pk), action="VARIATION", index=2)
    scene.submit("action", taskId=str(scene.old.pk), customId=custom_id)


def fetch(scene: Scene) -> None:
    for task_id in (scene.old.pk, scene.tasks[0]):
        scene.get(f"/mj/task/{task_id}/fetch")


def list_by_condition(scene: Scene) -> None:
    ids = [str(task_id) for task_id in scene.tasks]
    found = scene.post("/mj/task/list-by-condition", {"ids": ids}).json()
    assert len(found) == len(ids)


def hint(scene: Scene) -> None:
    path = signing.hint_url(scene.tasks[0]).partition("/hints/")[2]
    assert scene.post(f"/hints/{path}", {"id": "up"}).status_code == 200


def look_at_progress(scene: Scene) -> None:
    _look(scene)
    assert scene.newest().status == TaskStatus.IN_PROGRESS


def look_at_ends(scene: Scene) -> None:
    scene.let_upstream(scene.upstream_url + _base(HAS_DRAWN))
    _look(scene)
    assert scene.newest().status == TaskStatus.SUCCESS


def call_back(scene: Scene) -> None:
    claimed = callbacks.claim()
    assert claimed
    for message in claimed:
        delivery.deliver(*message)
    delivery.deliver(*claimed[0])


def refund(scene: Scene) -> None:
    for task in (scene.old, scene.newest()):
        assert refunds.refund(task, amount=1, actor="bench", memo="plans")


def refused(scene: Scene) -> None:
    scene.let_upstream("http://127.0.0.1:9")
    scene.submit("imagine", 503, prompt="a lighthouse")
    scene.let_upstream(scene.upstream_url + _base(DRAWS))


def fail_and_ask_late(scene: Scene) -> None:
    scene.submit("imagine", prompt="a lighthouse")
    task = scene.newest()
    assert lifecycle.fail(task, "lost")
    Task.objects.filter(pk=task.pk).update(late_look_at=timezone.now() - timedelta(seconds=1))
    scene.let_upstream(scene.upstream_url + _base(HAS_DRAWN))
    for channel_id, task_ids in late.claim().items():
        assert late.look(channel_id, task_ids)


def sweep(scene: Scene) -> None:
    lifecycle.expire_overdue()
    hooks.hold_back()


def count_channels(scene: Scene) -> None:
    assert channel_loads.read()
    assert speeds.read([scene.old.channel_id])
    verdicts.fault_shares()


def roll_up(scene: Scene) -> None:
    assert usage.roll_up()


def first_pages(scene: Scene) -> None:
    scene.get("/mj/task/list")
    scene.get("/mj/task/queue")
    program = visitors._program()
    mine = f"/api/v1/tenants/{scene.tenant_id}"
    key = scene.old.token_id
    for page in ("tasks", f"tasks?key={key}", "entries", f"entries?key={key}", "callbacks"):
        answer = program.get(f"{mine}/{page}")
        assert answer.status_code == 200, answer.content


DEEDS = {
    "submit": submit,
    "submit again": submit_again,
    "follow-up": follow_up,
    "fetch": fetch,
    "list by condition": list_by_condition,
    "hint": hint,
    "look at progress": look_at_progress,
    "look at ends": look_at_ends,
    "call back": call_back,
    "refund": refund,
    "refused submit": refused,
    "late success": fail_and_ask_late,
    "sweep": sweep,
    "count channels": count_channels,
    "roll up": roll_up,
    "first pages": first_pages,
}


def do_all(found: Any) -> None:
    """Each by its name, with a bench.plans.Explainer. Raises AssertionError when one comes to
    nothing."""
    with _upstream() as url, override_settings(CALLBACK_ALLOWED_NETWORKS=["127.0.0.0/8"]):
        scene = _scene(url)
        try:
            for name, deed in DEEDS.items():
                found.deed = name
                deed(scene)
        finally:
            found.deed = ""
            Channel.objects.filter(pk=scene.old.channel_id).update(state=Channel.State.DISABLED)


def _scene(url: str) -> Scene:
    drawn = Task.objects.filter(
        status=TaskStatus.SUCCESS, is_test=False, buttons__isnull=False, action="IMAGINE"
    )
    newest, oldest = (drawn.order_by(order)[0].pk for order in ("-pk", "pk"))
    old = drawn.filter(pk__gte=(newest + oldest) // 2).order_by("pk")[0]
    Channel.objects.filter(pk=old.channel_id).update(state=Channel.State.ENABLED, **CAPS)
    Credential.objects.filter(channel_id=old.channel_id).update(is_active=True)
    books.publish_json(PRICES, memo="plans")
    tenant = Tenant.objects.get(pk=old.tenant_id)
    token, key = tokens.make(tenant=tenant, name="plans")
    ledger.topup(tenant_id=tenant.pk, amount=FUNDS, reference=f"plans-{token.pk}", actor="bench")
    client = Client(SERVER_NAME=visitors.HOST, HTTP_AUTHORIZATION=f"Bearer {key}")
    return Scene(client, token.pk, tenant.pk, old, url)


def _look(scene: Scene) -> None:
    scene.hurry()
    assert scene.old.channel_id in polling.due_channels()
    claim = polling.claim(scene.old.channel_id)
    polling.look(scene.old.channel_id, *claim)


def _base(drawing_seconds: int) -> str:
    return upstream.BASE.format(answer_seconds=0, drawing_seconds=drawing_seconds)


@contextmanager
def _upstream() -> Iterator[str]:
    (port,) = place.free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "bench.upstream", "--port", str(port)]
    with subprocess.Popen(command, cwd=place.ROOT) as process:
        try:
            came = processes.wait_until(lambda: _answers(url), seconds=START_SECONDS)
            assert came, "the fake upstream does not come up"
            yield url
        finally:
            process.terminate()
            connection.close()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}{_base(0)}/mj/task/list", timeout=2).status_code == 200
    except requests.RequestException:
        return False
