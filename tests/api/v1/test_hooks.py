"""Hooks over the management API: tested, replaced, switched off and on, and what they missed."""

import json
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from billing.models import Tenant, Token
from relay.messages import hooks
from relay.messages.posting import Delivery
from relay.models import Callback, HookTest
from tests.api.shapes import TASK_KEYS, assert_refused
from tests.api.v1.desk import Desk
from tests.listener import listening
from tests.stack import wait_until

LONG_AGO = "2020-01-01T00:00:00Z"


def letters(desk: Desk, box: str = "") -> list[dict[str, Any]]:
    return desk.account.stack.inbox(desk.tenant.name + box)


def box(desk: Desk, name: str = "", query: str = "") -> str:
    return desk.account.stack.inbox_url(desk.tenant.name + name, query)


def switched_off(desk: Desk, url: str) -> int:
    """The id of a hook that is off."""
    assert hooks.note(desk.tenant.pk, url, Delivery(410, "", 1))
    found: list[dict[str, Any]] = desk.owner.get("hooks/failing")["data"]
    return next(row["id"] for row in found if row["url"] == url and row["off_since"])


def held_back(desk: Desk, url: str, number: int = 1) -> list[Callback]:
    """The ends of so many tasks, kept for a hook that is off."""
    ids = [int(desk.account.draw("zzfail", notifyHook=url)) for _ in range(number)]
    for task_id in ids:
        desk.account.finish(str(task_id))
    rows = Callback.objects.filter(task__in=ids, is_final=True).order_by("id")
    assert {row.state for row in rows} == {"held_back"}
    return list(rows)


def delivered(rows: list[Callback]) -> bool:
    mine = Callback.objects.filter(pk__in=[row.pk for row in rows])
    return {row.state for row in mine} == {"delivered"}


def test_the_test_button_sends_one_signed_sample_and_keeps_how_it_went(desk: Desk) -> None:
    with listening(status=202, body=b"thank you") as receiver:
        shown = desk.owner.post("hooks/test", url=receiver.url)
    assert (shown["status_code"], shown["answer"], shown["url"]) == (
        202, "thank you", receiver.url,
    )  # fmt: skip
    assert 0 <= shown["milliseconds"] < 10_000
    ((method, _, headers, body),) = receiver.asked
    assert method == "POST"
    Webhook(desk.tenant.webhook_secret).verify(body.decode(), headers)
    assert headers["webhook-id"] == shown["message_id"]
    task = json.loads(body)
    assert {name: type(task[name]) for name in TASK_KEYS} == {
        name: type(task[name]) for name, kind in TASK_KEYS.items() if isinstance(task[name], kind)
    }
    assert set(task) == set(TASK_KEYS)
    assert (task["state"], task["status"]) == ("test", "SUCCESS")
    assert len(task["id"]) == 16
    assert desk.account.request("GET", f"/mj/task/{task['id']}/fetch").status_code == 404
    assert desk.owner.get("hooks/test")["data"] == [shown]
    assert desk.account.written["callbacks"] == 0


def test_by_default_the_button_tests_the_tenants_own_hook(desk: Desk) -> None:
    refused = desk.owner.ask("POST", "hooks/test", json={})
    assert_refused(refused, 400, "invalid_request", says="default_hook")
    desk.owner.patch("hooks", default_hook=box(desk, query="?status=500"))
    assert desk.owner.post("hooks/test")["status_code"] == 500
    assert len(letters(desk)) == 1
    assert desk.owner.get("hooks/failing")["data"] == []


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/", "http://10.0.0.1/", "http://[::ffff:10.0.0.1]/"]
)
def test_the_button_dials_no_inner_address(shared_desk: Desk, url: str) -> None:
    shown = shared_desk.owner.post("hooks/test", url=url)
    assert shown["status_code"] is None
    assert "not a public address" in shown["answer"]


def test_the_button_may_be_pressed_ten_times_a_minute(desk: Desk) -> None:
    with listening() as receiver:
        answers = [
            desk.owner.ask("POST", "hooks/test", json={"url": receiver.url}) for _ in range(11)
        ]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert_refused(answers[-1], 429, "rate_limited", code=23)
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert len(receiver.asked) == 10
    assert HookTest.objects.filter(tenant=desk.tenant).count() == 10


def test_both_secrets_sign_until_the_old_one_ends(desk: Desk) -> None:
    old = desk.tenant.webhook_secret
    rotated = desk.owner.post("hooks/secret/rotate", overlap_seconds=3600)
    assert rotated["old_secret_until"]
    desk.owner.post("hooks/test", url=box(desk))
    now = desk.owner.post("hooks/secret/rotate", overlap_seconds=0)
    assert now["old_secret_until"] is None
    desk.owner.post("hooks/test", url=box(desk))
    both, one = letters(desk)
    for secret in (old, rotated["secret"]):
        Webhook(secret).verify(both["body"], both["headers"])
    Webhook(now["secret"]).verify(one["body"], one["headers"])
    assert len(one["headers"]["webhook-signature"].split()) == 1


def test_the_secret_is_shown_to_who_may_change_it_and_the_audit_knows(desk: Desk) -> None:
    shown = desk.roles["developer"].post("hooks/secret/show")
    assert shown == {"secret": desk.tenant.webhook_secret, "old_secret_until": None}
    line = desk.owner.get("audit")["data"][0]
    assert (line["deed"], line["object_kind"]) == ("show webhook secret", "hooks")
    refused = desk.roles["viewer"].ask("POST", "hooks/secret/show")
    assert_refused(refused, 403, "role_not_allowed")
    rotated = desk.owner.post("hooks/secret/rotate", overlap_seconds=3600)
    for answer in (desk.owner.post("hooks/secret/show"), desk.owner.get("hooks")):
        assert answer["old_secret_until"] == rotated["old_secret_until"]
    Tenant.objects.filter(pk=desk.tenant.pk).update(old_webhook_secret_expires_at=LONG_AGO)
    assert desk.owner.get("hooks")["old_secret_until"] is None


def test_a_callback_tells_what_a_try_would_carry_to_who_may_change_hooks(desk: Desk) -> None:
    url = box(desk)
    switched_off(desk, url)
    (row,) = held_back(desk, url)
    shown = desk.roles["developer"].get(f"callbacks/{row.pk}")
    assert shown["headers"]["webhook-id"] == shown["message_id"]
    assert shown["headers"]["X-Relay-Sequence"] == str(row.sequence)
    Webhook(desk.tenant.webhook_secret).verify(shown["body"], shown["headers"])
    for key in (desk.roles["viewer"], desk.roles["finance"]):
        assert "headers" not in key.get(f"callbacks/{row.pk}")


def test_a_day_is_the_overlap_when_none_is_named(desk: Desk) -> None:
    desk.owner.post("hooks/secret/rotate")
    tenant = Tenant.objects.get(pk=desk.tenant.pk)
    assert tenant.old_webhook_secret_expires_at
    left = (tenant.old_webhook_secret_expires_at - timezone.now()).total_seconds()
    assert 86_000 < left <= 86_400
    refused = desk.owner.ask("POST", "hooks/secret/rotate", json={"overlap_seconds": 10**8})
    assert_refused(refused, 400, "invalid_request", says="overlap_seconds")


def test_what_a_hook_has_missed_is_sent_when_it_is_on_again(desk: Desk) -> None:
    url = box(desk)
    number = switched_off(desk, url)
    rows = held_back(desk, url, 3)
    assert letters(desk) == []
    refused = desk.owner.ask("POST", f"callbacks/{rows[0].pk}/replay", json={})
    assert_refused(refused, 409, "conflict", says="off")
    assert desk.owner.post("callbacks/replay", since=LONG_AGO) == {"replayed": 0, "next": None}

    desk.roles["developer"].post(f"hooks/failing/{number}/switch-on")
    assert desk.owner.get("hooks/failing")["data"] == []
    page = desk.owner.post("callbacks/replay", since=LONG_AGO, limit=2)
    assert page["replayed"] == 2
    rest = desk.owner.post("callbacks/replay", since=LONG_AGO, limit=2, after=page["next"])
    assert rest == {"replayed": 1, "next": None}
    wait_until(lambda: delivered(rows), what="what was missed")
    heard = [row["headers"]["webhook-id"] for row in letters(desk)]
    assert sorted(heard) == sorted(row.message_id for row in rows)

    again = desk.owner.post("callbacks/replay", since=LONG_AGO, states=["delivered"], limit=1000)
    assert again == {"replayed": 3, "next": None}
    wait_until(lambda: len(letters(desk)) == 6, what="all of it again")


@pytest.mark.parametrize("setting", ["default_hook", "notice_hook", "key"])
def test_an_address_that_is_named_again_is_on_again(desk: Desk, setting: str) -> None:
    url = box(desk)
    switched_off(desk, url)
    if setting == "key":
        token = Token.objects.get(tenant=desk.tenant)
        desk.owner.patch(f"keys/{token.pk}", hook=url)
    else:
        desk.owner.patch("hooks", **{setting: url})
    assert not hooks.is_off(desk.tenant.pk, url)


def test_what_an_old_address_has_missed_can_go_to_a_new_one(desk: Desk) -> None:
    switched_off(desk, box(desk))
    one, two = held_back(desk, box(desk), 2)
    new = box(desk, "-new")
    support = desk.site["support"]
    for path, body in (
        (f"callbacks/{one.pk}/replay", {"url": new}),
        ("callbacks/replay", {"since": LONG_AGO, "url": new}),
    ):
        refused = support.ask("POST", desk.base + path, json=body)
        assert_refused(refused, 403, "role_not_allowed", says="hooks")
    assert desk.owner.post(f"callbacks/{one.pk}/replay", url=new)["url"] == new
    assert desk.owner.post("callbacks/replay", since=LONG_AGO, url=new)["replayed"] == 1
    wait_until(lambda: delivered([one, two]), what="what was missed")
    assert len(letters(desk, "-new")) == 2
    assert letters(desk) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "since"), ({"since": "yesterday"}, "since"),
        ({"since": LONG_AGO, "limit": 0}, "limit"), ({"since": LONG_AGO, "limit": 1001}, "limit"),
        ({"since": LONG_AGO, "states": ["pending"]}, "states"),
        ({"since": LONG_AGO, "after": "x"}, "after"),
        ({"since": LONG_AGO, "after": "2026-01-01T00:00:00_5"}, "after"),
        ({"since": LONG_AGO, "after": "2026-01-01T00:00:00+00:00_-5"}, "after"),
        ({"since": LONG_AGO, "after": "2026-01-01T00:00:00+00:00_" + "9" * 30}, "after"),
        ({"since": LONG_AGO, "url": "ftp://x.example"}, "url"),
    ],
)  # fmt: skip
def test_a_wrong_replay_is_refused_by_name(
    shared_desk: Desk, body: dict[str, Any], field: str
) -> None:
    answer = shared_desk.owner.ask("POST", "callbacks/replay", json=body)
    assert_refused(answer, 400, "invalid_request", says=field)


def test_another_tenants_hooks_are_not_there(desk: Desk, shared_desk: Desk) -> None:
    number = switched_off(desk, box(desk))
    refused = shared_desk.owner.ask("POST", f"hooks/failing/{number}/switch-on")
    assert_refused(refused, 404, "not_found")
    assert hooks.is_off(desk.tenant.pk, box(desk))
    rows = held_back(desk, box(desk))
    assert shared_desk.owner.post("callbacks/replay", since=LONG_AGO)["replayed"] == 0
    rows[0].refresh_from_db()
    assert rows[0].state == "held_back"
