"""Figures by hours and days: the same before and after the roll-up, and rebuildable."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing import figures, ledger, usage
from billing.figures import Outcomes
from billing.models import UsageHour, UsageTotal
from relay import lifecycle
from relay.models import Task
from tests.accounts import Account
from tests.faults.place import accept, begin
from tests.races.updates import success


def of(account: Account) -> dict[str, Any]:
    """What is not nothing, of both series; and the lines by action."""
    wallet = account.wallet.pk
    hours = figures.by_hour(wallet_id=wallet)
    days = figures.by_day(wallet_id=wallet)
    assert (len(hours), len(days)) == (figures.HOURS, figures.DAYS)
    return {
        "hours": [row for row in hours.values() if row != Outcomes()],
        "days": [row for row in days.values() if row != Outcomes()],
        "actions": [
            (line.price_name, line.mode, line.outcomes) for line in figures.actions_by_hour(wallet)
        ],
    }


def begun(account: Account) -> Task:
    task_id = begin(account)
    accept(task_id, f"up-{task_id}")
    return Task.objects.select_related("token").get(pk=task_id)


def paid(account: Account) -> Task:
    task = begun(account)
    assert lifecycle.apply(task, success(task))
    return task


def busy(account: Account) -> None:
    """Two paid, of which one was refunded by half, one failed, one waits for its confirmation, and
    one is under way."""
    paid(account)
    ledger.refund(reference=str(paid(account).pk), amount=50_000, actor="ann", memo="bad")
    assert lifecycle.fail(begun(account), "lost")
    assert lifecycle.open_modal(begun(account), upstream_id="up", final_prompt="")
    begun(account)


# Of unknown cost: the channel has no cost rules.
WANTED = Outcomes(
    submits=5, successes=2, failures=1, revenue=200_000, refunds=1, refunded=50_000, cost_unknown=2
)


def test_figures_are_the_same_before_and_after_the_roll_up(bystander: Account) -> None:
    busy(bystander)
    shown = of(bystander)
    assert figures.total(shown["hours"]) == WANTED
    assert figures.total(shown["days"]) == WANTED
    assert [line[:2] for line in shown["actions"]] == [("mj_imagine", "fast")]
    assert usage.roll_up() > 0
    assert of(bystander) == shown
    begun(bystander)
    again = figures.total(of(bystander)["hours"])
    assert again == WANTED + Outcomes(submits=1)
    usage.roll_up()
    assert figures.total(of(bystander)["days"]) == again


def test_what_was_rolled_up_can_be_rebuilt(bystander: Account) -> None:
    busy(bystander)
    usage.roll_up()
    shown, wallet = of(bystander), bystander.wallet.pk
    UsageHour.objects.filter(wallet=wallet).update(submits=99)
    UsageTotal.objects.filter(wallet=wallet).update(revenue=99)
    assert of(bystander) != shown
    usage.rebuild(wallet)
    assert of(bystander) == shown


def test_what_follows_from_outcomes() -> None:
    assert (WANTED.net, WANTED.margin, WANTED.success_rate) == (150_000, None, 0.6667)
    assert Outcomes(revenue=5, cost=2).margin == 3
    assert Outcomes(submits=4).success_rate is None


def test_hours_are_dropped_when_they_are_old_and_days_stay(bystander: Account) -> None:
    paid(bystander)
    usage.roll_up()
    rows = UsageHour.objects.filter(wallet=bystander.wallet)
    old = timezone.now() - timedelta(days=usage.HOURS_DAYS, hours=2)
    assert rows.update(hour=old) == 1
    assert usage.sweep() >= 1
    assert not rows.exists()
    assert UsageTotal.objects.filter(wallet=bystander.wallet).exists()


def test_more_hours_than_are_kept_are_refused(bystander: Account) -> None:
    with pytest.raises(ValueError, match="days"):
        figures.by_hour(wallet_id=bystander.wallet.pk, hours=usage.HOURS_DAYS * 24 + 1)
