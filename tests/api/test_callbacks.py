"""What a tenant's hook hears: signed, in order, again until it is heard (tenant-api, section 8)."""

import itertools
import json
import time
from typing import Any

import pytest
from django.db.models.functions import Now
from standardwebhooks import Webhook, WebhookVerificationError

from relay.models import Callback
from tests.accounts import Account
from tests.listener import listening
from tests.stack import QUICK, wait_until


def inbox(account: Account, status: str = "") -> list[dict[str, Any]]:
    """What came for this account, or only what came in this state."""
    messages = account.stack.inbox(account.tenant.name)
    return [m for m in messages if not status or json.loads(m["body"])["status"] == status]


def first(account: Account, status: str) -> dict[str, Any]:
    wait_until(lambda: inbox(account, status), what=f"a callback about {status}")
    return inbox(account, status)[0]


def settled(account: Account, task_id: str) -> Callback:
    """The final message once nothing more will be tried."""
    messages = Callback.objects.filter(task=int(task_id), is_final=True).exclude(state="pending")
    callback: Callback = wait_until(messages.first, what="the end of the delivery")
    return callback


def tried(account: Account, task_id: str, times: int) -> Callback:
    """The final message after so many tries."""
    wait_until(lambda: len(account.tries(task_id)) >= times, what=f"try {times}")
    return account.callback(task_id)


def seconds_until_due(callback: Callback) -> float:
    assert callback.due_at
    return callback.due_at.timestamp() - time.time()


def test_the_final_message_is_signed_and_is_what_fetch_shows(account: Account) -> None:
    task_id = account.draw(notifyHook=account.stack.inbox_url(account.tenant.name), state="灯塔")
    message = first(account, "SUCCESS")
    headers = message["headers"]
    Webhook(account.tenant.webhook_secret).verify(message["body"], headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(account.tenant.webhook_secret).verify(message["body"] + " ", headers)
    assert json.loads(message["body"]) == account.fetch(task_id)
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 30
    assert settled(account, task_id).state == "delivered"
    ((number, status),) = [(row.number, row.status_code) for row in account.tries(task_id)]
    assert (number, status) == (1, 200)


def test_a_failure_is_told_too(account: Account) -> None:
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw("zzfail", notifyHook=hook)
    message = first(account, "FAILURE")
    Webhook(account.tenant.webhook_secret).verify(message["body"], message["headers"])
    assert json.loads(message["body"]) == account.fetch(task_id)


def test_a_task_that_was_never_drawn_is_told_too(account: Account) -> None:
    """The submit was answered as accepted, so its end must be heard of."""
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw("zz502", notifyHook=hook)
    assert json.loads(first(account, "FAILURE")["body"])["id"] == task_id


def test_messages_count_upwards_and_the_last_is_final(account: Account) -> None:
    task_id = account.draw(notifyHook=account.stack.inbox_url(account.tenant.name))
    account.finish(task_id)
    settled(account, task_id)
    messages = inbox(account)
    numbers = [int(message["headers"]["x-relay-sequence"]) for message in messages]
    assert len(set(numbers)) == len(numbers)
    by_number = [
        m for _, m in sorted(zip(numbers, messages, strict=True), key=lambda pair: pair[0])
    ]
    bodies = [json.loads(message["body"]) for message in by_number]
    percents = [int(body["progress"].removesuffix("%")) for body in bodies]
    assert percents == sorted(percents)
    assert [body["status"] for body in bodies].count("SUCCESS") == 1
    assert bodies[-1]["status"] == "SUCCESS"
    assert len({message["headers"]["webhook-id"] for message in messages}) == len(messages)


def test_a_slow_receiver_hears_no_state_after_a_later_one(account: Account) -> None:
    """The next message leaves when the one before has ended; the inbox notes when each began."""
    hook = account.stack.inbox_url(account.tenant.name, "?sleep=0.5")
    tasks = [account.draw(notifyHook=hook) for _ in range(3)]
    for task_id in tasks:
        assert settled(account, task_id).state == "delivered"
    for task_id in tasks:
        mine = [m for m in inbox(account) if json.loads(m["body"])["id"] == task_id]
        numbers = [int(message["headers"]["x-relay-sequence"]) for message in mine]
        assert numbers == sorted(set(numbers))
        starts = [message["at"] for message in mine]
        assert all(later - sooner >= 500 for sooner, later in itertools.pairwise(starts))


def test_a_receiver_that_is_gone_is_called_no_more(account: Account) -> None:
    hook = account.stack.inbox_url(account.tenant.name, "?status=410")
    task_id = account.draw("zzfail", notifyHook=hook)
    assert settled(account, task_id).state == "held_back"
    later = account.draw("zzfail", notifyHook=hook)
    account.finish(later)
    assert settled(account, later).state == "held_back"
    assert account.tries(later) == []
    # On a busy machine the sandbox may write down what came before only now.
    assert {json.loads(message["body"])["id"] for message in inbox(account)} == {task_id}


def test_a_receiver_that_asks_for_time_gets_it(account: Account) -> None:
    hook = account.stack.inbox_url(account.tenant.name, "?status=429&retry_after=600")
    callback = tried(account, account.draw("zzlost", notifyHook=hook), 1)
    assert 590 < seconds_until_due(callback) <= 600


def test_a_receiver_that_fails_hears_the_same_message_again(account: Account) -> None:
    """The ladder's first rungs: 0, 5 and 30 seconds. The last wait is read, then cut short."""
    hook = account.stack.inbox_url(account.tenant.name, "?fail=2")
    task_id = account.draw("zzlost", notifyHook=hook)
    tried(account, task_id, 2)
    one, two = account.tries(task_id)
    assert 4 <= (two.created_at - one.created_at).total_seconds() <= 20

    callback = account.callback(task_id)
    assert (callback.state, callback.tries) == ("pending", 2)
    # It is due from the end of the try on, whose row is written then too.
    assert callback.due_at is not None
    assert 24 - 1.5 < (callback.due_at - two.created_at).total_seconds() < 36
    Callback.objects.filter(pk=callback.pk).update(due_at=Now())
    assert settled(account, task_id).state == "delivered"

    rows = [(row.number, row.status_code) for row in account.tries(task_id)]
    assert rows == [(1, 500), (2, 500), (3, 200)]
    messages = inbox(account)
    assert len(messages) == 3
    assert len({message["headers"]["webhook-id"] for message in messages}) == 1
    assert len({message["headers"]["x-relay-sequence"] for message in messages}) == 1
    assert len({message["body"] for message in messages}) == 1
    for message in messages:
        Webhook(account.tenant.webhook_secret).verify(message["body"], message["headers"])


def test_a_redirect_is_a_failed_try_and_is_not_followed(account: Account) -> None:
    with listening() as elsewhere:
        location = {"Location": elsewhere.url}
        with listening(status=302, headers=location) as receiver:
            task_id = account.draw("zzfail", notifyHook=receiver.url)
            callback = tried(account, task_id, 1)
        assert elsewhere.asked == []
    assert callback.state == "pending"
    assert account.tries(task_id)[0].status_code == 302


def test_a_long_answer_is_cut(account: Account) -> None:
    with listening(body="灯塔 ".encode() * 100_000) as receiver:
        task_id = account.draw("zzfail", notifyHook=receiver.url)
        assert settled(account, task_id).state == "delivered"
    answer = account.tries(task_id)[0].answer
    assert answer.startswith("灯塔 灯塔")
    assert len(answer) <= 2048


def test_an_answer_with_nul_is_kept_without_it(account: Account) -> None:
    with listening(body=b"a\x00b\xff") as receiver:
        task_id = account.draw("zzfail", notifyHook=receiver.url)
        assert settled(account, task_id).state == "delivered"
    assert account.tries(task_id)[0].answer == "ab\ufffd"


def test_a_2xx_is_heard_even_when_its_text_cannot_be_read(account: Account) -> None:
    """The receiver has the message; to send it again would be our mistake, not its."""
    headers = {"Content-Encoding": "gzip"}
    with listening(status=202, headers=headers, body=b"no gzip") as receiver:
        task_id = account.draw("zzfail", notifyHook=receiver.url)
        callback = tried(account, task_id, 1)
    assert (account.tries(task_id)[0].status_code, callback.state) == (202, "delivered")


def test_a_receiver_that_hangs_is_left_after_the_time_out(account: Account) -> None:
    hook = account.stack.inbox_url(account.tenant.name, "?sleep=30")
    task_id = account.draw("zzfail", notifyHook=hook)
    callback = tried(account, task_id, 1)
    (row,) = account.tries(task_id)
    assert (row.status_code, callback.state) == (None, "pending")
    assert 1900 <= row.milliseconds <= 4000
    assert "imeout" in row.answer or "timed out" in row.answer


@pytest.mark.parametrize("headers", [False, True], ids=["body", "headers"])
def test_a_receiver_that_drips_its_answer_is_left_after_the_time_out(
    account: Account, headers: bool
) -> None:
    """The time-out is for the whole try. Otherwise one receiver that sends a byte now and then
    keeps its worker for hours, and the message's lease ends meanwhile."""
    with listening(drip_seconds=0.5, drip_headers=headers) as receiver:
        task_id = account.draw("zzfail", notifyHook=receiver.url)
        wait_until(lambda: account.tries(task_id), what="the end of the first try")
    assert account.tries(task_id)[0].milliseconds < 10_000


def test_a_hanging_receiver_delays_nobody_else(account: Account) -> None:
    hanging = account.stack.inbox_url(account.tenant.name + "-hanging", "?sleep=30")
    for _ in range(10):
        account.draw("zzfail", notifyHook=hanging)
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw("zzfail", notifyHook=hook)
    task = account.finish(task_id)
    callback = settled(account, task_id)
    assert callback.state == "delivered"
    told = account.tries(task_id)[0].created_at.timestamp() - task["finishTime"] / 1000
    # One after the other they would take twenty seconds.
    assert told < 10


@pytest.mark.parametrize("url", ["http://10.255.255.1:25/", "http://169.254.169.254/latest/"])
def test_a_hook_inside_a_private_network_is_never_dialled(account: Account, url: str) -> None:
    """Only the network that the operator allowed is."""
    task_id = account.draw("zzfail", notifyHook=url)
    callback = tried(account, task_id, 1)
    (row,) = account.tries(task_id)
    assert (row.status_code, callback.state) == (None, "pending")
    assert "Forbidden" in row.answer
    assert row.milliseconds < 1000 * float(QUICK["CALLBACK_TIMEOUT_SECONDS"])


def test_nobody_is_called_without_a_hook(account: Account) -> None:
    account.finish(account.draw())
    assert account.written["callbacks"] == 0


def test_the_hook_of_the_tenant_is_called_when_the_body_names_none(account: Account) -> None:
    account.tenant.default_hook = account.stack.inbox_url(account.tenant.name)
    account.tenant.save()
    task_id = account.draw("zzfail")
    assert json.loads(first(account, "FAILURE")["body"])["id"] == task_id
    other = account.stack.inbox_url(account.tenant.name + "-other")
    account.finish(account.draw("zzfail", notifyHook=other))
    wait_until(lambda: account.stack.inbox(account.tenant.name + "-other"), what="the other hook")
    assert {json.loads(message["body"])["id"] for message in inbox(account)} == {task_id}


def test_a_hook_in_lower_case_is_called(account: Account) -> None:
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw("zzfail", notifyhook=hook)
    assert json.loads(first(account, "FAILURE")["body"])["id"] == task_id


@pytest.mark.parametrize("word", ["zzban", "zzfull", "zz500", "zzcode3"])
def test_nobody_is_called_about_a_submit_that_was_refused(account: Account, word: str) -> None:
    answer = account.imagine(word, notifyHook=account.stack.inbox_url(account.tenant.name))
    assert answer.status_code >= 400
    assert account.written["callbacks"] == 0


def test_the_state_is_stored_before_it_is_told(account: Account) -> None:
    """Whoever fetches on hearing of it sees at least what the message said."""
    ranks = {"NOT_START": 0, "SUBMITTED": 1, "IN_PROGRESS": 2, "SUCCESS": 3}
    task_id = account.draw(notifyHook=account.stack.inbox_url(account.tenant.name))
    heard = 0
    while heard < ranks["SUCCESS"]:
        told = [ranks[json.loads(message["body"])["status"]] for message in inbox(account)]
        heard = max([heard, *told])
        assert ranks[account.fetch(task_id)["status"]] >= heard
