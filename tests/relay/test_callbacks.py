"""The ladder, the signature, and which messages are written at all."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from standardwebhooks import Webhook

from billing.models import Tenant
from channels.adapters.base import Update
from relay import callbacks, lifecycle
from relay.models import Callback, CallbackAttempt, Task
from tests.accounts import Account
from tests.faults.place import accept, begin

HOOK = "https://hook.example/"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    ("tries", "wait"),
    [
        (1, 5), (2, 30), (3, 300), (4, 1800), (5, 2 * 3600), (6, 5 * 3600), (7, 10 * 3600),
        (8, 14 * 3600), (9, 20 * 3600), (10, 24 * 3600), (11, None), (12, None),
    ],
)  # fmt: skip
def test_the_ladder(tries: int, wait: float | None) -> None:
    assert callbacks.next_wait(tries) == wait


def test_the_first_try_is_made_at_once() -> None:
    assert callbacks.LADDER_SECONDS[0] == 0
    # About three days in all.
    assert 72 * 3600 < sum(callbacks.LADDER_SECONDS) < 80 * 3600


def test_a_message_is_signed_as_the_standard_has_it() -> None:
    callback = Callback(
        task_id=7, sequence=3, body='{"state":"灯塔"}', tenant=Tenant(webhook_secret=SECRET)
    )
    now = int(datetime.now(UTC).timestamp())
    headers = callbacks.headers(callback, timestamp=now)
    assert headers["webhook-id"] == "msg_7_3"
    assert headers["webhook-timestamp"] == str(now)
    assert headers["X-Relay-Sequence"] == "3"
    Webhook(SECRET).verify(callback.body, headers)
    # The same by the reference implementation, to the letter.
    expected = Webhook(SECRET).sign("msg_7_3", datetime.fromtimestamp(now, UTC), callback.body)
    assert headers["webhook-signature"] == expected


def messages(account: Account) -> QuerySet[Callback]:
    return Callback.objects.filter(tenant=account.tenant).order_by("id")


def running(account: Account, *, hook: str = HOOK) -> Task:
    task_id = begin(account, hook=hook)
    accept(task_id, f"up-{task_id}")
    return Task.objects.select_related("token").get(pk=task_id)


def progress(task: Task, percent: int) -> bool:
    update = Update(upstream_id=task.upstream_id, status="IN_PROGRESS", progress=percent)
    return lifecycle.apply(task, update)


def test_of_progress_only_the_newest_waits(bystander: Account) -> None:
    task = running(bystander)
    for percent in (15, 31, 46):
        assert progress(task, percent)
    (message,) = messages(bystander)
    assert json.loads(message.body)["progress"] == "46%"
    assert (message.sequence, message.is_final) == (task.sequence, False)


def test_an_end_overtakes_the_progress_that_waits(bystander: Account) -> None:
    task = running(bystander)
    progress(task, 31)
    assert lifecycle.fail(task, "lost")
    old, final = messages(bystander)
    assert (old.state, old.due_at) == ("overtaken", None)
    assert (final.state, final.is_final, final.sequence) == ("pending", True, task.sequence)
    assert json.loads(final.body)["failReason"] == "lost"


def test_progress_that_was_sent_is_told_anew(bystander: Account) -> None:
    task = running(bystander)
    progress(task, 31)
    messages(bystander).update(state="delivered", due_at=None)
    progress(task, 46)
    first, second = messages(bystander)
    assert second.sequence > first.sequence
    assert first.message_id != second.message_id


def test_nothing_is_written_without_a_hook(bystander: Account) -> None:
    task = running(bystander, hook="")
    progress(task, 31)
    lifecycle.fail(task, "lost")
    assert not messages(bystander).exists()


def test_what_does_not_change_is_not_told(bystander: Account) -> None:
    task = running(bystander)
    progress(task, 31)
    (before,) = messages(bystander)
    assert not progress(task, 31)
    assert not progress(task, 15)
    (after,) = messages(bystander)
    assert before.sequence == after.sequence


def test_a_task_that_nobody_took_is_told_to_nobody(bystander: Account) -> None:
    task_id = begin(bystander, hook=HOOK)
    attempt = Task.objects.get(pk=task_id).attempt_set.get()
    lifecycle.refuse(
        task_id=task_id, attempt_id=attempt.pk, outcome="refused", milliseconds=1, answer="no"
    )
    assert not messages(bystander).exists()
    assert bystander.entries(str(task_id))[-1] == ("release", "0.00", "-0.10")


@pytest.mark.parametrize("tries", [0, 1, 5])
def test_a_delivery_that_somebody_else_has_taken_is_not_made(
    bystander: Account, tries: int
) -> None:
    task = running(bystander)
    lifecycle.fail(task, "lost")
    message = messages(bystander).get()
    messages(bystander).update(tries=3)
    callbacks.deliver(message.pk, tries)
    assert not CallbackAttempt.objects.filter(callback=message).exists()


def test_a_delivery_of_what_is_done_is_not_made(bystander: Account) -> None:
    lifecycle.fail(running(bystander), "lost")
    message = messages(bystander).get()
    messages(bystander).update(state="delivered", due_at=None)
    callbacks.deliver(message.pk, 0)
    callbacks.deliver(message.pk + 10**6, 0)
    assert not CallbackAttempt.objects.filter(callback=message).exists()


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        (lambda rows: rows.update(due_at=None), "pending_callback_is_due"),
        (
            lambda rows: rows.update(state="delivered", due_at=timezone.now()),
            "pending_callback_is_due",
        ),
        (
            lambda rows: Callback.objects.bulk_create(
                [Callback(**{**rows.values().get(), "id": None})]
            ),
            "callback_is_unique",
        ),
        (
            lambda rows: Callback.objects.bulk_create(
                [Callback(**{**rows.values().get(), "id": None, "sequence": 99})]
            ),
            "progress_is_coalesced",
        ),
    ],
    ids=["pending without a time", "done with a time", "the same twice", "two of progress"],
)
def test_what_the_database_refuses(
    bystander: Account, change: Callable[[QuerySet[Callback]], object], promise: str
) -> None:
    progress(running(bystander), 31)
    with pytest.raises(IntegrityError, match=promise), transaction.atomic():
        change(messages(bystander))
