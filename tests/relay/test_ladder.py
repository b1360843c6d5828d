"""When a message is tried again, when a hook is left in peace and when it is switched off: with the
clock standing still."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from billing.models import Notice
from common import retry_after
from relay import lifecycle
from relay.messages import callbacks, delivery, hooks, ladder
from relay.messages.posting import Delivery
from relay.models import Callback, Hook, Task
from tests import clock
from tests.accounts import Account
from tests.faults.place import begin

HOOK = "https://hook.example/a"
START = datetime(2031, 5, 1, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
NOW, HOUR, DAY = timedelta(), timedelta(hours=1), timedelta(days=1)
OK = Delivery(200, "", 1)
NO = Delivery(500, "no", 1)


@pytest.fixture
def frozen(bystander: Account) -> Iterator[Account]:
    """The clock stands at START; `clock.set_clock` moves it."""
    clock.install()
    with clock.clock_at(START):
        yield bystander


def message(account: Account, hook: str = HOOK) -> Callback:
    """A final message that is due now."""
    task = Task.objects.select_related("token").get(pk=begin(account, hook=hook))
    lifecycle.fail(task, "no")
    # The table's own default knows the real time only.
    Callback.objects.filter(task=task).update(due_at=START)
    return Callback.objects.get(task=task)


def is_claimed(callback: Callback, moment: datetime) -> bool:
    clock.set_clock(moment)
    return (callback.pk, callback.tries, callback.task_id) in callbacks.claim()


def fail(callback: Callback, answer: Delivery = NO) -> Callback:
    """One try that ends so."""
    assert delivery._take(callback.pk, callback.tries, callback.task_id)
    callback.refresh_from_db()
    delivery.record(callback, answer)
    callback.refresh_from_db()
    return callback


@pytest.mark.parametrize(
    ("failed", "wait"),
    [
        (0, 0), (1, 5), (2, 30), (3, 300), (4, 1800), (5, 2 * 3600), (6, 5 * 3600),
        (7, 10 * 3600), (8, 14 * 3600), (9, 20 * 3600), (10, 24 * 3600), (11, None), (12, None),
    ],
)  # fmt: skip
def test_the_ladder(failed: int, wait: float | None) -> None:
    assert ladder.next_wait(failed) == wait
    for _ in range(50):
        found = ladder.next_try(failed)
        assert found is None if wait is None else wait * 0.8 <= found <= wait * 1.2


def test_the_ladder_is_about_three_days_long_and_its_waits_differ() -> None:
    assert 72 * 3600 < sum(ladder.LADDER_SECONDS) < 80 * 3600
    assert len({ladder.next_try(5) for _ in range(20)}) > 10


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0), ("120", 120), (" 7 ", 7), ("999999999999999999999", 999999999), ("", None),
        (None, None), ("soon", None), ("-5", None), ("1.5", None), ("nan", None), ("inf", None),
        ("٣", None), ("²", None), ("1e9", None), ("Fri, 31 Feb 2031 00:00:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("\x00", None), ("," * 5000, None),
    ],
)  # fmt: skip
def test_what_a_receiver_asks_for(header: str | None, seconds: float | None) -> None:
    assert retry_after.seconds(header) == seconds


def test_it_may_ask_for_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=100)
    found = retry_after.seconds(format_datetime(later, usegmt=True))
    assert found is not None
    assert 95 < found <= 100


@pytest.mark.parametrize(
    ("failed", "asked", "least", "most"),
    [
        (1, None, 4, 6), (1, 0, 4, 6), (1, 3, 4, 6), (1, 60, 60, 60), (3, 60, 240, 360),
        (2, 86_400, 86_400, 86_400), (2, 10**9, 86_400, 86_400), (10, 10**9, 86_400, 103_680),
    ],
)  # fmt: skip
def test_the_later_of_ladder_and_wish_counts_and_a_wish_is_bounded(
    failed: int, asked: float | None, least: float, most: float
) -> None:
    found = ladder.next_try(failed, retry_after=asked)
    assert found is not None
    assert least <= found <= most


def test_a_wish_does_not_make_the_ladder_longer() -> None:
    assert ladder.next_try(11, retry_after=5) is None


def test_up_the_whole_ladder_by_the_clock(frozen: Account) -> None:
    callback, due = message(frozen), START
    for number, wait in enumerate([*ladder.LADDER_SECONDS[1:], None], start=1):
        assert not is_claimed(callback, due - MOMENT)
        assert is_claimed(callback, due)
        fail(callback)
        assert (callback.tries, callback.rung) == (number, number)
        if wait is not None:
            assert callback.due_at
            assert wait * 0.8 <= (callback.due_at - due).total_seconds() <= wait * 1.2
            due = callback.due_at
    assert (callback.state, callback.due_at, callback.tries) == ("given_up", None, 11)
    assert callback.attempts.count() == 11
    assert not is_claimed(callback, due + 30 * DAY)


def test_a_replay_begins_the_ladder_anew_with_the_same_id(frozen: Account) -> None:
    callback = message(frozen)
    Callback.objects.filter(pk=callback.pk).update(tries=11, rung=11, state="given_up", due_at=None)
    before = callback.message_id
    assert callbacks.replay(callback)
    callback.refresh_from_db()
    assert (callback.rung, callback.tries, callback.message_id) == (0, 11, before)
    fail(callback)
    assert (callback.state, callback.rung, callback.tries) == ("pending", 1, 12)


def test_a_wish_puts_the_message_off(frozen: Account) -> None:
    callback = fail(message(frozen), Delivery(429, "", 1, retry_after=3600))
    assert callback.due_at == START + HOUR


# (when, how the try ended, whether it is off afterwards)
@pytest.mark.parametrize(
    "story",
    [
        [(NOW, NO, False), (5 * DAY - MOMENT, NO, False), (5 * DAY, NO, True)],
        [(NOW, NO, False), (4 * DAY, OK, False), (5 * DAY, NO, False), (9 * DAY, NO, False),
         (10 * DAY, NO, True), (10 * DAY, OK, True)],
        [(NOW, NO, False), (9 * DAY, NO, True), (9 * DAY, NO, True), (20 * DAY, NO, True)],
        [(NOW, Delivery(410, "", 1), True), (NOW, Delivery(410, "", 1), True)],
        [(NOW, OK, False), (9 * DAY, NO, False)],
        [(NOW, Delivery(None, "timed out", 1), False), (6 * DAY, Delivery(302, "", 1), True)],
    ],
    ids=["5 days", "a success between", "once", "gone", "the first failure", "no answer at all"],
)  # fmt: skip
def test_when_a_hook_is_switched_off(
    frozen: Account, story: list[tuple[timedelta, Delivery, bool]]
) -> None:
    tenant = frozen.tenant.pk
    for when, answer, is_off in story:
        clock.set_clock(START + when)
        hooks.note(tenant, HOOK, answer)
        assert hooks.is_off(tenant, HOOK) == is_off, when
    told = Notice.objects.filter(tenant=tenant, kind="hook.off").count()
    assert told == story[-1][2]
    assert not hooks.is_off(tenant, HOOK + "?other")


def test_switched_on_again_its_clock_begins_anew_and_the_tenant_is_told_again(
    frozen: Account,
) -> None:
    tenant = frozen.tenant.pk
    for round_ in (0, 20):
        for days in (0, 4, 5):
            clock.set_clock(START + (round_ + days) * DAY)
            assert hooks.note(tenant, HOOK, NO) == (days == 5)
        assert hooks.switch_on(tenant, HOOK)
        assert not hooks.switch_on(tenant, HOOK)
    assert Notice.objects.filter(tenant=tenant, kind="hook.off").count() == 2


@pytest.mark.parametrize(
    ("failing_for", "answer", "peace"),
    [
        (0, Delivery(429, "", 1), 5), (0, Delivery(502, "", 1), 5), (0, Delivery(504, "", 1), 5),
        (0, NO, 0), (0, Delivery(503, "", 1), 0), (0, Delivery(None, "", 1), 0),
        (0, Delivery(503, "", 1, retry_after=77), 77), (100, Delivery(429, "", 1), 25),
        (100, Delivery(429, "", 1, retry_after=7), 25), (9999, Delivery(429, "", 1), 300),
        (9999, Delivery(429, "", 1, retry_after=10**9), 86_400),
    ],
)  # fmt: skip
def test_how_long_a_hook_is_left_in_peace(
    frozen: Account, failing_for: int, answer: Delivery, peace: int
) -> None:
    waiting = message(frozen)
    hooks.note(frozen.tenant.pk, HOOK, NO)
    now = START + timedelta(seconds=failing_for)
    clock.set_clock(now)
    hooks.note(frozen.tenant.pk, HOOK, answer)
    if peace:
        assert Hook.objects.get(tenant=frozen.tenant).quiet_until == now + timedelta(seconds=peace)
        assert not is_claimed(waiting, now + timedelta(seconds=peace) - MOMENT)
    assert is_claimed(waiting, now + timedelta(seconds=peace) + MOMENT)


def test_a_shorter_wish_does_not_end_a_longer_peace(frozen: Account) -> None:
    hooks.note(frozen.tenant.pk, HOOK, Delivery(429, "", 1, retry_after=600))
    hooks.note(frozen.tenant.pk, HOOK, Delivery(429, "", 1, retry_after=10))
    hooks.note(frozen.tenant.pk, HOOK, NO)
    assert Hook.objects.get(tenant=frozen.tenant).quiet_until == START + timedelta(seconds=600)


def test_the_peace_of_one_hook_is_not_that_of_another_at_its_host(frozen: Account) -> None:
    urls = [f"https://hook.example/{number}" for number in range(9)]
    apart = next(url for url in urls if hooks.place(url) != hooks.place(HOOK))
    mine, other = message(frozen), message(frozen, apart)
    hooks.note(frozen.tenant.pk, HOOK, Delivery(429, "", 1, retry_after=600))
    claimed = [message.id for message in callbacks.claim()]
    assert (mine.pk in claimed, other.pk in claimed) == (False, True)


def test_a_hook_that_fails_gets_little_at_once_until_it_succeeds(frozen: Account) -> None:
    for _ in range(callbacks.PER_HOST + 2):
        message(frozen)

    def claimed() -> int:
        mine = Callback.objects.filter(tenant=frozen.tenant)
        callbacks.claim()
        return mine.filter(flies_until__isnull=False).count()

    hooks.note(frozen.tenant.pk, HOOK, NO)
    assert claimed() == callbacks.PER_FAILING
    hooks.note(frozen.tenant.pk, HOOK, OK)
    assert claimed() == callbacks.PER_HOST
    assert claimed() == callbacks.PER_HOST


def test_failures_that_nobody_has_seen_since_are_forgotten(frozen: Account) -> None:
    tenant = frozen.tenant.pk
    hooks.note(tenant, HOOK, NO)
    hooks.note(tenant, HOOK + "gone", Delivery(410, "", 1))
    clock.set_clock(START + 7 * DAY)
    hooks.sweep()
    assert Hook.objects.filter(tenant=tenant).count() == 2
    clock.set_clock(START + 7 * DAY + MOMENT)
    hooks.sweep()
    assert [hook.url for hook in Hook.objects.filter(tenant=tenant)] == [HOOK + "gone"]


def test_a_tries_lease_outlives_the_longest_delivery(settings) -> None:
    settings.CALLBACK_TIMEOUT_SECONDS = 120
    assert callbacks.lease() > timedelta(seconds=120)
