"""Signatures; which messages are written, wait, are claimed, put aside, and sent once more."""

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from standardwebhooks import Webhook

from billing import tenants
from billing.models import Tenant
from channels.adapters.base import Update
from relay import lifecycle
from relay.messages import callbacks, delivery, hooks
from relay.messages.posting import Delivery
from relay.models import Callback, CallbackAttempt, Task
from tests.accounts import Account, open_account
from tests.faults.place import accept, begin

HOOK = "https://hook.example/"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_a_message_is_signed_as_the_standard_has_it() -> None:
    callback = Callback(task_id=7, sequence=3, body='{"state":"灯塔"}')
    now = int(datetime.now(UTC).timestamp())
    headers = delivery.headers(callback, timestamp=now, secrets=[SECRET])
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
    delivery.deliver(message.pk, tries)
    assert not CallbackAttempt.objects.filter(callback=message).exists()


def test_a_delivery_of_what_is_done_is_not_made(bystander: Account) -> None:
    lifecycle.fail(running(bystander), "lost")
    message = messages(bystander).get()
    messages(bystander).update(state="delivered", due_at=None)
    delivery.deliver(message.pk, 0, message.task_id)
    delivery.deliver(message.pk + 10**6, 0, message.task_id)
    delivery.deliver(message.pk, 0, message.task_id + 1)
    assert not CallbackAttempt.objects.filter(callback=message).exists()


def ended(account: Account, *, hook: str = HOOK) -> Callback:
    """The final message about a task that has just failed."""
    task = running(account, hook=hook)
    lifecycle.fail(task, "lost")
    return messages(account).get(task=task)


def switch_off(account: Account, hook: str = HOOK) -> None:
    assert hooks.note(account.tenant.pk, hook, Delivery(410, "", 1))


def claimed() -> set[int]:
    return {claimed.id for claimed in callbacks.claim()}


def put(callback: Callback, state: str) -> None:
    Callback.objects.filter(pk=callback.pk).update(
        state=state, due_at=timezone.now() if state == "pending" else None, flies_until=None
    )


def test_while_a_hook_is_off_ends_are_kept_for_it_and_progress_is_not(bystander: Account) -> None:
    task, other = running(bystander), running(bystander, hook=HOOK + "other")
    switch_off(bystander)
    assert progress(task, 31)
    assert not messages(bystander).exists()
    lifecycle.fail(task, "lost")
    (kept,) = messages(bystander)
    assert (kept.state, kept.due_at, kept.is_final) == ("held_back", None, True)
    assert kept.pk not in claimed()
    lifecycle.fail(other, "lost")
    assert messages(bystander).get(task=other).state == "pending"


def test_what_waits_for_a_hook_that_goes_off_is_put_aside(bystander: Account) -> None:
    end, other = ended(bystander), ended(bystander, hook=HOOK + "other")
    task = running(bystander)
    progress(task, 31)
    switch_off(bystander)
    assert hooks.hold_back() == 2
    assert hooks.hold_back() == 0
    states = {row.pk: (row.state, row.due_at) for row in messages(bystander)}
    assert states[end.pk] == ("held_back", None)
    assert states[messages(bystander).get(task=task).pk] == ("overtaken", None)
    assert states[other.pk][0] == "pending"


@pytest.mark.parametrize(("is_final", "state"), [(True, "held_back"), (False, "overtaken")])
def test_what_was_claimed_when_its_hook_went_off_is_not_sent(
    bystander: Account, is_final: bool, state: str
) -> None:
    task = running(bystander)
    progress(task, 31)
    if is_final:
        lifecycle.fail(task, "lost")
    message = messages(bystander).get(is_final=is_final)
    assert message.pk in claimed()
    switch_off(bystander)
    delivery.deliver(message.pk, 0)
    message.refresh_from_db()
    assert (message.state, message.tries, message.due_at, message.flies_until) == (
        state, 0, None, None,
    )  # fmt: skip


def test_of_a_task_one_message_is_on_its_way_at_a_time(bystander: Account) -> None:
    task = running(bystander)
    progress(task, 31)
    first = messages(bystander).get()
    assert first.pk in claimed()
    assert delivery._take(first.pk, 0, first.task_id)
    # Rewritten while it flies, then overtaken.
    progress(task, 46)
    assert first.pk not in claimed()
    lifecycle.fail(task, "lost")
    final = messages(bystander).get(is_final=True)
    assert final.pk not in claimed()
    first.refresh_from_db()
    delivery.record(first, Delivery(500, "", 1))
    assert final.pk in claimed()


def test_progress_that_was_rewritten_on_its_way_is_due_again(bystander: Account) -> None:
    task = running(bystander)
    progress(task, 31)
    message = messages(bystander).get()
    assert message.pk in claimed()
    assert delivery._take(message.pk, 0, message.task_id)
    message.refresh_from_db()
    progress(task, 46)
    delivery.record(message, Delivery(200, "", 1))
    assert message.pk in claimed()
    message.refresh_from_db()
    assert (message.state, json.loads(message.body)["progress"]) == ("pending", "46%")


def test_progress_that_was_overtaken_before_its_try_holds_nobody_up(bystander: Account) -> None:
    task = running(bystander)
    progress(task, 31)
    message = messages(bystander).get()
    assert message.pk in claimed()
    lifecycle.fail(task, "lost")
    final = messages(bystander).get(is_final=True)
    assert final.pk not in claimed()
    delivery.deliver(message.pk, 0)
    assert final.pk in claimed()
    assert not CallbackAttempt.objects.filter(callback=message).exists()


def test_what_arrived_although_it_was_overtaken_has_arrived(bystander: Account) -> None:
    task = running(bystander)
    progress(task, 31)
    message = messages(bystander).get()
    assert delivery._take(message.pk, 0, message.task_id)
    message.refresh_from_db()
    lifecycle.fail(task, "lost")
    delivery.record(message, Delivery(200, "", 1))
    message.refresh_from_db()
    assert message.state == "delivered"


@pytest.mark.parametrize("state", ["pending", "delivered", "given_up", "held_back"])
def test_a_late_success_is_told_after_the_failure_and_the_failure_never_again(
    bystander: Account, state: str
) -> None:
    task = running(bystander)
    lifecycle.fail(task, "lost")
    failure = messages(bystander).get()
    put(failure, state)
    assert lifecycle.revive(task, Update(upstream_id=task.upstream_id, status="SUCCESS"))
    failure.refresh_from_db()
    assert failure.state == ("overtaken" if state == "pending" else state)
    success = messages(bystander).get(sequence=task.sequence)
    assert json.loads(success.body)["status"] == "SUCCESS"
    assert not callbacks.replay(failure)
    # Somebody's replay may have been faster than the success.
    put(failure, "pending")
    assert success.pk in claimed()
    delivery.deliver(failure.pk, 0)
    failure.refresh_from_db()
    assert (failure.state, failure.tries) == ("overtaken", 0)


@pytest.mark.parametrize("state", ["pending", "delivered", "given_up", "held_back"])
def test_an_end_is_replayed_whatever_became_of_it(bystander: Account, state: str) -> None:
    message = ended(bystander)
    put(message, state)
    assert callbacks.replay(message)
    assert message.pk in claimed()
    assert messages(bystander).get().message_id == message.message_id


@pytest.mark.parametrize(
    "change",
    [{"is_final": False}, {"tries": 1000}, {"flies_until": datetime(2099, 1, 1, tzinfo=UTC)}],
    ids=["progress", "too often", "on its way"],
)
def test_what_is_not_replayed(bystander: Account, change: dict[str, Any]) -> None:
    message = ended(bystander)
    put(message, "delivered")
    messages(bystander).update(**change)
    assert not callbacks.replay(message)
    assert messages(bystander).get().state == "delivered"


def test_a_replay_goes_to_another_address_if_one_is_given(bystander: Account) -> None:
    message = ended(bystander)
    switch_off(bystander)
    hooks.hold_back()
    assert callbacks.replay(message, url="https://new.example/hook")
    message.refresh_from_db()
    assert (message.url, message.host) == ("https://new.example/hook", "new.example")
    assert message.pk in claimed()


ALWAYS = {"since": datetime(2000, 1, 1, tzinfo=UTC), "until": datetime(2099, 1, 1, tzinfo=UTC)}


def test_a_time_is_replayed_in_bounded_steps_and_nothing_twice(bystander: Account) -> None:
    rows = [ended(bystander) for _ in range(5)]
    for row in rows:
        put(row, "given_up")
    sent, mark = [], None
    for _ in range(3):
        found = callbacks.replay_some(tenant=bystander.tenant, **ALWAYS, after=mark, limit=2)
        sent.append(found.number)
        mark = found.mark
    assert (sent, mark) == ([2, 2, 1], None)
    assert set(messages(bystander).values_list("state", flat=True)) == {"pending"}
    again = callbacks.replay_some(tenant=bystander.tenant, **ALWAYS, limit=9)
    assert again == (0, None)


def test_what_of_a_time_is_replayed(bystander: Account) -> None:
    """Ends that were held back or given up, or delivered if that is asked for; not what waits, is
    past, belongs to another tenant or time, or whose hook is off."""
    states = {
        state: ended(bystander)
        for state in ("held_back", "given_up", "delivered", "overtaken", "pending")
    }
    for state, row in states.items():
        put(row, state)
    old, off = ended(bystander), ended(bystander, hook=HOOK + "off")
    switch_off(bystander, HOOK + "off")
    hooks.hold_back()
    put(old, "given_up")
    Callback.objects.filter(pk=old.pk).update(created_at=datetime(1999, 1, 1, tzinfo=UTC))
    stranger = open_account(bystander.stack)
    theirs = ended(stranger)
    put(theirs, "given_up")

    assert callbacks.replay_some(tenant=bystander.tenant, **ALWAYS, limit=99).number == 2
    now = {row.pk: row.state for row in Callback.objects.all()}
    assert now[states["held_back"].pk] == now[states["given_up"].pk] == "pending"
    assert now[states["delivered"].pk] == "delivered"
    assert now[states["overtaken"].pk] == "overtaken"
    assert (now[old.pk], now[off.pk], now[theirs.pk]) == ("given_up", "held_back", "given_up")
    wanted = {"states": ["delivered"], "limit": 99}
    assert callbacks.replay_some(tenant=bystander.tenant, **ALWAYS, **wanted).number == 1
    hooks.switch_on(bystander.tenant.pk, HOOK + "off")
    assert callbacks.replay_some(tenant=bystander.tenant, **ALWAYS, limit=99).number == 1


def test_two_secrets_sign_while_one_takes_the_place_of_the_other(bystander: Account) -> None:
    message = ended(bystander)
    old = bystander.tenant.webhook_secret
    new = tenants.rotate_webhook_secret(bystander.tenant, overlap_seconds=60).webhook_secret
    message.refresh_from_db()
    headers = delivery.headers(
        message,
        timestamp=int(time.time()),
        secrets=tenants.webhook_secrets(Tenant.objects.get(pk=bystander.tenant.pk)),
    )
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        Webhook(secret).verify(message.body, headers)


@pytest.mark.parametrize(("overlap", "number"), [(60, 2), (0, 1), (-1, 1)])
def test_the_replaced_secret_signs_until_its_time_is_over(
    bystander: Account, overlap: int, number: int
) -> None:
    old = bystander.tenant.webhook_secret
    tenant = tenants.rotate_webhook_secret(bystander.tenant, overlap_seconds=overlap)
    assert tenants.webhook_secrets(tenant) == [tenant.webhook_secret, old][:number]
    again = tenants.rotate_webhook_secret(tenant, overlap_seconds=60)
    assert tenants.webhook_secrets(again) == [again.webhook_secret, tenant.webhook_secret]


@pytest.mark.parametrize("url", ["http://[::1", "", "http://[zz]/", "x" * 3000, "http://\u0130/"])
def test_an_address_that_is_none_has_a_place_in_line_too(url: str) -> None:
    found = hooks.place(url)
    assert len(found.host) <= 255
    assert 0 <= found.lane < hooks.LANES


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
