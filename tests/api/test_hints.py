"""An upstream's POST only makes a look happen sooner; what it says is never believed on its own."""

from datetime import timedelta

import pytest
import requests
from django.db.models.functions import Now
from django.utils import timezone

from relay import signing
from relay.models import Task
from tests.accounts import Account
from tests.api.shapes import assert_refused
from tests.stack import Stack, wait_until


def hint_url(account: Account, task_id: str) -> str:
    """The address that the sandbox was given."""
    submits = account.stack.submits(account.tenant.name)
    (url,) = [
        str(submit["body"]["notifyHook"])
        for submit in submits
        if f"/hints/{task_id}." in submit["body"]["notifyHook"]
    ]
    return url


def draw(account: Account, words: str) -> str:
    return account.draw(f"{words} {account.tenant.name}")


def put_off(task_id: str) -> None:
    """Nobody would look for an hour."""
    Task.objects.filter(pk=task_id).update(next_poll_at=Now() + timedelta(hours=1))


def hours_until_the_next_look(task_id: str) -> float:
    due = Task.objects.get(pk=task_id).next_poll_at
    assert due
    return (due - timezone.now()).total_seconds() / 3600


def test_a_hint_makes_us_look_at_once(account: Account) -> None:
    task_id = draw(account, "a lighthouse zzmute")
    put_off(task_id)
    assert requests.post(hint_url(account, task_id), json={}, timeout=9).status_code == 200
    assert account.finish(task_id, seconds=5)["status"] == "SUCCESS"


def test_the_hints_of_the_upstream_itself_are_heard(account: Account) -> None:
    """Without a mute the sandbox posts at each step; an hour's wait is not noticed."""
    task_id = draw(account, "a lighthouse")
    put_off(task_id)
    assert account.finish(task_id, seconds=5)["status"] == "SUCCESS"


@pytest.mark.parametrize(
    "change", ["cut", "other-task", "other-purpose", "no-signature", "letters"]
)
def test_a_wrong_word_is_no_hint(account: Account, change: str) -> None:
    task_id = draw(account, "zzslow zzmute")
    word = hint_url(account, task_id).rpartition("/")[2]
    words = {
        "cut": word[:-1],
        "other-task": f"{int(task_id) + 1}.{word.partition('.')[2]}",
        "other-purpose": f"{task_id}.{signing.sign('image', int(task_id))}",
        "no-signature": task_id,
        "letters": "garbage",
    }
    put_off(task_id)
    answer = requests.post(f"{account.stack.url}/hints/{words[change]}", json={}, timeout=9)
    assert_refused(answer, 404, answer.json()["type"])
    assert hours_until_the_next_look(task_id) > 0.9


@pytest.mark.parametrize(
    "word", ["1.", ".", "1.签", "%00", "9" * 40 + ".x", "-1.x", "١.x", "1.%ff", "a.b.c"]
)
def test_a_garbage_word_is_no_hint(stack: Stack, word: str) -> None:
    answer = requests.post(f"{stack.url}/hints/{word}", json={}, timeout=9)
    assert_refused(answer, 404, answer.json()["type"])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_hint_is_a_post(account: Account, method: str) -> None:
    task_id = draw(account, "zzslow")
    answer = requests.request(method, hint_url(account, task_id), timeout=9)
    assert_refused(answer, 405, "method_not_allowed")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"{",
        b"[]",
        b"null",
        b'"id"',
        b"\xff\x00\xfe",
        b'{"id": null}',
        b'{"id": 7}',
        b'{"id": {"deep": []}}',
        b'{"id": "\\u0000"}',
        b'{"id": "\\ud800"}',
        b'{"id": "%s"}' % (b"9" * 5000),
        '{"id": "标识"}'.encode(),
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:14]),
)
def test_a_garbage_body_is_still_a_hint(account: Account, body: bytes) -> None:
    task_id = draw(account, "zzslow zzmute")
    put_off(task_id)
    headers = {"Content-Type": "application/json"}
    answer = requests.post(hint_url(account, task_id), data=body, headers=headers, timeout=9)
    assert (answer.status_code, answer.content) == (200, b"")
    # It was due at once; by now somebody may have looked already.
    assert hours_until_the_next_look(task_id) < 0.1
    assert Task.objects.get(pk=task_id).hinted_id == ""


def test_a_hint_needs_no_content_type(account: Account) -> None:
    task_id = draw(account, "zzslow zzmute")
    put_off(task_id)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = hint_url(account, task_id)
    assert requests.post(url, data=b"id=7", headers=form, timeout=9).status_code == 200
    assert hours_until_the_next_look(task_id) < 0.1


def test_a_hint_changes_nothing_of_a_task_that_has_ended(account: Account) -> None:
    task_id = draw(account, "zzfail")
    task = account.finish(task_id)
    news = {"id": "7", "status": "SUCCESS", "progress": "100%"}
    assert requests.post(hint_url(account, task_id), json=news, timeout=9).status_code == 200
    assert account.fetch(task_id) == task
    assert Task.objects.get(pk=task_id).next_poll_at is None


def test_what_a_hint_says_is_not_believed(account: Account) -> None:
    task_id = draw(account, "zzslow zzmute")
    lie = {
        "id": Task.objects.get(pk=task_id).upstream_id,
        "status": "SUCCESS",
        "progress": "100%",
        "imageUrl": "http://evil.example/picture.png",
    }
    requests.post(hint_url(account, task_id), json=lie, timeout=9)
    wait_until(lambda: account.fetch(task_id)["progress"] == "31%", what="31 %")
    assert hours_until_the_next_look(task_id) < 0.1
    assert account.fetch(task_id)["status"] == "IN_PROGRESS"
    assert account.wallet.held > 0


def test_the_id_of_a_known_task_cannot_be_changed_by_a_hint(account: Account) -> None:
    own, another = draw(account, "zzslow zzmute"), draw(account, "zzmute")
    upstream_id = Task.objects.get(pk=another).upstream_id
    requests.post(hint_url(account, own), json={"id": upstream_id}, timeout=9)
    assert account.finish(another)["status"] == "SUCCESS"
    wait_until(lambda: account.fetch(own)["status"] == "IN_PROGRESS", what="the first task's start")
    row = Task.objects.get(pk=own)
    assert row.hinted_id == ""
    assert row.upstream_id != upstream_id


def test_an_id_from_a_hint_is_taken_when_the_upstream_proves_it(account: Account) -> None:
    """The answer to the submit was cut off; the hint brings the id, the task's own state is the
    proof."""
    task_id = draw(account, "zzcut")
    assert account.finish(task_id)["status"] == "SUCCESS"
    (submit,) = account.stack.submits(account.tenant.name)
    assert Task.objects.get(pk=task_id).upstream_id == submit["id"]


def test_the_id_of_a_strangers_task_is_not_taken(account: Account) -> None:
    """It exists at the upstream and is nearly done, but it carries another state than ours."""
    answer = requests.post(
        f"{account.stack.sandbox_url}/midjourney-proxy/mj/submit/imagine",
        json={"prompt": "a stranger's lighthouse", "state": "a stranger's"},
        timeout=9,
    )
    stranger = answer.json()["result"]
    # The upstream has nothing of this one, and we do not know that yet.
    task_id = draw(account, "zz502")
    requests.post(hint_url(account, task_id), json={"id": stranger}, timeout=9)
    assert Task.objects.get(pk=task_id).hinted_id == stranger
    task = account.finish(task_id)
    assert (task["status"], task["imageUrl"]) == ("FAILURE", "")
    assert Task.objects.get(pk=task_id).upstream_id == ""
    assert account.funds == ("100.00", "0.00")


def test_the_id_of_another_task_of_ours_is_not_taken(account: Account) -> None:
    other = draw(account, "zzmute")
    task_id = draw(account, "zz502")
    upstream_id = Task.objects.get(pk=other).upstream_id
    requests.post(hint_url(account, task_id), json={"id": upstream_id}, timeout=9)
    assert account.finish(task_id)["status"] == "FAILURE"
    assert account.finish(other)["status"] == "SUCCESS"
    assert account.funds == ("99.90", "0.00")
