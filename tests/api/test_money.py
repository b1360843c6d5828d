"""Money through the API: what is held, paid, given back, and shown."""

from collections.abc import Callable

import pytest

from billing import ledger, money
from billing.models import PriceRule, Token, Wallet
from tests.accounts import Account, set_ratio
from tests.api.shapes import assert_accepted, assert_refused

OpenAnAccount = Callable[..., Account]


def key_totals(account: Account) -> tuple[str, str]:
    """(held, spent) of the account's key."""
    token = Token.objects.get(pk=account.token.pk)
    return money.text(token.held), money.text(token.spent)


def test_a_hold_is_seen_while_the_drawing_runs(account: Account) -> None:
    task_id = account.draw("zzslow")
    assert account.funds == ("100.00", "0.10")
    assert key_totals(account) == ("0.10", "0.00")
    assert account.entries(task_id) == [("hold", "0.00", "0.10")]


def test_a_success_is_paid_once(account: Account) -> None:
    task_id = account.draw()
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert account.funds == ("99.90", "0.00")
    assert key_totals(account) == ("0.00", "0.10")
    assert account.entries(task_id) == [("hold", "0.00", "0.10"), ("capture", "-0.10", "-0.10")]


def test_a_failure_gives_the_money_back_to_wallet_and_key(account: Account) -> None:
    task_id = account.draw("zzfail")
    task = account.finish(task_id)
    assert (task["status"], task["progress"]) == ("FAILURE", "100%")
    assert "zzfail" in task["failReason"]
    assert account.funds == ("100.00", "0.00")
    assert key_totals(account) == ("0.00", "0.00")
    assert account.entries(task_id) == [("hold", "0.00", "0.10"), ("release", "0.00", "-0.10")]


def test_a_refusal_gives_the_money_back_before_it_is_answered(account: Account) -> None:
    assert account.imagine("zzban").status_code == 400
    assert account.funds == ("100.00", "0.00")
    assert key_totals(account) == ("0.00", "0.00")
    assert [entry[0] for entry in account.entries()] == ["topup", "hold", "release"]


def test_a_wallet_that_is_too_low_is_told_so(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(funds="0.099999")
    before = account.written
    assert_refused(account.imagine(), 402, "quota_not_enough", says="quota_not_enough")
    assert account.written == before
    assert account.funds == ("0.099999", "0.00")


def test_an_empty_wallet_is_told_so(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(funds="0")
    assert_refused(account.imagine(), 402, "quota_not_enough", says="quota_not_enough")
    assert set(account.written.values()) == {0}


def test_the_last_cent_can_be_spent_but_not_twice(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(funds="0.2")
    account.draw("zzslow")
    task_id = account.draw("zzfail")
    assert_refused(account.imagine(), 402, "quota_not_enough")
    account.finish(task_id)
    assert_accepted(account.imagine("zzslow"))
    assert account.funds == ("0.20", "0.20")


def test_a_credit_limit_is_money(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(funds="0")
    Wallet.objects.filter(tenant=account.tenant, is_test=False).update(
        credit_limit=money.to_micro("0.1")
    )
    account.finish(account.draw())
    assert account.funds == ("-0.10", "0.00")
    assert_refused(account.imagine(), 402, "quota_not_enough")


def test_a_key_whose_budget_is_used_up_stops_alone(account: Account) -> None:
    limited = account.new_key(budget="0.1")
    task_id = limited.draw()
    # Held money counts as used.
    assert_refused(limited.imagine(), 402, "quota_not_enough", says="budget")
    limited.finish(task_id)
    before = account.written
    assert_refused(limited.imagine(), 402, "quota_not_enough", says="quota_not_enough")
    assert account.written == before
    assert_accepted(account.imagine())


def test_a_release_gives_a_key_its_budget_back(account: Account) -> None:
    limited = account.new_key(budget="0.1")
    limited.finish(limited.draw("zzfail"))
    limited.finish(limited.draw())
    assert key_totals(limited) == ("0.00", "0.10")
    assert_refused(limited.imagine(), 402, "quota_not_enough")


def test_a_budget_does_not_help_an_empty_wallet(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(funds="0.05").new_key(budget="50")
    assert_refused(account.imagine(), 402, "quota_not_enough", says="balance")


@pytest.mark.parametrize(
    ("ratio", "held"), [("0.5", "0.05"), ("0.333", "0.0333"), ("2", "0.20"), ("0", "0.00")]
)
def test_the_ratio_of_the_group_makes_the_price(
    open_an_account: OpenAnAccount, ratio: str, held: str
) -> None:
    account = open_an_account(funds="1")
    set_ratio(account, ratio)
    task_id = account.draw("zzslow")
    assert account.funds == ("1.00", held)
    assert account.entries(task_id) == [("hold", "0.00", held)]


def test_a_price_is_rounded_half_up_to_the_micro_unit(
    open_an_account: OpenAnAccount, publish_prices: Callable[[str], object]
) -> None:
    publish_prices('{"mj_imagine": 0.000005}')
    account = open_an_account(funds="1")
    set_ratio(account, "0.5")
    # Half to even would make 2 of it.
    assert account.entries(account.draw("zzslow")) == [("hold", "0.00", "0.000003")]


def test_a_free_drawing_has_its_entries_too(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(funds="0")
    set_ratio(account, "0")
    task_id = account.draw()
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert account.entries(task_id) == [("hold", "0.00", "0.00"), ("capture", "0.00", "0.00")]


def test_a_new_ratio_holds_for_the_next_submit(account: Account) -> None:
    account.draw("zzslow")
    set_ratio(account, "0.5")
    account.draw("zzslow")
    assert account.funds == ("100.00", "0.15")


def test_a_new_price_holds_at_once_and_never_touches_a_running_task(
    account: Account, publish_prices: Callable[[str], object]
) -> None:
    running = account.draw()
    publish_prices('{"mj_imagine": 0.25}')
    dearer = account.draw()
    account.finish(running)
    account.finish(dearer)
    assert account.entries(running)[-1] == ("capture", "-0.10", "-0.10")
    assert account.entries(dearer)[-1] == ("capture", "-0.25", "-0.25")
    assert account.last_task.price_rule == PriceRule.objects.latest("id")


def test_an_action_without_a_price_is_refused_and_never_free(
    account: Account, publish_prices: Callable[[str], object]
) -> None:
    publish_prices('{"mj_upscale": 0.05}')
    before = account.written
    assert_refused(account.imagine(), 403, "action_not_allowed", says="mj_imagine")
    assert account.written == before


def billing(account: Account, route: str) -> dict[str, object]:
    answer = account.request("GET", route)
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


@pytest.mark.parametrize("prefix", ["/v1", ""])
def test_what_is_left_and_what_is_used_add_up(account: Account, prefix: str) -> None:
    """Clients show `hard_limit_usd - total_usage / 100` as what is left."""
    account.finish(account.draw())
    account.draw("zzslow")
    subscription = billing(account, f"{prefix}/dashboard/billing/subscription")
    usage = billing(account, f"{prefix}/dashboard/billing/usage")
    assert usage == {"object": "list", "total_usage": 20.0}
    assert subscription["object"] == "billing_subscription"
    assert subscription["hard_limit_usd"] == 100.0
    assert subscription["soft_limit_usd"] == subscription["system_hard_limit_usd"] == 100.0


def test_the_dates_that_clients_send_are_ignored(account: Account) -> None:
    account.draw("zzslow")
    for dates in ("start_date=2020-01-01&end_date=2020-02-01", "start_date=garbage", "end_date="):
        usage = billing(account, f"/v1/dashboard/billing/usage?{dates}")
        assert usage["total_usage"] == 10.0


def test_a_key_with_a_budget_sees_its_own_money(account: Account) -> None:
    account.draw("zzslow")
    limited = account.new_key(budget="5")
    limited.draw("zzslow")
    assert billing(limited, "/v1/dashboard/billing/usage")["total_usage"] == 10.0
    assert billing(limited, "/v1/dashboard/billing/subscription")["hard_limit_usd"] == 5.0
    # The others' holds are not free for this one either.
    assert billing(account, "/v1/dashboard/billing/subscription")["hard_limit_usd"] == 99.9


def test_a_budget_larger_than_the_wallet_shows_the_wallet(account: Account) -> None:
    rich = account.new_key(budget="5000")
    rich.draw("zzslow")
    assert billing(rich, "/v1/dashboard/billing/subscription")["hard_limit_usd"] == 100.0


def test_an_exhausted_key_still_sees_its_numbers(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(funds="0.1")
    account.finish(account.draw())
    assert billing(account, "/dashboard/billing/usage/")["total_usage"] == 10.0
    assert billing(account, "//dashboard/billing/subscription")["hard_limit_usd"] == 0.1


def test_a_topup_is_spendable_at_once(open_an_account: OpenAnAccount) -> None:
    account = open_an_account(funds="0")
    assert account.imagine().status_code == 402
    ledger.topup(
        tenant_id=account.tenant.pk, amount=100_000, reference=account.key[:40], actor="test"
    )
    assert_accepted(account.imagine())
    assert account.entries()[0] == ("topup", "0.10", "0.00")


def test_every_entry_says_what_the_wallet_was_after_it(account: Account) -> None:
    """A statement can be read downwards without any sum."""
    for prompt in ("a lighthouse", "zzfail", "another"):
        account.finish(account.draw(prompt))
    balance = held = 0
    for entry in account.wallet.entry_set.order_by("id"):
        balance, held = balance + entry.amount, held + entry.held
        assert (entry.balance_after, entry.held_after) == (balance, held)
    assert (account.wallet.balance, account.wallet.held) == (balance, held)
