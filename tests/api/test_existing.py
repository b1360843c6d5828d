"""An upstream that has drawn the very same before (code 21, "任务已存在"): that task, uncharged.

zznextexists in a parent's prompt makes the sandbox look for an equal follow-up.
"""

import json

import pytest
import requests

from channels.models import Channel
from relay.models import Task
from tests.accounts import Account, open_account
from tests.api.shapes import assert_accepted, assert_refused
from tests.proofs import prove
from tests.stack import Stack, wait_until

HELD, PAID = ("hold", "0.00", "0.05"), ("capture", "-0.05", "-0.05")
GIVEN_BACK = ("release", "0.00", "-0.05")


def parent_of(account: Account) -> str:
    task = account.finish(account.draw(f"twins of {account.tenant.name} zznextexists"))
    return str(task["id"])


def upscale(account: Account, parent: str, index: int = 1, **fields: object) -> requests.Response:
    body = {"taskId": parent, "action": "UPSCALE", "index": index, **fields}
    return account.request("POST", "/mj/submit/change", json=body)


def hand_over(channel: Channel, giver: str, taker: str) -> None:
    """From now on it is the taker's task that stands for the giver's picture at the upstream."""
    old = Task.objects.get(pk=giver)
    Task.objects.filter(pk__in=[giver, taker]).update(upstream_id="")
    Task.objects.filter(pk=taker).update(
        upstream_id=old.upstream_id, upstream_row=old.upstream_row, channel=channel
    )


def test_the_earlier_task_is_told_again(account: Account) -> None:
    parent = parent_of(account)
    first = assert_accepted(upscale(account, parent))
    # While it is drawn, and when it has been drawn.
    assert assert_accepted(upscale(account, parent)) == first
    assert account.finish(first)["status"] == "SUCCESS"
    balance = account.funds
    assert assert_accepted(upscale(account, parent)) == first
    assert account.funds == balance == ("99.85", "0.00")
    assert account.entries(first) == [HELD, PAID]
    another = assert_accepted(upscale(account, parent, index=2))
    assert another != first
    account.finish(another)
    prove(account.tenant.pk)


def test_the_hold_of_the_second_is_given_back(account: Account) -> None:
    parent = parent_of(account)
    first = assert_accepted(upscale(account, parent))
    upscale(account, parent)
    second = account.last_task
    assert str(second.pk) != first
    assert (second.status, account.attempts(second.pk)) == ("FAILURE", ["refused"])
    assert account.entries(str(second.pk)) == [HELD, GIVEN_BACK]
    account.finish(first)


def test_nobody_is_called_back_about_the_second(account: Account) -> None:
    parent, inbox = parent_of(account), account.tenant.name
    hook = account.stack.inbox_url(inbox)
    first = assert_accepted(upscale(account, parent, notifyHook=hook))
    upscale(account, parent, notifyHook=hook)
    account.finish(first)

    def ended() -> list[dict[str, str]]:
        told = [json.loads(message["body"]) for message in account.stack.inbox(inbox)]
        return [task for task in told if task["status"] in ("SUCCESS", "FAILURE")]

    wait_until(ended, what="the callback")
    assert {(task["id"], task["status"]) for task in ended()} == {(first, "SUCCESS")}


def test_another_key_of_the_tenant_gets_it_too(account: Account) -> None:
    parent = parent_of(account)
    first = assert_accepted(upscale(account, parent))
    assert assert_accepted(upscale(account.new_key(budget="1"), parent)) == first
    account.finish(first)
    prove(account.tenant.pk)


@pytest.mark.parametrize("share", [True, False], ids=["one channel", "two channels"])
def test_another_tenants_task_is_never_told(stack: Stack, share: bool) -> None:
    """Two tenants who, at the upstream, come from the same picture."""
    alice, bob = open_account(stack), open_account(stack)
    if share:
        groups = [alice.tenant.name, bob.tenant.name]
        Channel.objects.filter(pk=alice.channel.pk).update(groups=groups)
        Channel.objects.filter(pk=bob.channel.pk).update(state=Channel.State.DISABLED)
        bob.channel = alice.channel
    parent, bobs = parent_of(alice), str(bob.finish(bob.draw("zznextexists"))["id"])
    first = assert_accepted(upscale(alice, parent))
    alice.finish(first)
    hand_over(bob.channel, parent, bobs)
    answer = upscale(bob, bobs)
    assert_refused(answer, 502, "upstream_rejected", code=9)
    assert first not in answer.text
    assert bob.funds == ("99.90", "0.00")
    assert bob.last_task.status == "FAILURE"
    prove(alice.tenant.pk, bob.tenant.pk)


def test_an_unknown_earlier_task_is_a_refusal(account: Account) -> None:
    """It was drawn for somebody who does not come through this relay at all."""
    parent = parent_of(account)
    first = assert_accepted(upscale(account, parent))
    account.finish(first)
    Task.objects.filter(pk=first).update(upstream_id="forgotten")
    assert_refused(upscale(account, parent), 502, "upstream_rejected", code=9)
    assert account.funds == ("99.85", "0.00")
    prove(account.tenant.pk)
