"""A channel that stumbles, over the real stack with two web processes: the breaker opens, the work
goes elsewhere at once, one task tries it again, and its success brings the work back."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from billing.models import Notice
from channels import credentials, states
from channels.models import Channel
from relay.models import Attempt
from tests.accounts import Account, open_account, open_channel
from tests.faults.hostile import Exchange, HostileUpstream
from tests.proofs import prove
from tests.races.together import raised, together
from tests.stack import Stack

FIRST_OPEN_SECONDS = 60
# Far less than the channel is closed for.
QUICKLY_SECONDS = 8
MANY = 40


@pytest.fixture(scope="module")
def webs(
    stack: Stack, stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Two more web processes, whose breakers open early; the rest is everybody's."""
    env = stack_env | {
        "BREAKER_LEAST_RESULTS": "10",
        "BREAKER_FAULT_SHARE": "0.5",
        "BREAKER_FIRST_OPEN_SECONDS": str(FIRST_OPEN_SECONDS),
    }
    folder = tmp_path_factory.mktemp("quick-breakers")
    web = Stack(folder=folder, env=env, drawing_seconds=0.4, web_workers=2)
    web.sandbox_url = stack.sandbox_url
    web.start("web")
    assert web.log("web").count("Booting worker") == 2
    yield web
    web.kill("web")


@pytest.fixture
def account(webs: Stack, upstream: HostileUpstream) -> Account:
    """Its first channel is the hostile one, its second the sandbox."""
    account = open_account(webs, channel_url=upstream.url)
    Channel.objects.filter(pk=account.channel.pk).update(priority=9)
    open_channel(webs, group=account.tenant.name)
    return account


def stumble(exchange: Exchange) -> None:
    exchange.reply(b"<html>503</html>", status=503, kind="text/html")


def seven_of_ten(upstream: HostileUpstream) -> None:
    """It accepts the first three of every ten."""

    def answer(exchange: Exchange) -> None:
        (upstream.accept if (len(upstream.submits) - 1) % 10 < 3 else stumble)(exchange)

    upstream.on_submit = answer


def draw_many(account: Account, number: int = MANY) -> list[str]:
    """At the same moment, over as many connections: both processes have some of them."""
    answers = together([account.imagine] * number)
    assert not raised(answers), raised(answers)[:3]
    assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers][:3]
    return [str(answer.json()["result"]) for answer in answers]


def breaker(account: Account) -> str:
    return Channel.objects.get(pk=account.channel.pk).breaker


def hurry_breaker(account: Account) -> None:
    """As if it had been open for its time."""
    Channel.objects.filter(pk=account.channel.pk).update(breaker_until=timezone.now())


def open_it(account: Account, upstream: HostileUpstream) -> None:
    seven_of_ten(upstream)
    for _ in range(10):
        account.draw()
    assert breaker(account) == "open"


def test_the_whole_life_of_a_breaker(account: Account, upstream: HostileUpstream) -> None:
    open_it(account, upstream)
    assert len(upstream.submits) == 10
    draw_many(account)
    assert len(upstream.submits) == 10, "the others have it all, on both processes"

    upstream.on_submit = stumble
    hurry_breaker(account)
    draw_many(account)
    assert len(upstream.submits) == 11, "one task is let through"
    row = Channel.objects.get(pk=account.channel.pk)
    assert (row.breaker, row.breaker_seconds) == ("open", 2 * FIRST_OPEN_SECONDS)

    upstream.on_submit = None
    hurry_breaker(account)
    tried = account.draw()
    assert account.attempts(tried) == ["accepted"]
    assert breaker(account) == "closed"
    ids = [account.draw() for _ in range(10)]
    assert len(upstream.submits) == 12 + 10
    for task_id in ids:
        assert account.finish(task_id)["status"] == "SUCCESS"
    kinds = [row.kind.removeprefix("breaker_") for row in account.channel.events.order_by("pk")]
    assert kinds == ["opened", "half_opened", "opened", "half_opened", "closed"]
    assert Notice.objects.filter(data__channel_id=account.channel.pk).count() == 1
    prove(account.tenant.pk)


def test_all_attempts_are_kept_with_what_was_said(
    account: Account, upstream: HostileUpstream
) -> None:
    own = credentials.add(account.channel, name="main", secret="open sesame", actor="test")
    upstream.on_submit = stumble
    task_id = account.draw()
    first, second = Attempt.objects.filter(task=int(task_id)).order_by("number")
    assert (first.channel_id, first.credential_id) == (account.channel.pk, own.pk)
    assert (first.outcome, first.is_fault, first.answer) == (
        "refused", True, "HTTP 503 <html>503</html>"
    )  # fmt: skip
    assert (second.outcome, second.is_fault, second.credential_id) == ("accepted", False, None)
    assert None not in (first.milliseconds, second.milliseconds)


def assert_nothing_moved(account: Account, ask: str, parent: str) -> requests.Response:
    before = account.written, account.funds
    started = time.monotonic()
    answer = account.request(
        "POST", f"/mj/submit/{ask}", json={"taskId": parent, "action": "UPSCALE", "index": 1}
    )
    assert time.monotonic() - started < QUICKLY_SECONDS
    assert (account.written, account.funds) == before
    return answer


def test_a_follow_up_whose_channel_is_open_is_told_when_to_come_back(
    account: Account, upstream: HostileUpstream
) -> None:
    parent = account.draw()
    assert account.finish(parent)["status"] == "SUCCESS"
    Channel.objects.filter(pk=account.channel.pk).update(
        breaker="open", breaker_until=timezone.now() + timedelta(seconds=20)
    )
    answer = assert_nothing_moved(account, "change", parent)
    assert (answer.status_code, answer.json()["type"]) == (503, "no_channel")
    assert 15 <= int(answer.headers["Retry-After"]) <= 20
    # So is one whose channel was asked to wait,
    states.set_state(account.channel.pk, "enabled", actor="test")
    Channel.objects.filter(pk=account.channel.pk).update(
        rests_until=timezone.now() + timedelta(seconds=20)
    )
    answer = assert_nothing_moved(account, "change", parent)
    assert (answer.status_code, answer.json()["type"]) == (429, "queue_full")
    assert 15 <= int(answer.headers["Retry-After"]) <= 20
    # and one whose channel is disabled hears that there is none.
    states.set_state(account.channel.pk, "disabled", actor="test")
    answer = assert_nothing_moved(account, "change", parent)
    assert (answer.status_code, answer.json()["type"]) == (503, "no_channel")
    assert len(upstream.submits) == 1


@pytest.mark.parametrize("state", ["draining", "disabled"])
def test_what_a_channel_draws_is_followed_to_its_end_whatever_its_state(
    account: Account, upstream: HostileUpstream, state: str
) -> None:
    upstream.status = "IN_PROGRESS"
    ids = [account.draw() for _ in range(3)]
    states.set_state(account.channel.pk, state, actor="test")
    elsewhere = account.draw()
    assert len(upstream.submits) == 3
    upstream.status = "SUCCESS"
    for task_id in (*ids, elsewhere):
        assert account.finish(task_id)["status"] == "SUCCESS"
    prove(account.tenant.pk)


def test_a_credential_that_is_refused_goes_off_and_its_task_goes_on_elsewhere(
    account: Account, upstream: HostileUpstream
) -> None:
    for name in ("one", "two"):
        credentials.add(account.channel, name=name, secret=name, actor="test")
    upstream.on_submit = lambda exchange: exchange.reply(b"", status=401)
    for expected in (1, 2, 2, 2):
        assert account.attempts(account.draw())[-1] == "accepted"
        assert len(upstream.submits) == expected
    channel = Channel.objects.get(pk=account.channel.pk)
    assert channel.state == "disabled"
    assert channel.reason.startswith("the upstream refuses our credential: HTTP 401")
    rows = Notice.objects.filter(data__channel_id=channel.pk).order_by("pk")
    assert [row.kind for row in rows] == ["channel.credential_refused", "channel.disabled"]
    prove(account.tenant.pk)


def test_an_upstream_that_asks_us_to_wait_is_not_asked_again(
    account: Account, upstream: HostileUpstream
) -> None:
    def too_many(exchange: Exchange) -> None:
        exchange.send_response(429)
        exchange.send_header("Retry-After", "40")
        exchange.send_header("Content-Length", "0")
        exchange.end_headers()

    upstream.on_submit = too_many
    account.draw()
    draw_many(account, 10)
    assert len(upstream.submits) == 1
    Channel.objects.filter(groups=[account.tenant.name]).exclude(pk=account.channel.pk).update(
        state="draining"
    )
    answers = [account.imagine() for _ in range(5)]
    assert Counter((a.status_code, a.json()["type"]) for a in answers) == {(429, "queue_full"): 5}
    assert 30 < int(answers[0].headers["Retry-After"]) <= 40
    assert len(upstream.submits) == 1
    prove(account.tenant.pk)


def test_code_3_disables_and_opens_nothing(account: Account, upstream: HostileUpstream) -> None:
    upstream.on_submit = lambda exchange: exchange.reply_json({"code": 3, "description": "无"})
    for _ in range(15):
        account.draw()
    assert len(upstream.submits) == 15
    channel = Channel.objects.get(pk=account.channel.pk)
    assert (channel.state, channel.breaker, channel.rests_until) == ("enabled", "closed", None)
    assert not channel.events.exists()


def test_a_secret_that_comes_back_in_an_error_reaches_neither_tenant_nor_database(
    account: Account, upstream: HostileUpstream
) -> None:
    secret = "open-sesame-1234567890"
    credentials.add(account.channel, name="main", secret=secret, actor="test")
    upstream.on_submit = lambda exchange: exchange.reply_json(
        {"code": 24, "description": f"bad {secret}", "properties": {"promptEn": secret}}
    )
    answer = account.imagine()
    assert answer.status_code == 400
    attempt = Attempt.objects.get(task=account.last_task)
    upstream.on_submit = lambda exchange: exchange.reply(secret.encode(), status=401)
    account.draw()
    upstream.on_submit = None
    states.set_state(account.channel.pk, "enabled", actor="test")
    credentials.change(account.channel.credentials.get(), is_active=True, actor="test")
    upstream.rows = None
    task_id = account.draw()
    upstream.row = lambda submit, **f: (  # type: ignore[method-assign]
        HostileUpstream.row(upstream, submit, failReason=secret, description=secret, **f)
    )
    account.finish(task_id)
    everything = [
        answer.text,
        attempt.answer,
        account.fetch(task_id),
        list(account.channel.events.values()),
        Channel.objects.filter(pk=account.channel.pk).values(),
        list(Attempt.objects.filter(task__tenant=account.tenant).values()),
        account.last_task.upstream_row,
        list(Notice.objects.filter(data__channel_id=account.channel.pk).values()),
        account.stack.log("web"),
    ]
    assert "***" in str(everything)
    assert "sesame" not in str(everything)
