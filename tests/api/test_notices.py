"""Notices on their way: signed to a hook, by mail, tried again, or given up with the reason."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from billing import ledger, notices
from billing.models import Delivery, LowBalance, Notice, Tenant
from billing.money import to_micro
from relay.watch import notices as sending
from tests.accounts import Account, open_tenant
from tests.mailbox import Mailbox, mailbox
from tests.races.together import raised, together
from tests.stack import wait_until

LETTER = "notices"


def hook_of(account: Account, query: str = "") -> str:
    return account.stack.inbox_url(f"{LETTER}-{account.tenant.pk}", query)


def letters(account: Account) -> list[dict[str, Any]]:
    return account.stack.inbox(f"{LETTER}-{account.tenant.pk}")


def watch(account: Account, threshold: str, **ways: Any) -> None:
    """The account's tenant is told below the threshold, in these ways."""
    Tenant.objects.filter(pk=account.tenant.pk).update(**ways)
    notices.set_thresholds(account.tenant, [to_micro(threshold)])


def deliveries(account: Account, number: int) -> list[Delivery]:
    """The tenant's, once there are so many and none of them is due."""

    def done() -> list[Delivery] | None:
        rows = Delivery.objects.filter(notice__tenant=account.tenant).order_by("id")
        ended = [row for row in rows if row.state != Delivery.State.PENDING]
        return ended if len(ended) == len(rows) == number else None

    found: list[Delivery] = wait_until(done, what="the notices")
    return found


def test_a_fall_under_parallel_submits_is_told_once_and_the_next_one_again(
    open_an_account: Any,
) -> None:
    account: Account = open_an_account(funds="1")
    watch(account, "0.75", notice_hook=hook_of(account))
    assert raised(together([account.draw] * 8)) == []
    wait_until(lambda: letters(account), what="the notice")
    wait_until(lambda: account.funds == ("0.20", "0.00"), what="the end of all")
    (letter,) = letters(account)
    said = Webhook(account.tenant.webhook_secret).verify(letter["body"], letter["headers"])
    assert said["type"] == "balance.low"
    assert said["data"]["threshold"] == "0.75"
    assert float(said["data"]["available"]) < 0.75
    assert said["data"]["tenant"] == account.tenant.name

    ledger.topup(
        tenant_id=account.tenant.pk,
        amount=to_micro("0.60"),
        reference=f"again {account.tenant.pk}",
        actor="test",
    )
    watched = LowBalance.objects.filter(tenant=account.tenant)
    wait_until(lambda: not watched.get().is_below, what="the recovery")
    account.finish(account.draw())
    wait_until(lambda: len(letters(account)) == 2, what="the second notice")
    ids = {letter["headers"]["webhook-id"] for letter in letters(account)}
    assert len(ids) == 2
    assert Notice.objects.filter(tenant=account.tenant).count() == 2


def test_a_receiver_that_fails_is_tried_again(open_an_account: Any) -> None:
    account: Account = open_an_account(funds="1")
    watch(account, "2", notice_hook=hook_of(account, "?fail=2"))
    mine = Delivery.objects.filter(notice__tenant=account.tenant)
    for tries in (1, 2):
        (row,) = wait_until(
            lambda tries=tries: mine.filter(tries=tries).exclude(error=""), what="a failed try"
        )
        assert row.error.startswith("500")
        assert row.state == Delivery.State.PENDING
        # As if the rung of the ladder were over.
        assert row.due_at > timezone.now()
        mine.update(due_at=timezone.now(), error="")
    (row,) = deliveries(account, 1)
    assert (row.state, row.tries, row.error) == ("delivered", 3, "")
    first, second, third = letters(account)
    assert first["headers"]["webhook-id"] == third["headers"]["webhook-id"]
    assert first["body"] == second["body"] == third["body"]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("?status=410", "410"),
        ("http://10.0.0.1/notices", "is not a public address"),
        ("http://169.254.169.254/notices", "is not a public address"),
        ("nowhere", "Invalid URL"),
    ],
)
def test_where_it_can_never_arrive_it_is_given_up_with_the_reason(
    open_an_account: Any, query: str, error: str
) -> None:
    account: Account = open_an_account(funds="1")
    hook = hook_of(account, query) if query.startswith("?") else query
    watch(account, "2", notice_hook=hook)
    # A 410 switches the hook off, of which there is a notice that has nowhere to go.
    row = deliveries(account, 2 if "410" in query else 1)[0]
    assert (row.state, row.tries, row.due_at) == ("given_up", 1, None)
    assert error in row.error


def test_what_a_dead_worker_had_taken_is_sent_by_another(open_an_account: Any) -> None:
    account: Account = open_an_account(funds="1")
    row = a_delivery("hook", hook_of(account), tenant=account.tenant)
    # As it leaves it that dies between the sending and the storing: its lease ends.
    Delivery.objects.filter(pk=row.pk).update(tries=1, due_at=timezone.now())
    (row,) = deliveries(account, 1)
    assert (row.state, row.tries) == ("delivered", 2)
    assert len(letters(account)) == 1


def test_without_a_mail_server_the_hook_is_told_all_the_same(open_an_account: Any) -> None:
    account: Account = open_an_account(funds="1")
    watch(account, "2", notice_hook=hook_of(account), notice_mails=["me@shop.example"])
    mail, hook = deliveries(account, 2)
    assert (mail.way, mail.state) == ("mail", "given_up")
    assert mail.error == "EMAIL_URL is not set: no mail can be sent"
    assert (hook.way, hook.state) == ("hook", "delivered")


@pytest.fixture
def box(settings: Any) -> Iterator[Mailbox]:
    """A mail server, and this process configured for it."""
    with mailbox() as box:
        use(settings, box)
        yield box


def use(settings: Any, box: Mailbox) -> None:
    settings.EMAIL_URL = f"smtp://127.0.0.1:{box.port}"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
    settings.DEFAULT_FROM_EMAIL = "relay@relay.example"


def a_delivery(way: str, address: str, *, tenant: Tenant | None = None) -> Delivery:
    """Of a notice that nobody else sends: it is not due."""
    notice = Notice.objects.create(
        tenant=tenant, kind="balance.low", subject="Läuft leer", text="4,99 übrig\n", data={"n": 1}
    )
    later = timezone.now() + timedelta(days=1)
    return Delivery.objects.create(notice=notice, way=way, address=address, due_at=later)


def tried(delivery: Delivery) -> Delivery:
    sending.deliver(delivery.pk, delivery.tries)
    delivery.refresh_from_db()
    return delivery


def test_a_mail_arrives(database: str, box: Mailbox) -> None:
    tenant, *_ = open_tenant(funds="0")
    row = tried(a_delivery("mail", "me@shop.example", tenant=tenant))
    assert (row.state, row.tries, row.error) == ("delivered", 1, "")
    ((recipients, mail),) = box.mails
    assert recipients == ["me@shop.example"]
    assert (mail["Subject"], mail["From"]) == ("Läuft leer", "relay@relay.example")
    assert mail["Message-ID"] == f"<notice-{row.notice_id}-{row.pk}@relay.example>"
    assert "4,99 übrig" in mail.get_content()


def test_a_delivery_that_somebody_else_has_taken_is_not_made(database: str, box: Mailbox) -> None:
    row = a_delivery("mail", "me@shop.example")
    sending.deliver(row.pk, 3)
    tried(row)
    sending.deliver(row.pk, 1)
    sending.deliver(row.pk + 10**6, 0)
    assert len(box.mails) == 1


def test_of_many_with_the_same_job_one_delivers(database: str, box: Mailbox) -> None:
    row = a_delivery("mail", "me@shop.example")
    assert raised(together([lambda: sending.deliver(row.pk, 0)] * 6)) == []
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("answer", "state"), [("550 nobody here", "given_up"), ("451 later", "pending")]
)
def test_a_refused_mail_is_tried_again_unless_it_is_hopeless(
    database: str, box: Mailbox, answer: str, state: str
) -> None:
    box.recipient_answers = [answer]
    row = tried(a_delivery("mail", "nobody@shop.example"))
    assert (row.state, row.tries) == (state, 1)
    assert answer.split()[0] in row.error
    if state == "pending":
        assert tried(row).state == "delivered"


def test_the_last_rung_of_the_ladder_is_the_end(database: str, box: Mailbox) -> None:
    row = a_delivery("mail", "me@shop.example")
    row.tries = len(sending.ladder.LADDER_SECONDS) - 1
    row.save()
    box.recipient_answers = ["451 later"]
    assert tried(row).state == "given_up"
    assert row.error.startswith("refused: ")


def test_a_mail_server_that_says_nothing_does_not_hold_us(database: str, settings: Any) -> None:
    settings.EMAIL_TIMEOUT = settings.EMAIL_TIMEOUT_SECONDS = 0.3
    with mailbox(is_mute=True) as box:
        use(settings, box)
        row = tried(a_delivery("mail", "me@shop.example"))
    assert (row.state, row.tries) == ("pending", 1)
    assert row.error


def test_an_address_that_is_none_is_no_crash(database: str, box: Mailbox) -> None:
    row = tried(a_delivery("mail", "a\r\nBcc: everybody@shop.example"))
    assert row.state == "pending"
    assert row.error
    assert box.mails == []


def test_operators_hooks_are_signed_with_their_own_secret(
    database: str, settings: Any, open_an_account: Any
) -> None:
    account: Account = open_an_account(funds="1")
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    sending.posting.guarded.cache_clear()
    settings.OPERATOR_WEBHOOK_SECRET = ""
    row = tried(a_delivery("hook", hook_of(account)))
    assert (row.state, letters(account)) == ("given_up", [])
    assert "OPERATOR_WEBHOOK_SECRET" in row.error
    settings.OPERATOR_WEBHOOK_SECRET = account.tenant.webhook_secret
    row = tried(a_delivery("hook", hook_of(account)))
    sending.posting.guarded.cache_clear()
    (letter,) = letters(account)
    assert row.state == "delivered"
    Webhook(account.tenant.webhook_secret).verify(letter["body"], letter["headers"])
    assert json.loads(letter["body"])["data"] == {"n": 1}
