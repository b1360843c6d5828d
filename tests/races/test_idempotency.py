"""`Idempotency-Key` over several web processes, and other ways to ask twice: nothing is drawn or
paid a second time."""

from collections import Counter
from datetime import timedelta
from threading import Thread

import pytest
import requests
from django.utils import timezone

from relay.models import IdempotentRequest, Task
from tests.accounts import Account, open_account
from tests.proofs import prove
from tests.races.together import raised, together
from tests.stack import Stack, wait_until

AT_ONCE = 100
HELD, PAID = ("hold", "0.00", "0.10"), ("capture", "-0.10", "-0.10")


@pytest.fixture
def account(two_webs: Stack) -> Account:
    return open_account(two_webs)


def imagine(account: Account, key: str, prompt: str, *, url: str = "") -> requests.Response:
    return requests.post(
        f"{url or account.stack.url}/mj/submit/imagine",
        json={"prompt": prompt},
        headers=account.headers | {"Idempotency-Key": key},
        timeout=30,
    )


def all_at_once(calls: list) -> list[requests.Response]:
    answers = together(calls)
    assert not raised(answers), raised(answers)[:3]
    return answers


def only_task(answers: list[requests.Response]) -> str:
    """The id that all accepted ones were told. Of these one was the first and the others were told
    the very same; the rest came while the first was under way."""
    taken = [answer for answer in answers if answer.status_code == 200]
    (body,) = {answer.content for answer in taken}
    firsts = [answer for answer in taken if "Idempotent-Replayed" not in answer.headers]
    assert len(firsts) == 1
    assert {a.headers["Idempotent-Replayed"] for a in taken if a is not firsts[0]} <= {"true"}
    twins = [answer for answer in answers if answer.status_code != 200]
    assert {(twin.status_code, twin.json()["type"]) for twin in twins} <= {
        (409, "idempotency_in_progress")
    }
    assert all(int(twin.headers["Retry-After"]) > 0 for twin in twins)
    assert body == firsts[0].content
    return str(firsts[0].json()["result"])


def assert_drawn_once(account: Account, task_id: str, prompt: str) -> None:
    """One task, one hold, one upstream call, one payment."""
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert len(account.stack.submits(prompt)) == 1
    assert account.written["tasks"] == 1
    assert account.entries() == [("topup", "100.00", "0.00"), HELD, PAID]
    prove(account.tenant.pk)


def test_a_hundred_at_once_over_two_web_processes_are_one(account: Account) -> None:
    prompt = f"one of a hundred {account.tenant.name}"
    task_id = only_task(all_at_once([lambda: imagine(account, "k", prompt)] * AT_ONCE))
    assert_drawn_once(account, task_id, prompt)
    # Who comes later is told the same, by every process.
    later = all_at_once([lambda: imagine(account, "k", prompt)] * 20)
    assert {(a.status_code, a.headers["Idempotent-Replayed"]) for a in later} == {(200, "true")}
    assert {answer.json()["result"] for answer in later} == {task_id}
    assert_drawn_once(account, task_id, prompt)


def test_of_two_bodies_at_once_under_one_key_one_is_drawn(account: Account) -> None:
    prompts = [f"{word} {account.tenant.name}" for word in ("a harbour", "a lighthouse")]
    answers = all_at_once(
        [lambda number=number: imagine(account, "k", prompts[number % 2]) for number in range(60)]
    )
    winner = 0 if answers[0].status_code in (200, 409) else 1
    task_id = only_task(answers[winner::2])
    losers = answers[1 - winner :: 2]
    assert {(answer.status_code, answer.json()["type"]) for answer in losers} == {
        (422, "idempotency_mismatch")
    }
    assert_drawn_once(account, task_id, prompts[winner])
    assert account.stack.submits(prompts[1 - winner]) == []


def test_two_in_the_same_moment_on_two_processes_are_one(stack: Stack, account: Account) -> None:
    """One web process has its own port, so that no two of a pair are in one process."""
    drawn = {}
    for number in range(20):
        prompt = f"pair {number} of {account.tenant.name}"
        both = [
            lambda url=url, k=f"k{number}", p=prompt: imagine(account, k, p, url=url)
            for url in (stack.url, account.stack.url)
        ]
        drawn[prompt] = only_task(all_at_once(both))
    assert len(set(drawn.values())) == 20
    for prompt, task_id in drawn.items():
        assert account.finish(task_id)["status"] == "SUCCESS"
        assert len(account.stack.submits(prompt)) == 1
    assert account.funds == ("98.00", "0.00")
    prove(account.tenant.pk)


def test_all_keys_of_a_tenant_share_its_requests(account: Account) -> None:
    prompt = f"by two keys {account.tenant.name}"
    callers = [account, account.new_key()] * 10
    answers = all_at_once(
        [lambda caller=caller: imagine(caller, "k", prompt) for caller in callers]
    )
    assert_drawn_once(account, only_task(answers), prompt)


def test_the_web_dies_in_the_middle_of_the_first(account: Account) -> None:
    """The upstream has it, its client knows nothing and asks again under the same key."""
    prompt = f"zzhang zzmute {account.tenant.name}"
    errors: list[Exception] = []

    def first() -> None:
        try:
            imagine(account, "k", prompt)
        except requests.RequestException as error:
            errors.append(error)

    thread = Thread(target=first, daemon=True)
    thread.start()
    wait_until(lambda: account.stack.submits(prompt), what="the submit")
    account.stack.kill("web")
    thread.join(10)
    assert errors
    account.stack.start("web")
    twin = imagine(account, "k", prompt)
    # Nobody can know yet that the first is dead.
    assert (twin.status_code, twin.json()["type"]) == (409, "idempotency_in_progress")
    IdempotentRequest.objects.filter(tenant=account.tenant).update(
        started_at=timezone.now() - timedelta(hours=1)
    )
    again = all_at_once([lambda: imagine(account, "k", prompt)] * 10)
    assert {answer.status_code for answer in again} == {200}
    (task_id,) = {answer.json()["result"] for answer in again}
    Task.objects.live().filter(pk=task_id).update(next_poll_at=timezone.now())
    assert_drawn_once(account, task_id, prompt)


def test_a_dead_request_that_came_to_nothing_is_done_once(account: Account) -> None:
    """Its process died before anything was paid; many ask again at the same moment."""
    prompt = f"taken over {account.tenant.name}"
    first = imagine(account, "k", prompt)
    account.finish(first.json()["result"])
    Task.objects.filter(tenant=account.tenant).update(request_id=None)
    IdempotentRequest.objects.filter(tenant=account.tenant).update(
        answer="", started_at=timezone.now() - timedelta(hours=1)
    )
    task_id = only_task(all_at_once([lambda: imagine(account, "k", prompt)] * 30))
    assert task_id != first.json()["result"]
    account.finish(task_id)
    assert len(account.stack.submits(prompt)) == 2
    assert account.funds == ("99.80", "0.00")
    prove(account.tenant.pk)


@pytest.mark.parametrize("with_keys", [True, False], ids=["own keys", "no keys"])
def test_what_the_upstream_has_drawn_already_is_paid_once(
    account: Account, with_keys: bool
) -> None:
    """Twenty equal follow-ups at once; the upstream answers code 21 to all but the first."""
    parent = account.finish(account.draw(f"zznextexists {account.tenant.name}"))["id"]
    body = {"taskId": parent, "action": "UPSCALE", "index": 1}

    def upscale(number: int) -> requests.Response:
        headers = {"Idempotency-Key": f"k{number}"} if with_keys else {}
        return account.request("POST", "/mj/submit/change", json=body, headers=headers)

    answers = all_at_once([lambda number=number: upscale(number) for number in range(20)])
    told = Counter(a.json()["result"] for a in answers if a.status_code == 200)
    assert len(told) == 1
    # Who was answered before the first task's name was stored heard a no.
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.json()["type"] for answer in refused} <= {"upstream_rejected"}
    (task_id,) = told
    account.finish(task_id)
    assert {upscale(number).json()["result"] for number in range(20)} == {task_id}
    assert account.funds == ("99.85", "0.00")
    prove(account.tenant.pk)
