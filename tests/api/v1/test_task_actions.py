"""What the site's people do with a task: look at it now, decide about it, read its history."""

from itertools import pairwise
from typing import Any

import pytest

from relay.models import Attempt, Task
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk
from tests.faults.place import begin
from tests.stack import wait_until

PICTURE = "https://cdn.example/x.png"


def doubtful(desk: Desk) -> int:
    """A task of which nobody knows whether an upstream has it; nobody looks at it meanwhile."""
    task_id = begin(desk.account)
    Attempt.objects.filter(task=task_id).update(outcome=Attempt.Outcome.UNKNOWN)
    return task_id


def test_a_task_is_looked_at_at_once(desk: Desk) -> None:
    task_id = desk.account.draw("zzmute")
    far = "2099-01-01T00:00:00Z"
    wait_until(lambda: Task.objects.get(pk=task_id).upstream_id, what="its id")
    Task.objects.filter(pk=task_id, next_poll_at__isnull=False).update(
        next_poll_at=far, leased_until=None
    )
    desk.site["support"].post(f"tasks/{task_id}/look")
    assert desk.account.finish(task_id)["status"] == "SUCCESS"
    refused = desk.operator.ask("POST", f"tasks/{task_id}/look")
    assert_refused(refused, 409, "conflict", says="nobody looks")


def test_what_failed_by_our_verdict_is_looked_at_too(desk: Desk) -> None:
    task_id = begin(desk.account)
    body = {"outcome": "failed", "memo": "lost"}
    Attempt.objects.filter(task=task_id).update(outcome=Attempt.Outcome.UNKNOWN)
    desk.operator.post(f"{desk.base}tasks/{task_id}/settle", **body)
    before = Task.objects.get(pk=task_id).late_look_at
    desk.operator.post(f"{desk.base}tasks/{task_id}/look")
    after = Task.objects.get(pk=task_id).late_look_at
    assert before is not None
    assert after is None or after != before


def test_an_operator_decides_and_the_tenant_sees_it(desk: Desk) -> None:
    task_id = doubtful(desk)
    body = {"outcome": "drawn", "image_url": PICTURE, "memo": "seen there"}
    path = f"tasks/{task_id}/settle"
    assert desk.operator.post(path, **body)["status"] == "SUCCESS"
    assert_refused(desk.operator.ask("POST", path, json=body), 409, "conflict", says="decide")
    entry = desk.operator.get(f"{desk.base}entries", reference=str(task_id))["data"][0]
    assert (entry["kind"], entry["memo"]) == ("capture", "seen there")
    assert entry["actor"].startswith("operator (mk-")
    assert desk.account.fetch(str(task_id))["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"outcome": "drawn", "memo": "x"}, "image_url"),
        ({"outcome": "drawn", "image_url": "file:///etc/passwd", "memo": "x"}, "image_url"),
        ({"outcome": "drawn", "image_url": PICTURE, "reason": "x", "memo": "x"}, "reason"),
        ({"outcome": "failed", "image_url": PICTURE, "memo": "x"}, "outcome"),
        ({"outcome": "failed"}, "memo"),
        ({"outcome": "failed", "memo": ""}, "memo"),
        ({"outcome": "lost", "memo": "x"}, "outcome"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    shared_desk: Desk, body: dict[str, Any], says: str
) -> None:
    task_id = doubtful(shared_desk)
    before = shared_desk.account.written
    refused = shared_desk.operator.ask("POST", f"tasks/{task_id}/settle", json=body)
    assert_refused(refused, 400, "invalid_request", says=f"{says}: ")
    assert shared_desk.account.written == before


def test_a_timeline_tells_all_in_its_order(desk: Desk) -> None:
    hook = desk.account.stack.inbox_url(desk.tenant.name)
    task_id = desk.account.draw(notifyHook=hook)
    desk.account.finish(task_id)
    told = desk.account.callback(task_id)
    wait_until(lambda: told.attempts.exists(), seconds=20, what="the callback")
    events = desk.operator.get(f"tasks/{task_id}/timeline")["data"]
    assert all(one["at"] <= other["at"] for one, other in pairwise(events))
    kinds = [row["kind"] for row in events]
    assert kinds[:3] == ["request", "entry", "attempt"]
    entries = [row for row in events if row["kind"] == "entry"]
    assert [row["entry"] for row in entries] == ["hold", "capture"]
    assert [row["balance_after"] for row in entries] == ["100.00", "99.90"]
    (attempt,) = (row for row in events if row["kind"] == "attempt")
    assert (attempt["outcome"], attempt["channel"]) == ("accepted", desk.account.channel.name)
    assert "result" in attempt["answer"]
    changes = [row for row in events if row["kind"] == "change"]
    assert (changes[-1]["status"], changes[-1]["progress"]) == ("SUCCESS", 100)
    (sent,) = (row for row in events if row["kind"] == "callback" and row["is_final"])
    tries = [row for row in events if row["kind"] == "callback_attempt"]
    assert (tries[-1]["status_code"], tries[-1]["callback_id"]) == (200, sent["callback_id"])


def test_a_tenant_s_timeline_says_nothing_of_the_upstream(desk: Desk) -> None:
    task_id = desk.account.draw()
    desk.account.finish(task_id)
    text = desk.owner.ask("GET", f"tasks/{task_id}/timeline").text
    task = Task.objects.get(pk=task_id)
    for secret in (task.upstream_id, desk.account.channel.name, '"actor"', '"cost"', "result"):
        assert secret not in text
    assert '"change"' in text
