"""What attempts tell about their channel, and what operators are told of it."""

import itertools
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from billing.models import Notice
from channels import breaker, credentials, selection
from channels.errors import (
    OutcomeUnknown,
    Refusal,
    Rejected,
    Unreachable,
    UpstreamError,
)
from channels.models import Channel, ChannelEvent
from channels.selection import Upstream
from common.partitions import weeks
from relay.models import Attempt
from relay.submits import verdicts
from relay.watch import incidents
from tests.accounts import Account

_tasks = itertools.count(weeks.id_at(timezone.now()))
Outcome = Attempt.Outcome


@pytest.fixture(autouse=True)
def numbers(settings: LazySettings) -> None:
    settings.BREAKER_LEAST_RESULTS = 10
    settings.BREAKER_FAULT_SHARE = 0.5
    settings.BREAKER_FIRST_OPEN_SECONDS = 30
    settings.BREAKER_WINDOW_SECONDS = 300


@pytest.fixture
def upstream(bystander: Account) -> Upstream:
    return selection.load(bystander.channel.pk)


def attempts(
    upstream: Upstream,
    number: int,
    *,
    is_fault: bool = False,
    outcome: str = Outcome.REFUSED,
    age: float = 1,
) -> None:
    for _ in range(number):
        row = Attempt.objects.create(
            task_id=next(_tasks), channel_id=upstream.id, outcome=outcome, is_fault=is_fault
        )
        when = timezone.now() - timedelta(seconds=age)
        Attempt.objects.filter(pk=row.pk).update(created_at=when)


def no(refusal: Refusal = Refusal.OTHER, *, is_fault: bool = False, **fields: float) -> Rejected:
    return Rejected("HTTP 500", refusal=refusal, next_channel=True, is_fault=is_fault, **fields)


def state(upstream: Upstream) -> tuple[str, str]:
    row = Channel.objects.get(pk=upstream.id)
    return row.state, row.breaker


def notices(upstream: Upstream) -> list[str]:
    rows = Notice.objects.filter(tenant=None, data__channel_id=upstream.id).order_by("pk")
    return [row.kind for row in rows]


@pytest.mark.parametrize(
    ("good", "bad", "opens"), [(5, 5, True), (6, 5, False), (0, 10, True), (0, 9, False)]
)
def test_the_window_opens_the_breaker(upstream: Upstream, good: int, bad: int, opens: bool) -> None:
    attempts(upstream, good, outcome=Outcome.ACCEPTED)
    attempts(upstream, bad, is_fault=True)
    verdicts.refused(upstream, no(is_fault=True))
    assert state(upstream) == ("enabled", "open" if opens else "closed")
    assert notices(upstream) == (["channel.opened"] if opens else [])


def test_what_is_old_or_under_way_does_not_count(upstream: Upstream) -> None:
    attempts(upstream, 50, is_fault=True, age=301)
    attempts(upstream, 50, is_fault=True, outcome=Outcome.SENDING)
    attempts(upstream, 9, is_fault=True)
    verdicts.refused(upstream, no(is_fault=True))
    assert state(upstream) == ("enabled", "closed")


def test_what_was_before_it_was_closed_does_not_count(upstream: Upstream) -> None:
    attempts(upstream, 50, is_fault=True, age=10)
    Channel.objects.filter(pk=upstream.id).update(
        breaker_since=timezone.now() - timedelta(seconds=5)
    )
    verdicts.refused(upstream, no(is_fault=True))
    assert state(upstream) == ("enabled", "closed")
    attempts(upstream, 10, is_fault=True, age=4)
    verdicts.refused(upstream, no(is_fault=True))
    assert state(upstream) == ("enabled", "open")


@pytest.mark.parametrize(
    ("error", "is_fault"),
    [
        (Unreachable("refused connection"), True),
        (OutcomeUnknown("time-out"), True),
        (UpstreamError("nonsense"), True),
        (no(is_fault=True), True),
        (no(Refusal.NO_ACCOUNT), False),
        (no(Refusal.BANNED_PROMPT), False),
        (no(Refusal.BAD_REQUEST), False),
        (no(Refusal.UNSUPPORTED), False),
        (no(Refusal.QUEUE_FULL), False),
        (no(Refusal.BAD_CREDENTIAL), False),
    ],
)
def test_what_is_a_fault(error: UpstreamError, is_fault: bool) -> None:
    assert verdicts.is_fault(error) is is_fault


@pytest.mark.parametrize(
    "refusal",
    [Refusal.NO_ACCOUNT, Refusal.BANNED_PROMPT, Refusal.BAD_REQUEST, Refusal.UNSUPPORTED,
     Refusal.OTHER],
)  # fmt: skip
def test_a_no_that_says_nothing_of_the_channel_changes_nothing(
    upstream: Upstream, refusal: Refusal
) -> None:
    attempts(upstream, 50)
    for _ in range(20):
        verdicts.refused(upstream, no(refusal))
    assert state(upstream) == ("enabled", "closed")
    assert not Channel.objects.get(pk=upstream.id).events.exists()


def test_full_rests_and_what_it_asks_for_is_obeyed(upstream: Upstream) -> None:
    verdicts.refused(upstream, no(Refusal.QUEUE_FULL, retry_after=120))
    rests = Channel.objects.get(pk=upstream.id).rests_until
    assert rests is not None
    assert 115 < (rests - timezone.now()).total_seconds() <= 120
    assert state(upstream) == ("enabled", "closed")
    assert notices(upstream) == []


def test_a_crash_that_asks_us_to_wait_is_obeyed_too(upstream: Upstream) -> None:
    verdicts.refused(upstream, no(is_fault=True, retry_after=60))
    assert Channel.objects.get(pk=upstream.id).rests_until is not None


def let_through(upstream: Upstream) -> Upstream:
    """As after the breaker has been open for its time."""
    row = Channel.objects.filter(pk=upstream.id)
    row.update(breaker="open", breaker_until=timezone.now(), breaker_seconds=30)
    assert breaker.claim(upstream.id)
    return selection.load(upstream.id)


@pytest.mark.parametrize("refusal", [None, Refusal.BANNED_PROMPT, Refusal.QUEUE_FULL])
def test_any_answer_closes_it_again(upstream: Upstream, refusal: Refusal | None) -> None:
    tried = let_through(upstream)
    if refusal is None:
        verdicts.accepted(tried)
    else:
        verdicts.refused(tried, no(refusal))
    assert state(upstream) == ("enabled", "closed")


def test_one_more_fault_opens_it_for_longer(upstream: Upstream) -> None:
    tried = let_through(upstream)
    verdicts.refused(tried, Unreachable("refused connection"))
    row = Channel.objects.get(pk=upstream.id)
    assert (row.breaker, row.breaker_seconds) == ("open", 60)


def test_a_channel_that_opens_and_closes_all_day_is_one_notice(upstream: Upstream) -> None:
    for _ in range(5):
        attempts(upstream, 10, is_fault=True, age=-60)
        verdicts.refused(upstream, no(is_fault=True))
        assert state(upstream) == ("enabled", "open")
        for _ in range(3):
            verdicts.refused(let_through(upstream), no(is_fault=True))
        verdicts.accepted(let_through(upstream))
        assert incidents.close_quiet() == 0
        # What was counted is over.
        Attempt.objects.filter(channel_id=upstream.id).delete()
    assert notices(upstream) == ["channel.opened"]
    # (The database's `now()` is when this test began.)
    quiet = timezone.now() - timedelta(seconds=600)
    Channel.objects.filter(pk=upstream.id).update(breaker_since=quiet)
    assert incidents.close_quiet() == 1
    assert incidents.close_quiet() == 0
    assert notices(upstream) == ["channel.opened", "channel.closed"]


def test_a_crash_between_the_attempt_and_its_conclusion_is_harmless(upstream: Upstream) -> None:
    """Whoever comes next draws it."""
    attempts(upstream, 30, is_fault=True)
    assert state(upstream) == ("enabled", "closed")
    verdicts.refused(upstream, no(is_fault=True))
    assert state(upstream) == ("enabled", "open")
    # And one that was let through, and never heard of again, makes way by itself.
    let_through(upstream)
    Channel.objects.filter(pk=upstream.id).update(breaker_until=timezone.now())
    assert breaker.claim(upstream.id)


def test_a_refused_credential_disables_the_channel_and_is_told_once(bystander: Account) -> None:
    channel = bystander.channel
    for name in ("one", "two"):
        credentials.add(channel, name=name, secret=name, actor="test")
    one = selection.load(channel.pk)
    for _ in range(3):
        verdicts.refused(one, no(Refusal.BAD_CREDENTIAL))
    assert state(one) == ("enabled", "closed")
    assert notices(one) == ["channel.credential_refused"]
    two = selection.load(channel.pk)
    assert two.credential_id != one.credential_id
    for _ in range(3):
        verdicts.refused(two, no(Refusal.BAD_CREDENTIAL))
    assert state(two) == ("disabled", "closed")
    assert notices(two) == ["channel.credential_refused", "channel.disabled"]
    kinds = [row.kind for row in channel.events.order_by("pk")]
    assert kinds == ["credential_made"] * 2 + ["credential_off"] * 2 + ["disabled"]


def test_the_text_of_a_hostile_answer_fits_everywhere(upstream: Upstream) -> None:
    attempts(upstream, 10, is_fault=True)
    text = "\x00" + "x" * 100_000
    verdicts.refused(upstream, Unreachable(text))
    event = ChannelEvent.objects.get(channel_id=upstream.id, kind="breaker_opened")
    assert len(event.text) <= 500
    assert notices(upstream) == ["channel.opened"]


def test_shares_of_faults_are_by_channel_and_of_the_window(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "_shares", verdicts._Shares(until=0, by_channel={}))
    attempts(upstream, 3, is_fault=True)
    attempts(upstream, 1, outcome=Outcome.ACCEPTED)
    attempts(upstream, 9, is_fault=True, age=400)
    assert verdicts.fault_shares()[upstream.id] == 0.75
    attempts(upstream, 4, outcome=Outcome.ACCEPTED)
    assert verdicts.fault_shares()[upstream.id] == 0.75, "it is kept for some seconds"
