"""The pages about a tenant's callbacks: what was sent, once more, addresses, secret, samples."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from billing.models import Role, StaffRole, Tenant
from common.models import AuditEntry
from relay.messages import hooks
from relay.messages.posting import Delivery
from relay.models import Callback, CallbackAttempt, Hook, HookTest
from tests.accounts import Account, open_tenant
from tests.console.money_desk import HOSTILE, of_staff, of_tenant, place, text
from tests.console.test_tasks import confirm

URL = "https://receiver.example/hook"


def message(account: Account, sequence: int = 1, **fields: Any) -> Callback:
    told = {"state": "given_up", "due_at": None, "is_final": True, "tries": 1} | fields
    body = '{"id":"7","status":"SUCCESS","prompt":"a lighthouse"}'
    return Callback.objects.create(
        tenant=account.tenant, sequence=sequence, **{"url": URL, "body": body, "task_id": 7} | told
    )


def off(account: Account, url: str = URL) -> Hook:
    hooks.note(account.tenant.pk, url, Delivery(410, "", 1))
    return Hook.objects.get(tenant=account.tenant, url=url)


@pytest.fixture
def developer(bystander: Account) -> Client:
    return of_tenant(bystander, Role.DEVELOPER)


def test_messages_are_listed_and_filtered(bystander: Account, developer: Client) -> None:
    gone, there = message(bystander), message(bystander, 2, state="delivered", task_id=8)
    page = place(bystander, "callbacks/")
    both = developer.get(page).content.decode()
    assert f"callbacks/{gone.pk}/" in both
    assert f"callbacks/{there.pk}/" in both
    for query in ({"state": "delivered"}, {"task": "8"}):
        found = developer.get(page, query).content.decode()
        assert f"callbacks/{there.pk}/" in found
        assert f"callbacks/{gone.pk}/" not in found
    nothing = text(developer.get(page, {"until": "2001-01-01T00:00"}))
    assert "Nothing fits." in nothing
    assert (
        developer.get(page, {"task": "x" * 50, "since": "never", "state": "?"}).status_code == 200
    )


def test_times_find_what_was_made_then_and_nothing_else(
    bystander: Account, developer: Client
) -> None:
    rows = [message(bystander, number, is_final=number != 3) for number in range(1, 6)]
    for day, row in enumerate(rows, start=1):
        made = datetime(2020, 1, day, 12, tzinfo=UTC)
        Callback.objects.filter(pk=row.pk).update(created_at=made)
    page = place(bystander, "callbacks/")
    for since, until, days in (
        ("2020-01-02T00:00", "2020-01-04T00:00", {2, 3}),
        ("2020-01-03T12:00", "", {3, 4, 5}),
        ("", "2020-01-03T12:00", {1, 2}),
        ("2020-01-06T00:00", "", set()),
        ("0001-01-01T00:00", "9999-12-31T23:59", {1, 2, 3, 4, 5}),
    ):
        found = developer.get(page, {"since": since, "until": until, "state": "given_up"})
        ids = set(re.findall(r"callbacks/(\d+)/\"", found.content.decode()))
        assert ids == {str(rows[day - 1].pk) for day in days}, (since, until)
    pending = message(bystander, 9, state="pending", due_at=datetime(2020, 1, 1, tzinfo=UTC))
    waiting = developer.get(page, {"state": "pending"}).content.decode()
    assert set(re.findall(r"callbacks/(\d+)/\"", waiting)) == {str(pending.pk)}


def test_one_message_has_body_every_try_and_the_headers(
    bystander: Account, developer: Client
) -> None:
    row = message(bystander, body='{"prompt":"a lighthouse \\u202e"}')
    for number, status in ((1, None), (2, 500)):
        CallbackAttempt.objects.create(
            callback=row,
            task_id=row.task_id,
            number=number,
            status_code=status,
            answer=HOSTILE,
            milliseconds=1234,
        )
    page = developer.get(place(bystander, f"callbacks/{row.pk}/"))
    source, said = page.content.decode(), text(page)
    assert "<script>alert(1)" not in source
    for words in ("no answer", "500", "1234 ms", r"a lighthouse \u202e", row.message_id, "v1,"):
        assert words in said
    viewer = text(of_tenant(bystander, Role.VIEWER).get(place(bystander, f"callbacks/{row.pk}/")))
    assert "webhook-signature" not in viewer
    assert "Send again" not in viewer


def test_one_message_is_sent_again(bystander: Account, developer: Client) -> None:
    row = message(bystander)
    page = place(bystander, f"callbacks/{row.pk}/replay/")
    assert "Another address" in text(developer.get(page))
    assert developer.post(page, {"url": ""}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.url) == ("pending", URL)
    assert AuditEntry.objects.latest("id").deed == "replay callback"


def test_a_replay_that_cannot_be_says_why(bystander: Account, developer: Client) -> None:
    row = message(bystander, is_final=False, state="overtaken")
    page = place(bystander, f"callbacks/{row.pk}/replay/")
    assert "it is on its way, or tells of what is past" in text(developer.post(page, {"url": ""}))
    assert "must be an http" in text(developer.post(page, {"url": "ftp://x"})).lower()
    # Support sends again, but to no other address.
    lost = message(bystander, 2)
    support = of_staff(StaffRole.SUPPORT)
    page = place(bystander, f"callbacks/{lost.pk}/replay/")
    assert "Another address" not in text(support.get(page))
    assert support.post(page, {"url": "https://elsewhere.example/"}).status_code == 302
    lost.refresh_from_db()
    assert lost.url == URL


def test_a_time_is_sent_again_only_what_failed_or_all_of_it(
    bystander: Account, developer: Client
) -> None:
    lost = message(bystander)
    arrived = message(bystander, 1, state="delivered", task_id=8)
    page = place(bystander, "callbacks/replay/")
    form = developer.get(page).content.decode()
    assert len(re.findall(r'name="states"[^>]*checked', form)) == 2
    fields: dict[str, Any] = {"since": "2001-01-01T00:00", "states": ["given_up", "held_back"]}
    assert developer.post(page, fields)["Location"] == place(bystander, "callbacks/")
    states = [Callback.objects.get(pk=row.pk).state for row in (lost, arrived)]
    assert states == ["pending", "delivered"]
    said = text(developer.get(place(bystander, "callbacks/")))
    assert "1 message is sent again." in said
    developer.post(page, fields | {"states": ["delivered"]})
    assert Callback.objects.get(pk=arrived.pk).state == "pending"
    assert "is required" in text(developer.post(page, {"states": ["delivered"]}))


def test_more_than_are_sent_at_once_go_on_where_they_ended(
    bystander: Account, developer: Client
) -> None:
    rows = [message(bystander, task_id=number) for number in range(10, 13)]
    page = place(bystander, "callbacks/replay/")
    fields = {"since": "2001-01-01T00:00", "states": ["given_up"], "limit": "2"}
    answer = developer.post(page, fields)
    assert "2 messages are sent again." in text(answer)
    after = re.search(r'name="after" value="([^"]+)"', answer.content.decode())
    assert after
    assert developer.post(page, fields | {"after": after[1]}).status_code == 302
    assert {Callback.objects.get(pk=row.pk).state for row in rows} == {"pending"}


def test_the_callback_address_is_changed_and_a_bad_one_is_said(
    bystander: Account, developer: Client
) -> None:
    page = place(bystander, "callbacks/hooks/change/")
    old = {"initial-default_hook": ""}
    bad = developer.post(page, old | {"default_hook": "not an address"})
    assert bad.status_code == 200
    assert "is-invalid" in bad.content.decode()
    assert developer.post(page, old | {"default_hook": URL}).status_code == 302
    assert Tenant.objects.get(pk=bystander.tenant.pk).default_hook == URL
    assert URL in text(developer.get(place(bystander, "callbacks/hooks/")))


def test_the_secret_is_shown_only_with_a_fresh_sign_in_and_by_a_question(
    bystander: Account, developer: Client
) -> None:
    secret = Tenant.objects.get(pk=bystander.tenant.pk).webhook_secret
    page = place(bystander, "callbacks/hooks/secret/")
    assert secret not in developer.get(page).content.decode()
    shown = developer.post(page)
    assert secret in shown.content.decode().replace("&#x2B;", "+")
    assert shown["Cache-Control"] == "no-store"
    assert AuditEntry.objects.latest("id").deed == "show webhook secret"
    confirm(developer, 1.0)
    assert "/console/account/" in developer.post(page)["Location"]
    assert of_tenant(bystander, Role.VIEWER).post(page).status_code == 403


def test_the_secret_is_replaced_and_the_page_tells_how_long_the_old_one_signs(
    bystander: Account, developer: Client
) -> None:
    page = place(bystander, "callbacks/hooks/secret/rotate/")
    assert "86400 is a day" in text(developer.get(page))
    shown = text(developer.post(page, {"overlap_seconds": "3600"}))
    assert "The one before it signs, too, until" in shown
    assert "signs, too, until" in text(developer.get(place(bystander, "callbacks/hooks/")))
    refused = developer.post(page, {"overlap_seconds": str(10**8)})
    assert "is-invalid" in refused.content.decode()
    now = text(developer.post(page, {"overlap_seconds": "0"}))
    assert "signs, too" not in now


def test_an_address_that_is_off_is_switched_on(bystander: Account, developer: Client) -> None:
    hook = off(bystander)
    page = place(bystander, "callbacks/hooks/")
    said = text(developer.get(page))
    assert "switched off" in said
    assert "410 Gone" in said
    assert developer.post(f"{page}{hook.pk}/switch-on/").status_code == 302
    assert not hooks.is_off(bystander.tenant.pk, URL)
    assert "No address fails." in text(developer.get(page))


def test_samples_are_listed_with_their_answers(bystander: Account, developer: Client) -> None:
    HookTest.objects.create(
        tenant=bystander.tenant, url=URL, body="{}", status_code=418, answer=HOSTILE, milliseconds=7
    )
    page = developer.get(place(bystander, "callbacks/tests/"))
    assert "<script>alert(1)" not in page.content.decode()
    assert "418" in text(page)
    refused = developer.post(place(bystander, "callbacks/tests/new/"), {"url": ""})
    assert "there is no default_hook, so this is required" in text(refused)


def test_others_find_nothing_and_viewers_change_nothing(bystander: Account) -> None:
    row, hook = message(bystander), off(bystander)
    stranger = of_tenant(bystander)
    other, _, _ = open_tenant()
    mine = f"/console/tenants/{other.pk}/"
    operator, viewer = of_staff(), of_tenant(bystander, Role.VIEWER)
    assert stranger.get(f"{mine}callbacks/").status_code == 404
    for path in (f"callbacks/{row.pk}/", f"callbacks/{row.pk}/replay/"):
        assert operator.get(mine + path).status_code == 404, path
    assert operator.post(f"{mine}callbacks/hooks/{hook.pk}/switch-on/").status_code == 404
    for path in (
        f"callbacks/{row.pk}/replay/",
        f"callbacks/hooks/{hook.pk}/switch-on/",
        "callbacks/hooks/secret/rotate/",
        "callbacks/tests/new/",
    ):
        assert viewer.post(place(bystander, path), {"url": URL}).status_code == 403, path
    assert hooks.is_off(bystander.tenant.pk, URL)
