"""Tasks, callbacks and hooks as their tenant sees them."""

from typing import Any

import pytest

from billing.models import Notice
from relay.models import Callback
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk
from tests.stack import wait_until


def delivered(desk: Desk, callback_id: int, tries: int) -> bool:
    shown = desk.owner.get(f"callbacks/{callback_id}")
    return (shown["state"], shown["tries"]) == ("delivered", tries)


def test_a_task_tells_all_that_happened_to_it(desk: Desk) -> None:
    hook = desk.account.stack.inbox_url(desk.tenant.name)
    task_id = desk.account.draw(notifyHook=hook, state="mine")
    desk.account.finish(task_id)
    shown = desk.owner.get(f"tasks/{task_id}")
    assert (shown["status"], shown["state"], shown["price"]) == ("SUCCESS", "mine", "0.10")
    assert shown["task"] == desk.account.fetch(task_id)
    assert [row["outcome"] for row in shown["attempts"]] == ["accepted"]
    assert [row["kind"] for row in shown["entries"]] == ["hold", "capture"]
    assert shown["callbacks"][-1]["url"] == hook
    assert set(shown["attempts"][0]) == {"number", "outcome", "milliseconds", "created_at"}
    (attempt,) = desk.operator.get(f"tasks/{task_id}")["attempts"]
    assert attempt["channel"] == desk.account.channel.name


def test_a_callback_is_sent_again_with_the_same_id_and_body(desk: Desk) -> None:
    account = desk.account
    task_id = account.draw(notifyHook=account.stack.inbox_url(desk.tenant.name))
    account.finish(task_id)
    number = account.callback(task_id).pk
    wait_until(lambda: delivered(desk, number, 1), seconds=20, what="the callback")
    replayed = desk.roles["developer"].post(f"callbacks/{number}/replay")
    assert (replayed["id"], replayed["task_id"]) == (number, task_id)
    wait_until(lambda: delivered(desk, number, 2), seconds=20, what="the callback, again")
    shown = desk.owner.get(f"callbacks/{number}")
    assert [row["number"] for row in shown["attempts"]] == [1, 2]
    received = [
        row["headers"]["webhook-id"]
        for row in account.stack.inbox(desk.tenant.name)
        if row["headers"]["webhook-id"] == shown["message_id"]
    ]
    assert len(received) == 2


def test_progress_and_what_is_on_its_way_are_not_sent_again(desk: Desk) -> None:
    task_id = desk.account.draw("zzslow")
    past: dict[str, Any] = {
        "task_id": task_id, "tenant": desk.tenant, "url": "http://x.example", "body": "{}",
        "state": "delivered", "due_at": None,
    }  # fmt: skip
    progress = Callback.objects.create(sequence=1001, is_final=False, **past)
    flying = Callback.objects.create(
        sequence=1002, is_final=True, flies_until="2099-01-01T00:00:00Z", **past
    )
    for row in (progress, flying):
        refused = desk.owner.ask("POST", f"callbacks/{row.pk}/replay")
        assert_refused(refused, 409, "conflict")
        row.refresh_from_db()
        assert row.state == "delivered"
    found = desk.owner.get("callbacks", state="delivered", task=task_id)["data"]
    assert [row["id"] for row in found] == [flying.pk, progress.pk]


def test_hooks_are_set_and_the_secret_is_shown_once(desk: Desk) -> None:
    hooks = {
        "default_hook": "https://shop.example/hook",
        "notice_hook": "https://shop.example/notices",
        "notice_mails": ["money@shop.example"],
    }
    now = hooks | {"old_secret_until": None}
    assert desk.roles["developer"].patch("hooks", **hooks) == now
    assert desk.owner.get("hooks") == now
    secret = desk.owner.post("hooks/secret/rotate")["secret"]
    assert secret.startswith("whsec_")
    desk.tenant.refresh_from_db()
    assert desk.tenant.webhook_secret == secret
    assert secret not in desk.owner.ask("GET", "hooks").text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("default_hook", "javascript:alert(1)"), ("default_hook", "http://"), ("default_hook", 7),
        ("default_hook", "http://x.example/\x00"), ("notice_hook", "https://u:p@x.example"),
        ("notice_hook", "http://x.example/" + "a" * 2000), ("notice_mails", "a@x.example"),
        ("notice_mails", ["a"]), ("notice_mails", ["a@x.example\nBcc: b@x.example"]),
        ("notice_mails", ["a@x.example"] * 21), ("webhook_secret", "whsec_mine"),
    ],
)  # fmt: skip
def test_a_wrong_hook_is_refused_by_name(shared_desk: Desk, field: str, value: Any) -> None:
    answer = shared_desk.owner.ask("PATCH", "hooks", json={field: value})
    assert_refused(answer, 400, "invalid_request", says=field)
    assert shared_desk.owner.get("hooks")["default_hook"] == ""


def test_notices_are_listed_for_whom_they_are(desk: Desk) -> None:
    Notice.objects.create(tenant=desk.tenant, kind="balance.low", subject="low", text="low")
    own = Notice.objects.create(tenant=None, kind="proof.failed", subject="look", text="look")
    assert [row["kind"] for row in desk.owner.get("notices")["data"]] == ["balance.low"]
    assert desk.owner.get("notices", kind="proof.failed")["data"] == []
    site = desk.operator.get("notices", kind="proof.failed")["data"]
    assert own.pk in [row["id"] for row in site]
