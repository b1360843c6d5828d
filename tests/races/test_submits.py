"""Many submits at once: no more is sold than there is money for."""

from collections import Counter

import requests

from tests.accounts import Account, open_account
from tests.proofs import prove
from tests.races.together import raised, together
from tests.stack import Stack

PRICE = 100_000


def submit_all(accounts: list[Account], prompt: str) -> list[requests.Response]:
    """One submit for each, all at the same moment."""
    answers = together([lambda account=account: account.imagine(prompt) for account in accounts])
    assert not raised(answers), raised(answers)[:3]
    return answers


def accepted(answers: list[requests.Response]) -> list[str]:
    """Ids of the accepted ones. Each of the others says that there is no money."""
    ids = [str(answer.json()["result"]) for answer in answers if answer.status_code == 200]
    refusals = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in refusals} <= {402}, refusals[0].text
    assert all(answer.json()["type"] == "quota_not_enough" for answer in refusals)
    assert len(set(ids)) == len(ids)
    return ids


def assert_drawn(account: Account, ids: list[str], prompt: str) -> None:
    """Each of them, and nothing else, was asked for upstream, drawn and paid."""
    for task_id in ids:
        assert account.finish(task_id)["status"] == "SUCCESS"
    assert len(account.stack.submits(prompt)) == len(ids)
    prove(account.tenant.pk)


def test_two_hundred_submits_against_money_for_fifty(stack: Stack) -> None:
    account = open_account(stack, funds="5")
    answers = submit_all([account] * 200, "fifty of two hundred")
    ids = accepted(answers)
    assert (len(ids), len(answers)) == (50, 200)
    # Whatever has been drawn by now: what is left is held, to the micro-unit.
    wallet = account.wallet
    assert wallet.balance == wallet.held
    prove(account.tenant.pk)
    assert_drawn(account, ids, "fifty of two hundred")
    assert (account.wallet.balance, account.wallet.held) == (0, 0)
    assert Counter(kind for kind, *_ in account.entries()) == {
        "topup": 1, "hold": 50, "capture": 50,
    }  # fmt: skip


def test_a_keys_budget_for_twenty_in_a_rich_wallet(stack: Stack) -> None:
    rich = open_account(stack)
    poor_key = rich.new_key(budget="2")
    ids = accepted(submit_all([poor_key] * 100, "twenty of a hundred"))
    assert len(ids) == 20
    assert_drawn(poor_key, ids, "twenty of a hundred")
    poor_key.token.refresh_from_db()
    assert (poor_key.token.spent, poor_key.token.held) == (20 * PRICE, 0)
    assert rich.funds == ("98.00", "0.00")


def test_two_keys_of_one_tenant_share_the_wallet(stack: Stack) -> None:
    one = open_account(stack, funds="3")
    other = one.new_key(budget="1")
    answers = submit_all([one, other] * 60, "thirty by two keys")
    ids = accepted(answers)
    assert len(ids) == 30
    # 120 asked, 60 by each key: the budget of the other held, and the wallet for both.
    assert len(accepted(answers[1::2])) <= 10
    assert_drawn(one, ids, "thirty by two keys")
    assert one.funds == ("0.00", "0.00")


def test_fifty_tenants_at_once_each_with_money_for_two(stack: Stack) -> None:
    accounts = [open_account(stack, funds="0.2") for _ in range(50)]
    answers = submit_all(accounts * 4, "two of four for everybody")
    for number, account in enumerate(accounts):
        ids = accepted(answers[number::50])
        assert len(ids) == 2
        for task_id in ids:
            assert account.finish(task_id)["status"] == "SUCCESS"
        assert account.funds == ("0.00", "0.00")
    assert len(stack.submits("two of four for everybody")) == 100
    prove(*(account.tenant.pk for account in accounts))


def test_two_web_processes_sell_no_more_than_one(two_webs: Stack) -> None:
    account = open_account(two_webs, funds="5")
    prompt = "fifty by two processes"
    ids = accepted(submit_all([account] * 200, prompt))
    assert len(ids) == 50
    assert_drawn(account, ids, prompt)
    assert account.funds == ("0.00", "0.00")
