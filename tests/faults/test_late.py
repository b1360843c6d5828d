"""What failed by our own verdict and was drawn all the same: the tenant gets the picture, and pays
for it if he still can. And a confirmation that never arrived holds nobody's money."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from billing import ledger, pricing, tokens
from billing.models import Entry, Tenant, Token, Wallet
from billing.tokens import authenticate
from channels import selection
from channels.models import Channel
from common import sql
from relay import actions, lifecycle
from relay.following import late, polling, statements
from relay.models import Attempt, Callback, Task
from relay.submits import forwarding, orders
from tests.accounts import Account, open_account
from tests.faults.hostile import Exchange, HostileUpstream, row_of
from tests.faults.place import accept, begin, until
from tests.proofs import prove
from tests.stack import Stack

HOOK = "http://hook.example/"
HELD = ("hold", "0.00", "0.10")
PAID = ("capture", "-0.10", "-0.10")
GIVEN_BACK = ("release", "0.00", "-0.10")


@pytest.fixture
def account(own_database_url: str, upstream: HostileUpstream, tmp_path: Path) -> Iterator[Account]:
    """Nobody looks for it but the test."""
    pricing._known = pricing._Known(generation=-1, prices=pricing.Prices(), until=0)
    stack = Stack(folder=tmp_path, env={}, drawing_seconds=1)
    yield open_account(stack, channel_url=upstream.url)
    pricing._known = pricing._Known(generation=-1, prices=pricing.Prices(), until=0)


def read(task_id: int) -> Task:
    return Task.objects.select_related("token").get(pk=task_id)


def given_up(account: Account, *, is_named: bool = True) -> Task:
    """Accepted, and failed by our own verdict."""
    task_id = begin(account, hook=HOOK)
    if is_named:
        accept(task_id, f"up-{task_id}")
    assert lifecycle.fail(read(task_id), "lost")
    return read(task_id)


def look(account: Account, *tasks: Task) -> int:
    found = late.look(account.channel.pk, [task.pk for task in tasks])
    prove(account.tenant.pk)
    return found


def late_entries(account: Account, task: Task) -> list[tuple[str, str, str]]:
    return account.entries(f"{task.pk}:late")


def messages(task: Task) -> list[tuple[str, str, int]]:
    """(state of the delivery, status told, sequence) of each final message."""
    rows = Callback.objects.filter(task=task, is_final=True).order_by("sequence")
    words = ("SUCCESS", "FAILURE")
    return [
        (row.state, next(word for word in words if f'"{word}"' in row.body), row.sequence)
        for row in rows
    ]


def due(task: Task) -> bool:
    return Task.objects.filter(pk=task.pk, late_look_at__lte=timezone.now()).exists()


def hint(task: Task, upstream_id: str = "") -> int:
    return sql.execute(statements.HINT, {"task_id": task.pk, "upstream_id": upstream_id})


def test_it_is_paid_by_a_new_hold_and_told_after_the_failure(
    account: Account, upstream: HostileUpstream
) -> None:
    task = given_up(account)
    assert account.funds == ("100.00", "0.00")
    upstream.rows = [row_of(task)]
    assert look(account, task) == 1
    after = read(task.pk)
    assert (after.status, after.fail_reason, after.is_written_off) == ("SUCCESS", "", False)
    assert (after.image_url, after.late_look_at) == ("http://pictures.example/1.png", None)
    assert account.entries(str(task.pk)) == [HELD, GIVEN_BACK]
    assert late_entries(account, task) == [HELD, PAID]
    assert account.funds == ("99.90", "0.00")
    assert account.attempts(task.pk) == ["accepted"]
    assert messages(task) == [
        ("overtaken", "FAILURE", task.sequence), ("pending", "SUCCESS", task.sequence + 1),
    ]  # fmt: skip
    # Once is enough.
    assert look(account, task) == 0
    assert account.funds == ("99.90", "0.00")


def spend_all(account: Account) -> None:
    wallet = account.wallet
    ledger.adjust(
        tenant_id=account.tenant.pk,
        amount=-(wallet.balance - wallet.held),
        reference=f"all-{account.tenant.pk}",
        actor="test",
        memo="spent",
    )


def disable_the_key(account: Account) -> None:
    Token.objects.filter(pk=account.token.pk).update(is_active=False)


def use_up_the_budget(account: Account) -> None:
    Token.objects.filter(pk=account.token.pk).update(budget=99_999)


@pytest.mark.parametrize("end_of_money", [spend_all, disable_the_key, use_up_the_budget])
def test_what_cannot_be_paid_any_more_is_written_off(
    account: Account, upstream: HostileUpstream, end_of_money: Any
) -> None:
    task = given_up(account)
    end_of_money(account)
    before = account.funds
    upstream.rows = [row_of(task)]
    assert look(account, task) == 1
    after = read(task.pk)
    assert (after.status, after.is_written_off, after.hold_suffix) == ("SUCCESS", True, "")
    assert after.image_url == "http://pictures.example/1.png"
    assert account.funds == before
    assert account.entries(str(task.pk)) == [HELD, GIVEN_BACK]
    assert late_entries(account, task) == []
    assert [(state, word) for state, word, _ in messages(task)] == [
        ("overtaken", "FAILURE"), ("pending", "SUCCESS"),
    ]  # fmt: skip
    assert look(account, task) == 0


def test_how_many_tasks_are_under_way_is_no_question(
    account: Account, upstream: HostileUpstream
) -> None:
    task = given_up(account)
    begin(account)
    Token.objects.filter(pk=account.token.pk).update(concurrency=1)
    Tenant.objects.filter(pk=account.tenant.pk).update(concurrency=1)
    upstream.rows = [row_of(task)]
    assert look(account, task) == 1
    assert late_entries(account, task) == [HELD, PAID]


def test_a_drawing_in_a_cheaper_mode_is_paid_cheaper(
    account: Account, upstream: HostileUpstream
) -> None:
    Channel.objects.filter(pk=account.channel.pk).update(kind=Channel.Kind.TRUEAI)
    task = given_up(account)
    Task.objects.filter(pk=task.pk).update(mode_prices={"fast": 100_000, "relax": 40_000})
    upstream.rows = [row_of(task, mode="RELAX")]
    assert look(account, task) == 1
    assert late_entries(account, task) == [HELD, ("capture", "-0.04", "-0.10")]


def test_a_test_key_pays_from_test_money(account: Account, upstream: HostileUpstream) -> None:
    token, key = tokens.make(tenant=account.tenant, name="test", is_test=True)
    channel = Channel.objects.create(
        name=f"test-{account.channel.pk}",
        kind=account.channel.kind,
        base_url=upstream.url,
        groups=account.channel.groups,
        is_test=True,
    )
    other = Account(account.stack, account.tenant, token, key, channel)
    task = given_up(other)
    wallet = Wallet.objects.get(tenant=account.tenant, is_test=True)
    before = wallet.balance
    upstream.rows = [row_of(task)]
    assert look(other, task) == 1
    wallet.refresh_from_db()
    assert (before - wallet.balance, wallet.held) == (100_000, 0)
    assert account.funds == ("100.00", "0.00")


def test_a_nameless_task_that_expired_is_found_by_our_word(
    account: Account, upstream: HostileUpstream
) -> None:
    """Neither its id nor the end of its submit ever reached us."""
    task = read(begin(account, hook=HOOK))
    Task.objects.filter(pk=task.pk).update(expires_at=timezone.now())
    assert lifecycle.expire_overdue() == 1
    upstream.rows = [row_of(task)]
    assert look(account, task) == 1
    after = read(task.pk)
    assert (after.status, after.upstream_id) == ("SUCCESS", f"up-{task.pk}")
    assert account.attempts(task.pk) == ["accepted"]
    assert late_entries(account, task) == [HELD, PAID]


def test_the_drawing_of_somebody_else_is_not_ours(
    account: Account, upstream: HostileUpstream
) -> None:
    task, other = given_up(account), given_up(account)
    upstream.rows = [row_of(other) | {"id": f"up-{task.pk}"}]
    assert look(account, task) == 0
    assert read(task.pk).status == "FAILURE"


def test_what_the_upstream_says_until_it_is_given_up_for_good(
    account: Account, upstream: HostileUpstream, settings: Any
) -> None:
    """Still drawing, unknown, no answer: looked at later. Failed there too, or for two days: never
    again."""
    settings.UPSTREAM_POLL_SECONDS = 1
    task = given_up(account)
    for answer in ([row_of(task, "IN_PROGRESS")], [], None):
        upstream.rows = answer
        if answer is None:
            upstream.on_look = lambda exchange: exchange.reply(b"", status=500)
        assert look(account, task) == 0
        assert read(task.pk).late_look_at > timezone.now() + timedelta(seconds=200)
    old = int((timezone.now() - timedelta(hours=49)).timestamp() * 1000)
    Task.objects.filter(pk=task.pk).update(finish_time=old)
    assert look(account, task) == 0
    assert read(task.pk).late_look_at is None

    upstream.on_look = None
    other = given_up(account)
    upstream.rows = [row_of(other, "FAILURE")]
    assert look(account, other) == 0
    assert read(other.pk).late_look_at is None
    upstream.rows = [row_of(other)]
    assert (hint(other), look(account, other)) == (0, 0)
    assert account.funds == ("100.00", "0.00")


def test_a_hint_makes_it_due_and_each_channel_is_claimed_by_itself(
    account: Account, upstream: HostileUpstream
) -> None:
    tasks = [given_up(account) for _ in range(3)]
    assert account.channel.pk not in late.claim()
    assert [hint(task) for task in tasks] == [1, 1, 1]
    assert sorted(late.claim()[account.channel.pk]) == [task.pk for task in tasks]
    assert account.channel.pk not in late.claim()

    # A hint that comes while somebody looks is not lost.
    def hint_meanwhile(exchange: Exchange) -> None:
        hint(tasks[0])
        exchange.reply_json([])

    upstream.on_look = hint_meanwhile
    assert look(account, *tasks) == 0
    assert [due(task) for task in tasks] == [True, False, False]
    # A message that comes so late that the next claim has it already asks nobody.
    asked = len(upstream.asked)
    assert (look(account, tasks[0]), len(upstream.asked)) == (0, asked)


def test_one_channel_has_no_more_than_a_batch_at_once(
    account: Account, upstream: HostileUpstream, settings: Any
) -> None:
    settings.POLL_BATCH = 2
    for task in [given_up(account) for _ in range(5)]:
        hint(task)
    sizes = [len(late.claim().get(account.channel.pk, ())) for _ in range(4)]
    assert sizes == [2, 2, 1, 0]


def test_a_hint_on_what_has_ended_properly_does_nothing(
    account: Account, upstream: HostileUpstream
) -> None:
    drawn, failed, refused = (begin(account) for _ in range(3))
    accept(drawn, f"up-{drawn}")
    accept(failed, f"up-{failed}")
    upstream.rows = [row_of(read(drawn)), row_of(read(failed), "FAILURE")]
    polling.look(account.channel.pk, [drawn, failed])
    attempt = Attempt.objects.get(task=refused)
    assert lifecycle.refuse(
        task_id=refused, attempt_id=attempt.pk, outcome="refused", milliseconds=1, answer="no"
    )
    called_off = modal(account)
    assert lifecycle.cancel(called_off)
    entries = Entry.objects.count()
    for task_id in (drawn, failed, refused, called_off.pk):
        task = read(task_id)
        upstream.rows = [row_of(task)]
        assert task.late_look_at is None
        assert hint(task, f"up-{task_id}") == 0
        assert look(account, task) == 0
        assert read(task_id).status == task.status
    assert Entry.objects.count() == entries


# -- Modals ----------------------------------------------------------------------------------------


def modal(account: Account) -> Task:
    """It waits for its confirmation."""
    task_id = begin(account, hook=HOOK)
    assert lifecycle.open_modal(read(task_id), upstream_id=f"up-{task_id}", final_prompt="a pier")
    return read(task_id)


def confirm(account: Account, task: Task) -> int:
    """The confirmation is begun: its attempt's id."""
    caller = authenticate(account.key)
    attempt_id = lifecycle.begin_confirmation(
        task=read(task.pk),
        caller=caller,
        price=orders.price(actions.MODAL_PRICE_NAMES, task.mode, caller),
        upstream=selection.load(task.channel_id),
        first_look=forwarding.first_look(),
        told={},
    )
    assert attempt_id is not None
    return attempt_id


def unanswered(account: Account) -> Task:
    """A modal whose confirmation has timed out."""
    task = modal(account)
    attempt_id = confirm(account, task)
    Attempt.objects.filter(pk=attempt_id).update(outcome="unknown")
    return read(task.pk)


def poll(account: Account, task: Task) -> Task:
    polling.look(account.channel.pk, [task.pk])
    prove(account.tenant.pk)
    return read(task.pk)


def test_a_confirmation_that_never_arrived_opens_the_modal_again(
    account: Account, upstream: HostileUpstream, settings: Any
) -> None:
    """Not at once: the upstream may be slow to take notice of it."""
    settings.TASK_GRACE_SECONDS = 2
    task = unanswered(account)
    upstream.rows = [row_of(task, "MODAL")]
    assert poll(account, task).status == "SUBMITTED"
    assert account.funds == ("100.00", "0.10")
    until(lambda: poll(account, task).status == "MODAL", "the end of the grace")
    assert account.funds == ("100.00", "0.00")
    assert account.attempts(task.pk) == ["modal", "refused"]
    assert not Callback.objects.filter(task=task, is_final=True).exists()
    # It may be confirmed again, and nothing of the first time is left then.
    confirm(account, task)
    assert read(task.pk).late_look_at is None
    assert account.funds == ("100.00", "0.10")
    upstream.rows = [row_of(task)]
    assert poll(account, task).status == "SUCCESS"
    assert account.funds == ("99.90", "0.00")


def test_a_confirmation_that_was_answered_is_believed(
    account: Account, upstream: HostileUpstream, settings: Any
) -> None:
    settings.TASK_GRACE_SECONDS = 0
    task = unanswered(account)
    Attempt.objects.filter(task=task, number=2).update(outcome="accepted")
    upstream.rows = [row_of(task, "MODAL")]
    assert poll(account, task).status == "SUBMITTED"
    # Not one that may still be under way either.
    Attempt.objects.filter(task=task, number=2).update(outcome="sending")
    assert poll(account, task).status == "SUBMITTED"
    assert account.funds == ("100.00", "0.10")
    # An upstream that never begins what it has taken: the deadline is for that.
    Attempt.objects.filter(task=task, number=2).update(outcome="accepted")
    Task.objects.filter(pk=task.pk).update(deadline_at=timezone.now())
    assert poll(account, task).fail_reason.startswith("timed out")
    assert account.funds == ("100.00", "0.00")


def test_a_confirmation_that_arrives_after_all_is_a_late_drawing(
    account: Account, upstream: HostileUpstream, settings: Any
) -> None:
    settings.TASK_GRACE_SECONDS = 0
    drawn, expired = unanswered(account), unanswered(account)
    upstream.rows = [row_of(drawn, "MODAL"), row_of(expired, "MODAL")]
    for task in (drawn, expired):
        assert poll(account, task).status == "MODAL"
    Task.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    assert lifecycle.expire_overdue() == 1
    # Still waiting there: nothing changes.
    assert look(account, drawn, expired) == 0
    upstream.rows = [row_of(drawn), row_of(expired)]
    assert look(account, drawn, expired) == 2
    for task in (drawn, expired):
        assert read(task.pk).status == "SUCCESS"
        assert late_entries(account, task) == [HELD, PAID]
        assert account.attempts(task.pk) == ["modal", "accepted"]
    assert account.funds == ("99.80", "0.00")
