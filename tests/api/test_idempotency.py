"""`Idempotency-Key`: the same submit sent again is the same task."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import requests
from django.utils import timezone

from relay.models import IdempotentRequest, Task
from tests.accounts import Account, open_account

PARALLEL = 100


def imagine(account: Account, key: str, prompt: str = "a lighthouse") -> requests.Response:
    return account.request(
        "POST",
        "/mj/submit/imagine",
        json={"prompt": prompt},
        headers={"Idempotency-Key": key},
    )


def row(account: Account) -> IdempotentRequest:
    return IdempotentRequest.objects.get(tenant=account.tenant)


def test_the_same_again_is_the_same_task(account: Account) -> None:
    first, again = imagine(account, "k"), imagine(account, "k")
    assert again.content == first.content
    assert (first.status_code, again.status_code) == (200, 200)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    account.finish(first.json()["result"])
    assert imagine(account, "k").content == first.content
    assert account.funds == ("99.90", "0.00")
    assert account.written["tasks"] == 1


def test_another_body_under_the_same_key_is_refused(account: Account) -> None:
    imagine(account, "k")
    answer = imagine(account, "k", "a harbour")
    assert (answer.status_code, answer.json()["type"]) == (422, "idempotency_mismatch")
    other_path = account.request(
        "POST",
        "/mj-relax/mj/submit/imagine",
        json={"prompt": "a lighthouse"},
        headers={"Idempotency-Key": "k"},
    )
    assert other_path.status_code == 422
    assert account.written["tasks"] == 1


def test_many_at_once_are_one_task_one_hold_and_one_upstream_call(account: Account) -> None:
    prompt = f"only once {account.tenant.name}"
    with ThreadPoolExecutor(PARALLEL) as threads:
        answers = list(threads.map(lambda _: imagine(account, "k", prompt), range(PARALLEL)))
    taken = {answer.json()["result"] for answer in answers if answer.status_code == 200}
    twins = [answer for answer in answers if answer.status_code != 200]
    assert len(taken) == 1
    assert {twin.json()["type"] for twin in twins} <= {"idempotency_in_progress"}
    assert all(int(twin.headers["Retry-After"]) > 0 for twin in twins)
    assert len(account.stack.submits(prompt)) == 1
    account.finish(taken.pop())
    assert account.funds == ("99.90", "0.00")


def test_a_refusal_is_not_remembered(account: Account) -> None:
    poor = open_account(account.stack, funds="0")
    assert imagine(poor, "k").status_code == 402
    assert not IdempotentRequest.objects.filter(tenant=poor.tenant).exists()
    assert imagine(account, "k2", "zzban").status_code == 400
    assert imagine(account, "k2", "something else").status_code == 200


def test_tenants_do_not_meet_in_a_key(account: Account) -> None:
    other = open_account(account.stack)
    results = {imagine(one, "k").json()["result"] for one in (account, other)}
    assert len(results) == 2


def test_a_key_is_free_again_after_a_day(account: Account) -> None:
    first = imagine(account, "k").json()["result"]
    day_ago = timezone.now() - timedelta(hours=24, minutes=1)
    IdempotentRequest.objects.filter(tenant=account.tenant).update(started_at=day_ago)
    assert imagine(account, "k", "a harbour").json()["result"] != first


def cut_off(account: Account) -> IdempotentRequest:
    """As if the web process had died after the submit and long ago."""
    IdempotentRequest.objects.filter(tenant=account.tenant).update(
        answer="", started_at=timezone.now() - timedelta(hours=1)
    )
    return row(account)


def test_a_twin_of_a_request_that_has_just_begun_has_to_wait(account: Account) -> None:
    imagine(account, "k")
    IdempotentRequest.objects.filter(tenant=account.tenant).update(answer="")
    answer = imagine(account, "k")
    assert (answer.status_code, answer.json()["type"]) == (409, "idempotency_in_progress")


def test_the_task_of_a_request_that_was_cut_off_is_its_answer(account: Account) -> None:
    task_id = imagine(account, "k").json()["result"]
    cut_off(account)
    answer = imagine(account, "k")
    assert answer.json() == {
        "code": 1, "description": "提交成功", "result": task_id, "properties": {}
    }  # fmt: skip
    assert account.written["tasks"] == 1


def test_a_request_that_was_cut_off_before_it_paid_is_done_now(account: Account) -> None:
    imagine(account, "k")
    Task.objects.filter(request_id=cut_off(account).pk).update(request_id=None)
    assert imagine(account, "k").status_code == 200
    assert account.written["tasks"] == 2


def test_a_key_that_is_too_long_is_refused(account: Account) -> None:
    answer = imagine(account, "x" * 256)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request")
    assert account.written["tasks"] == 0
