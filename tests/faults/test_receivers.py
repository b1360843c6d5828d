"""Receivers that are slow, dead, full or gone: each harms nobody but itself, nothing is lost."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook

from billing.models import Delivery as NoticeDelivery
from billing.models import Notice, Tenant
from channels.adapters.base import Update
from relay import lifecycle
from relay.messages import callbacks, delivery, hooks, posting
from relay.models import Callback, Hook, Task
from relay.watch import notices
from tests.accounts import Account, open_account
from tests.faults.floods import drain, flood
from tests.faults.hostile import Exchange, HostileUpstream, hostile_upstream
from tests.faults.place import accept, begin
from tests.listener import listening
from tests.stack import Stack


@pytest.fixture
def account(own_database_url: str, settings, tmp_path: Path) -> Iterator[Account]:
    """Its product is not running: what is claimed and delivered, the test does."""
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CALLBACK_TIMEOUT_SECONDS = 3
    posting.guarded.cache_clear()
    yield open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1))
    posting.guarded.cache_clear()


@pytest.fixture
def receiver() -> Iterator[HostileUpstream]:
    with hostile_upstream() as receiver:
        yield receiver


def running(account: Account, hook: str) -> Task:
    task_id = begin(account, hook=hook)
    accept(task_id, f"up-{task_id}")
    return Task.objects.select_related("token").get(pk=task_id)


def ended(account: Account, hook: str) -> Callback:
    task = running(account, hook)
    lifecycle.fail(task, "no")
    return Callback.objects.get(task=task)


def claimed(account: Account) -> list[int]:
    mine = set(Callback.objects.filter(tenant=account.tenant).values_list("pk", flat=True))
    return [claimed.id for claimed in callbacks.claim() if claimed.id in mine]


def deliver(callback: Callback) -> Callback:
    delivery.deliver(callback.pk, callback.tries)
    callback.refresh_from_db()
    return callback


def answering(status: int, **headers: str) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        exchange.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            exchange.send_header(name.replace("_", "-"), value)
        exchange.end_headers()

    return answer


def test_who_is_gone_is_called_no_more_and_the_tenant_is_told_once(
    account: Account, receiver: HostileUpstream
) -> None:
    Tenant.objects.filter(pk=account.tenant.pk).update(notice_mails=["me@shop.example"])
    receiver.on_any = answering(410)
    first, second, third = (ended(account, receiver.url) for _ in range(3))
    # All are on their way when the first answer comes.
    assert set(claimed(account)) == {first.pk, second.pk, third.pk}
    assert (deliver(first).state, first.tries) == ("held_back", 1)
    assert (deliver(second).state, second.tries) == ("held_back", 0)
    # The job of the third comes too late.
    assert (deliver(third).state, third.tries) == ("held_back", 0)
    assert len(receiver.asked) == 1
    assert [row.status_code for row in first.attempts.all()] == [410]
    later = ended(account, receiver.url)
    assert (later.state, claimed(account)) == ("held_back", [])
    (notice,) = Notice.objects.filter(tenant=account.tenant, kind="hook.off")
    assert notice.data["url"] == receiver.url
    assert notice.data["reason"] == "it answered 410 Gone"

    # It is back, and gets everything under the old names.
    receiver.on_any = answering(204)
    assert hooks.switch_on(account.tenant.pk, receiver.url)
    span = {"since": timezone.now() - timedelta(days=1), "until": timezone.now()}
    assert callbacks.replay_some(tenant=account.tenant, **span, limit=99) == (4, None)
    assert len(claimed(account)) == 4
    for row in (first, second, third, later):
        name = row.message_id
        row.refresh_from_db()
        assert (deliver(row).state, row.message_id) == ("delivered", name)


def test_a_notice_hook_that_is_the_dead_one_itself_is_not_told_of_its_death(
    account: Account, receiver: HostileUpstream
) -> None:
    Tenant.objects.filter(pk=account.tenant.pk).update(
        notice_hook=receiver.url, notice_mails=["me@shop.example"]
    )
    receiver.on_any = answering(410)
    deliver(ended(account, receiver.url))
    ways = NoticeDelivery.objects.filter(notice__tenant=account.tenant)
    assert {row.way for row in ways} == {"mail", "hook"}
    (row,) = ways.filter(way="hook")
    notices.deliver(row.pk, 0)
    row.refresh_from_db()
    assert (row.state, row.error) == ("given_up", "this hook is switched off")
    assert len(receiver.asked) == 1
    assert Notice.objects.filter(tenant=account.tenant).count() == 1


def test_a_notice_hook_that_is_gone_is_switched_off_too_and_there_it_ends(
    account: Account, receiver: HostileUpstream
) -> None:
    Tenant.objects.filter(pk=account.tenant.pk).update(notice_hook=receiver.url)
    receiver.on_any = answering(410)
    account.tenant.refresh_from_db()
    hooks.notices.raise_notice(
        tenant=account.tenant, kind="balance.low", subject="low", text="low", data={}
    )
    for _ in range(3):
        for row in NoticeDelivery.objects.filter(notice__tenant=account.tenant, state="pending"):
            notices.deliver(row.pk, row.tries)
    kinds = [notice.kind for notice in Notice.objects.filter(tenant=account.tenant).order_by("id")]
    assert kinds == ["balance.low", "hook.off"]
    assert len(receiver.asked) == 1
    assert hooks.is_off(account.tenant.pk, receiver.url)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_who_asks_for_peace_gets_it_for_all_messages_of_that_hook(
    account: Account, receiver: HostileUpstream, status: int
) -> None:
    receiver.on_any = answering(status, Retry_After="100")
    first, waiting = ended(account, receiver.url), ended(account, receiver.url)
    other = ended(account, other_lane(receiver.url))
    deliver(first)
    assert first.due_at
    assert 95 < (first.due_at - timezone.now()).total_seconds() <= 100
    assert claimed(account) == [other.pk]
    Hook.objects.filter(tenant=account.tenant).update(quiet_until=timezone.now())
    assert claimed(account) == [waiting.pk]
    receiver.on_any = answering(200)
    deliver(waiting)
    assert not Hook.objects.filter(tenant=account.tenant).exists()


def other_lane(url: str) -> str:
    """Another hook at the same host."""
    paths = (f"{url}/{number}" for number in range(1000))
    return next(path for path in paths if hooks.place(path) != hooks.place(url))


def test_the_end_of_a_task_waits_for_the_progress_that_a_slow_receiver_is_reading(
    account: Account, receiver: HostileUpstream
) -> None:
    has_begun, may_end = Event(), Event()
    heard: list[str] = []

    def slowly(exchange: Exchange) -> None:
        has_begun.set()
        assert may_end.wait(5)
        heard.append(exchange.body["status"])
        exchange.reply(b"")

    receiver.on_any = slowly
    task = running(account, receiver.url)
    update = Update(upstream_id=task.upstream_id, status="IN_PROGRESS", progress=31)
    assert lifecycle.apply(task, update)
    (progress,) = claimed(account)
    with in_thread(lambda: delivery.deliver(progress, 0)):
        assert has_begun.wait(5)
        lifecycle.fail(task, "no")
        assert claimed(account) == []
        may_end.set()
    (final,) = claimed(account)
    deliver(Callback.objects.get(pk=final))
    assert heard == ["IN_PROGRESS", "FAILURE"]


def test_what_both_secrets_have_signed_is_what_the_receiver_gets(account: Account) -> None:
    old = account.tenant.webhook_secret
    tenant = hooks_tenant(account)
    with listening() as listener:
        deliver(ended(account, listener.url))
        Tenant.objects.filter(pk=tenant.pk).update(old_webhook_secret_expires_at=timezone.now())
        deliver(ended(account, listener.url))
    (_, _, both, body), (_, _, new_only, other_body) = listener.asked
    for secret in (old, tenant.webhook_secret):
        Webhook(secret).verify(body.decode(), both)
    Webhook(tenant.webhook_secret).verify(other_body.decode(), new_only)
    assert len(new_only["webhook-signature"].split()) == 1


def hooks_tenant(account: Account) -> Tenant:
    return delivery.tenants.rotate_webhook_secret(account.tenant, overlap_seconds=60)


def test_a_secret_that_cannot_be_read_costs_a_rung_and_not_the_hook(
    account: Account, settings
) -> None:
    with listening() as listener:
        callback = ended(account, listener.url)
        readable = settings.ENCRYPTION_SECRETS
        settings.ENCRYPTION_SECRETS = ["another"]
        deliver(callback)
        settings.ENCRYPTION_SECRETS = readable
        assert (callback.state, callback.rung) == ("pending", 1)
        assert "cannot be signed" in callback.attempts.get().answer
        assert not Hook.objects.filter(tenant=account.tenant).exists()
        assert deliver(callback).state == "delivered"


@contextmanager
def in_thread(call: Callable[[], Any]) -> Iterator[None]:
    problems: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001  the test judges it
            problems.append(error)
        finally:
            connection.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    yield
    thread.join(10)
    assert not thread.is_alive()
    assert not problems, problems


@pytest.mark.thorough
@pytest.mark.alone
def test_two_hundred_thousand_due_messages_of_one_receiver_are_stepped_over(
    account: Account,
) -> None:
    """A tick reads as many rows as may fly, however many are due."""
    flood(account.tenant, "http://dead.example/", 200_000)
    lively = [ended(account, f"http://{number}.example/") for number in range(20)]
    took = []
    found: set[int] = set()
    for _ in range(5):
        # Whatever the server thinks of so lopsided a table: its sample is another each time.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE relay_callback")
        started = time.perf_counter()
        found |= {claimed.id for claimed in callbacks.claim()}
        took.append(time.perf_counter() - started)
    mine = set(Callback.objects.filter(tenant=account.tenant).values_list("pk", flat=True))
    assert {row.pk for row in lively} <= found
    assert len(found & mine) == len(lively) + callbacks.PER_HOST
    drain(account.tenant)
    assert max(took) < 0.1, took
