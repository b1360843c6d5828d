"""What a drawing costs us: copied to the attempt when it is made, and to the ledger when it is
paid for."""

from billing.models import Entry
from channels import costs
from channels.models import Channel
from relay.models import Attempt
from tests.accounts import Account, open_channel
from tests.api.upstreams import Upstream
from tests.proofs import prove
from tests.stack import Stack, free_port

NOBODY = "http://127.0.0.1:{}/midjourney-proxy"


def set_costs(channel: Channel, text: str) -> None:
    costs.replace(channel, costs.parse(text))


def attempts(task_id: str) -> list[tuple[int, int | None]]:
    """(channel, cost) of each, in their order."""
    rows = Attempt.objects.filter(task=int(task_id)).order_by("number")
    return list(rows.values_list("channel_id", "cost"))


def booked(account: Account, task_id: str) -> list[tuple[str, int | None, int | None]]:
    """(kind, channel, cost) of each entry, in their order."""
    rows = Entry.objects.filter(wallet=account.wallet, reference__startswith=task_id)
    return list(rows.order_by("id").values_list("kind", "channel", "cost"))


def test_a_cost_is_copied_and_a_new_one_never_touches_a_running_task(account: Account) -> None:
    channel = account.channel
    set_costs(channel, '{"mj_imagine": 0.04, "mj_*": 9}')
    running = account.draw()
    set_costs(channel, '[{"name": "*", "amount": 0.06}]')
    following = account.draw()
    account.finish(running)
    account.finish(following)
    for task_id, cost in ((running, 40_000), (following, 60_000)):
        assert attempts(task_id) == [(channel.pk, cost)]
        assert booked(account, task_id) == [("hold", None, None), ("capture", channel.pk, cost)]
    prove(account.tenant.pk)


def test_a_mode_has_its_cost(account: Account) -> None:
    rows = '[{"name": "mj_*", "amount": 0.05}, {"name": "mj_*", "mode": "relax", "amount": 0.01}]'
    set_costs(account.channel, rows)
    for mode, cost in (("RELAX", 10_000), ("TURBO", 50_000)):
        assert attempts(account.draw(mode=mode)) == [(account.channel.pk, cost)]


def test_a_cost_that_nobody_has_told_is_not_known(account: Account) -> None:
    set_costs(account.channel, '{"mj_upscale": 0.04}')
    task_id = account.draw()
    account.finish(task_id)
    assert attempts(task_id) == [(account.channel.pk, None)]
    assert booked(account, task_id)[-1] == ("capture", account.channel.pk, None)


def test_nothing_is_a_cost_too(account: Account) -> None:
    set_costs(account.channel, '{"*": 0}')
    task_id = account.draw()
    account.finish(task_id)
    assert booked(account, task_id)[-1] == ("capture", account.channel.pk, 0)


def test_the_next_channel_takes_its_own_cost(account: Account) -> None:
    url = NOBODY.format(free_port())
    first = open_channel(account.stack, group=account.tenant.name, url=url, priority=9)
    set_costs(first, '{"mj_imagine": 0.01}')
    set_costs(account.channel, '{"mj_imagine": 0.07}')
    task_id = account.draw()
    account.finish(task_id)
    assert attempts(task_id) == [(first.pk, 10_000), (account.channel.pk, 70_000)]
    assert booked(account, task_id)[-1] == ("capture", account.channel.pk, 70_000)


def test_a_failed_drawing_has_no_cost_in_the_ledger(account: Account) -> None:
    set_costs(account.channel, '{"*": 0.04}')
    task_id = account.draw("zzfail")
    account.finish(task_id)
    assert attempts(task_id) == [(account.channel.pk, 40_000)]
    assert booked(account, task_id)[-1] == ("release", None, None)


def test_a_confirmed_modal_costs_what_its_confirmation_does(stack: Stack) -> None:
    upstream = Upstream(stack, Channel.Kind.TRUEAI)
    account = upstream.account
    set_costs(account.channel, '{"mj_modal": 0.03}')
    task_id = upstream.modal()
    set_costs(account.channel, '{"mj_modal": 0.05}')
    upstream.submit("modal", {"taskId": task_id, "prompt": "a pier"})
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert attempts(task_id) == [(account.channel.pk, 30_000), (account.channel.pk, 50_000)]
    assert booked(account, task_id)[-1] == ("capture", account.channel.pk, 50_000)
