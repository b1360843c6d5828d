"""What an upstream may do to a submit, through the relay: refuse it, lose it, keep us waiting.

The words that begin with zz steer the sandbox (channels/sandbox/prompts.py).
"""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from django.db.models.functions import Now

from relay.models import Attempt, Task
from tests.accounts import Account, open_channel
from tests.api.shapes import assert_accepted, assert_refused
from tests.listener import listening
from tests.stack import free_port, wait_until

OpenAnAccount = Callable[..., Account]
HELD = ("hold", "0.00", "0.10")
PAID = ("capture", "-0.10", "-0.10")
GIVEN_BACK = ("release", "0.00", "-0.10")


def nowhere() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}/midjourney-proxy"


def of(account: Account, word: str) -> str:
    """A prompt that the sandbox's journal can be searched for."""
    return f"a lighthouse of {account.tenant.name} {word}"


def assert_one_end(account: Account, task_id: str | int, end: tuple[str, str, str]) -> None:
    assert account.entries(str(task_id)) == [HELD, end]
    assert account.wallet.held == 0


def assert_refused_and_released(account: Account, *, attempts: list[str]) -> None:
    """Nobody was told the task's id; it is ended and its money free, before the answer leaves."""
    task = account.last_task
    assert (task.status, task.next_poll_at) == ("FAILURE", None)
    assert account.attempts(task.pk) == attempts
    assert_one_end(account, task.pk, GIVEN_BACK)
    assert account.funds == ("100.00", "0.00")
    assert account.written["callbacks"] == 0


def test_a_banned_prompt_names_the_word(account: Account) -> None:
    prompt = of(account, "zzban")
    properties = {"promptEn": prompt, "bannedWord": "zzban"}
    answer = account.imagine(prompt, notifyHook=account.stack.inbox_url("never"))
    assert_refused(answer, 400, "banned_prompt", code=24, properties=properties)
    assert_refused_and_released(account, attempts=["refused"])


def test_a_banned_prompt_is_the_tenants_own_fault_and_goes_no_further(account: Account) -> None:
    open_channel(account.stack, group=account.tenant.name)
    account.imagine(of(account, "zzban"))
    assert len(account.stack.submits(account.tenant.name)) == 1


def test_a_full_upstream_is_a_full_queue(account: Account) -> None:
    answer = account.imagine(of(account, "zzfull"))
    assert_refused(answer, 429, "queue_full", code=23)
    assert int(answer.headers["Retry-After"]) > 0
    assert_refused_and_released(account, attempts=["refused"])


def test_a_queued_submit_is_accepted_with_code_1(account: Account) -> None:
    """Clients take the upstream's 22 for a refusal and lose the paid task."""
    task_id = assert_accepted(account.imagine("zzqueue"))
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert_one_end(account, task_id, PAID)


def test_an_html_error_page_is_a_refusal_in_our_own_words(account: Account) -> None:
    open_channel(account.stack, group=account.tenant.name)
    text = assert_refused(account.imagine(of(account, "zz500")), 502, "upstream_rejected", code=9)
    assert "html" not in text.lower()
    # It proves too little to ask a second upstream.
    assert len(account.stack.submits(account.tenant.name)) == 1
    assert_refused_and_released(account, attempts=["refused"])
    # The raw text is kept for the operator.
    assert "500 Internal Server Error" in Attempt.objects.get(task=account.last_task).answer


def test_an_upstream_without_accounts_is_never_code_3(account: Account) -> None:
    """A relay behind us disables its channel when it sees a 3."""
    answer = account.imagine(of(account, "zzcode3"))
    assert_refused(answer, 503, "no_channel", code=9)
    assert int(answer.headers["Retry-After"]) > 0
    assert_refused_and_released(account, attempts=["refused"])


@pytest.mark.parametrize("word", ["zzcut", "zzcut zzmute", "zzhang"])
def test_a_missing_answer_is_no_refusal(account: Account, word: str) -> None:
    """The upstream has the task although we were never told: it is not sent again, not even to
    another channel, and it ends as if nothing had been."""
    open_channel(account.stack, group=account.tenant.name)
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = assert_accepted(account.imagine(of(account, word), notifyHook=hook))
    task = account.finish(task_id)
    assert (task["status"], task["progress"]) == ("SUCCESS", "100%")
    assert len(account.stack.submits(account.tenant.name)) == 1
    assert account.attempts(task_id) == ["accepted"]
    assert_one_end(account, task_id, PAID)


@pytest.mark.parametrize("headers", [False, True], ids=["body", "headers"])
def test_an_answer_that_drips_is_a_missing_answer(
    open_an_account: OpenAnAccount, headers: bool
) -> None:
    """The time is for the whole answer. Otherwise tenants wait for hours."""
    with listening(drip_seconds=0.3, drip_headers=headers) as upstream:
        account = open_an_account(channel_url=upstream.url)
        started = time.monotonic()
        task_id = assert_accepted(
            account.request(
                "POST", "/mj/submit/imagine", json={"prompt": "a lighthouse"}, timeout=60
            )
        )
        assert time.monotonic() - started < 15
    assert account.attempts(task_id) == ["unknown"]
    assert account.entries(task_id) == [HELD]


@pytest.mark.parametrize("word", ["zz502", "zzdead"])
def test_an_unknown_outcome_ends_when_the_upstream_surely_has_nothing(
    account: Account, word: str
) -> None:
    """A gateway's page or a cut connection proves nothing: accepted for the time being."""
    open_channel(account.stack, group=account.tenant.name)
    task_id = assert_accepted(account.imagine(of(account, word)))
    assert account.entries(task_id) == [HELD]
    assert account.attempts(task_id) == ["unknown"]
    task = account.finish(task_id)
    assert (task["status"], task["progress"], task["imageUrl"]) == ("FAILURE", "100%", "")
    assert task["failReason"]
    assert len(account.stack.submits(account.tenant.name)) == 1
    assert_one_end(account, task_id, GIVEN_BACK)


def test_a_task_that_the_upstream_forgets_is_given_back_after_the_grace(account: Account) -> None:
    task_id = assert_accepted(account.imagine(of(account, "zzlost")))
    assert account.attempts(task_id) == ["accepted"]
    task = account.finish(task_id)
    assert task["status"] == "FAILURE"
    assert "lost" in task["failReason"]
    # Not at the first look that did not show it.
    assert task["finishTime"] - task["submitTime"] >= 1500
    assert_one_end(account, task_id, GIVEN_BACK)


@pytest.mark.parametrize("word", ["zztwice", "zzjumble"])
def test_hints_that_come_twice_or_late_change_nothing(account: Account, word: str) -> None:
    task_id = account.draw(word)
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert_one_end(account, task_id, PAID)


def test_a_group_without_a_channel_is_told_so(account: Account) -> None:
    account.channel.delete()
    before = account.written
    answer = account.imagine()
    assert_refused(answer, 503, "no_channel", code=9, says="IMAGINE")
    assert int(answer.headers["Retry-After"]) > 0
    assert account.written == before


@pytest.mark.parametrize(
    "change",
    [
        {"state": "disabled"},
        {"state": "draining"},
        {"groups": ["another"]},
        {"actions": ["UPSCALE"]},
        {"modes": ["relax"]},
    ],
    ids=str,
)
def test_a_channel_that_may_not_be_used_is_as_good_as_none(
    account: Account, change: dict[str, object]
) -> None:
    assert_accepted(account.imagine("zzslow"))
    for name, value in change.items():
        setattr(account.channel, name, value)
    account.channel.save()
    before = account.written
    assert_refused(account.imagine(), 503, "no_channel", code=9)
    assert account.written == before


@pytest.mark.parametrize("state", ["disabled", "draining"])
def test_a_closed_channel_still_finishes_what_it_has(account: Account, state: str) -> None:
    task_id = account.draw("a lighthouse zzmute")
    account.channel.state = state
    account.channel.save()
    assert account.finish(task_id)["status"] == "SUCCESS"


def test_an_unreachable_channel_hands_over_to_the_next(account: Account) -> None:
    """Two attempts, one hold: the refused connection proves that nothing was sent."""
    open_channel(account.stack, group=account.tenant.name, url=nowhere(), priority=9)
    task_id = assert_accepted(account.imagine(of(account, "")))
    assert account.attempts(task_id) == ["unreachable", "accepted"]
    assert account.last_task.channel == account.channel
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert_one_end(account, task_id, PAID)


def test_a_name_that_does_not_resolve_hands_over_to_the_next(account: Account) -> None:
    url = "http://upstream.invalid/midjourney-proxy"
    open_channel(account.stack, group=account.tenant.name, url=url, priority=9)
    task_id = assert_accepted(account.imagine(of(account, "")))
    assert account.attempts(task_id) == ["unreachable", "accepted"]


def test_a_full_channel_hands_over_to_the_next(account: Account) -> None:
    open_channel(account.stack, group=account.tenant.name)
    open_channel(account.stack, group=account.tenant.name)
    open_channel(account.stack, group=account.tenant.name)
    answer = account.imagine(of(account, "zzfull"))
    assert_refused(answer, 429, "queue_full", code=23)
    # At most three of the four are asked, each once.
    rows = Attempt.objects.filter(task=account.last_task)
    assert len({row.channel_id for row in rows}) == 3
    assert_refused_and_released(account, attempts=["refused"] * 3)


def test_only_unreachable_channels_are_no_channel(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(channel_url=nowhere())
    open_channel(account.stack, group=account.tenant.name, url=nowhere())
    answer = account.imagine(notifyHook=account.stack.inbox_url("never"))
    assert_refused(answer, 503, "no_channel", code=9)
    assert int(answer.headers["Retry-After"]) > 0
    assert_refused_and_released(account, attempts=["unreachable", "unreachable"])


def test_the_address_of_an_upstream_is_not_in_a_refusal(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(channel_url=nowhere())
    text = account.imagine().text
    assert "127.0.0.1" not in text
    assert account.channel.name not in text


def test_a_task_past_its_deadline_is_ended_by_the_next_look(account: Account) -> None:
    task_id = account.draw("zzslow")
    Task.objects.filter(pk=task_id).update(deadline_at=Now())
    ended = account.finish(task_id)
    assert ended["status"] == "FAILURE"
    assert "timed out" in ended["failReason"]
    assert_one_end(account, task_id, GIVEN_BACK)


def test_a_finished_picture_beats_a_deadline(account: Account) -> None:
    """The upstream is asked once more before a deadline is believed."""
    task_id = account.draw("a lighthouse zzmute")
    Task.objects.filter(pk=task_id).update(next_poll_at=Now() + timedelta(hours=1))
    url = f"{account.channel.base_url}/mj/task/{account.last_task.upstream_id}/fetch"

    def is_drawn() -> bool:
        return bool(requests.get(url, timeout=5).json()["status"] == "SUCCESS")

    wait_until(is_drawn, what="the picture")
    Task.objects.filter(pk=task_id).update(deadline_at=Now(), next_poll_at=Now())
    assert account.finish(task_id)["status"] == "SUCCESS"


def test_a_task_that_outlived_everything_is_swept(account: Account) -> None:
    """Nobody looks at it any more, and it ends all the same."""
    task_id = account.draw("zzslow zzmute")
    Task.objects.filter(pk=task_id).update(expires_at=Now(), next_poll_at=Now() + timedelta(days=1))
    ended = account.finish(task_id)
    assert ended["status"] == "FAILURE"
    assert "expired" in ended["failReason"]
    assert_one_end(account, task_id, GIVEN_BACK)
