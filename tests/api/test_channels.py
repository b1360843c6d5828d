"""Channels over the management API: caps, states, credentials, history and probes."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import Token
from channels import breaker
from channels.models import Channel, Credential, Probe
from tests.accounts import Account
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, Key, open_desk, unique
from tests.stack import Stack

SECRET = "open-sesame-1234567890"
CHANNEL = {"kind": "trueai", "base_url": "https://upstream.example", "groups": ["nobody's"]}


@pytest.fixture(scope="module")
def shared_desk(stack: Stack) -> Desk:
    return open_desk(stack)


@pytest.fixture
def operator(shared_desk: Desk) -> Key:
    return shared_desk.operator


@pytest.fixture
def path(operator: Key) -> Iterator[str]:
    """Of a new channel with one credential."""
    made = operator.post("channels", **CHANNEL, name=unique("up"), secret=SECRET)
    yield f"channels/{made['id']}"
    Channel.objects.filter(pk=made["id"]).delete()


def kinds(operator: Key, path: str) -> list[str]:
    return [event["kind"] for event in operator.get(f"{path}/events")["data"]][::-1]


def test_caps_are_set_shown_and_taken_away(operator: Key, path: str) -> None:
    caps = {"concurrency": 12, "rpm": 60, "queue_depth": 0}
    changed = operator.patch(path, **caps)
    assert {name: changed[name] for name in caps} == caps
    changed = operator.patch(path, concurrency=None, rpm=None)
    assert [changed[name] for name in caps] == [None, None, 0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("concurrency", -1), ("rpm", 1_000_001), ("queue_depth", 1.5), ("concurrency", "many"),
        ("breaker", "closed"), ("rests_until", None), ("reason", "x" * 201),
        ("reason", "without a state"), ("secret", "two\nlines"), ("secret", " blank"),
        ("secret", "schl\u00fcssel"), ("base_url", "https://me:password@upstream.example"),
    ],
)  # fmt: skip
def test_what_a_channel_cannot_have(operator: Key, path: str, field: str, value: Any) -> None:
    before = operator.get(path)
    answer = operator.ask("PATCH", path, json={field: value})
    assert_refused(answer, 400, "invalid_request", says=f"{field}:")
    assert operator.get(path) == before


def test_a_change_of_state_is_kept_with_who_and_why(operator: Key, path: str) -> None:
    changed = operator.patch(path, state="draining", reason="moving to another machine")
    assert (changed["state"], changed["reason"]) == ("draining", "moving to another machine")
    operator.patch(path, state="enabled", weight=3)
    operator.patch(path, weight=3)
    events = operator.get(f"{path}/events")["data"][::-1]
    assert [(event["kind"], event["text"]) for event in events] == [
        ("made", ""),
        ("draining", "moving to another machine"),
        ("changed", "weight: 1 \u2192 3"),
        ("enabled", ""),
    ]
    assert len({event["actor"] for event in events}) == 1
    assert events[0]["actor"]
    only = operator.get(f"{path}/events", kind="draining")["data"]
    assert [event["kind"] for event in only] == ["draining"]


def test_an_open_breaker_is_shown_and_enabling_closes_it(operator: Key, path: str) -> None:
    channel_id = int(path.rpartition("/")[2])
    breaker.open_(channel_id, why="it stumbles")
    shown = operator.get(path)
    assert shown["breaker"] == "open"
    assert shown["breaker_until"] is not None
    shown = operator.patch(path, state="enabled")
    assert (shown["breaker"], shown["breaker_until"]) == ("closed", None)
    assert kinds(operator, path) == ["made", "breaker_opened", "enabled"]


def test_credentials_are_added_changed_switched_and_deleted(operator: Key, path: str) -> None:
    (main,) = operator.get(f"{path}/credentials")["data"]
    assert (main["name"], main["is_active"]) == ("main", True)
    second = operator.post(f"{path}/credentials", name="second", secret="another-secret-7")
    own = f"{path}/credentials/{second['id']}"
    changed = operator.patch(own, name="2nd", secret="yet-another-one", is_active=False)
    assert (changed["name"], changed["is_active"]) == ("2nd", False)
    assert Credential.objects.get(pk=second["id"]).secret == "yet-another-one"
    assert operator.get(own) == changed
    operator.delete(own)
    assert_refused(operator.ask("GET", own), 404, "not_found")
    assert kinds(operator, path) == [
        "made", "credential_made", "credential_changed", "credential_off", "credential_deleted"
    ]  # fmt: skip


def test_a_credential_is_refused_in_words(operator: Key, path: str) -> None:
    address = f"{path}/credentials"
    for body, says in (
        ({"name": "main", "secret": "x"}, "a credential of this name"),
        ({"name": "x", "secret": "two\nlines"}, "secret:"),
        ({"name": "x"}, "secret:"),
        ({"name": "x", "secret": ""}, "secret:"),
        ({"secret": "x"}, "name:"),
        ({"name": "x" * 101, "secret": "x"}, "name:"),
        ({"name": "x", "secret": "x", "is_active": False}, "is_active:"),
    ):
        answer = operator.ask("POST", address, json=body)
        assert answer.status_code in (400, 409), answer.text
        assert says in answer.json()["message"]
    assert len(operator.get(address)["data"]) == 1


def test_another_channels_credential_is_not_there(operator: Key, path: str) -> None:
    other = operator.post("channels", **CHANNEL, name=unique("up"), secret=SECRET)
    (theirs,) = operator.get(f"channels/{other['id']}/credentials")["data"]
    for method in ("GET", "PATCH", "DELETE"):
        answer = operator.ask(method, f"{path}/credentials/{theirs['id']}", json={})
        assert_refused(answer, 404, "not_found")
    operator.delete(f"channels/{other['id']}")


def test_with_several_credentials_the_channels_own_secret_is_not_one(
    operator: Key, path: str
) -> None:
    operator.post(f"{path}/credentials", name="second", secret="another-secret-7")
    answer = operator.ask("PATCH", path, json={"secret": "x", "weight": 9})
    assert_refused(answer, 400, "invalid_request", says="secret: it has several")
    assert operator.get(path)["weight"] == 1


def test_no_answer_ever_shows_a_secret(operator: Key, path: str) -> None:
    operator.patch(path, secret=SECRET, name=unique("other"))
    operator.ask("POST", f"{path}/credentials", json={"name": "main", "secret": SECRET})
    operator.ask("POST", f"{path}/credentials", json={"name": "x", "secret": f"\n{SECRET}"})
    shown = [
        operator.ask("GET", address).text
        for address in (path, f"{path}/credentials", f"{path}/events", f"{path}/probes", "channels")
    ]
    assert "sesame" not in "".join(shown)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT channel.*::text, credential.*::text FROM channels_channel channel"
            " JOIN channels_credential credential ON credential.channel_id = channel.id"
        )
        assert "sesame" not in str(cursor.fetchall())
    assert "sesame" not in operator.stack.log("web")


def test_probes_are_listed_newest_first(operator: Key, path: str) -> None:
    channel = Channel.objects.get(pk=path.rpartition("/")[2])
    for number in range(3):
        Probe.objects.create(channel=channel, is_ok=number != 1, milliseconds=number, headroom=7)
    page = operator.get(f"{path}/probes", limit=2)
    assert [(row["milliseconds"], row["is_ok"]) for row in page["data"]] == [(2, True), (1, False)]
    last = operator.get(f"{path}/probes", after=page["next"])["data"]
    assert [row["milliseconds"] for row in last] == [0]


def test_a_channel_with_tasks_under_way_is_not_deleted_nor_one_that_has_drawn(
    shared_desk: Desk, operator: Key
) -> None:
    account = shared_desk.account
    path = f"channels/{account.channel.pk}"
    added = operator.post(f"{path}/credentials", name="used", secret=SECRET)
    task_id = account.draw("zzslow")
    assert_refused(operator.ask("DELETE", path), 409, "conflict", says="tasks under way")
    used = f"{path}/credentials/{added['id']}"
    assert_refused(operator.ask("DELETE", used), 409, "conflict", says="switch it off")
    assert operator.patch(used, is_active=False)["is_active"] is False
    assert account.fetch(task_id)["status"] in ("SUBMITTED", "IN_PROGRESS")
    # Its last credential is off: nothing new goes there, and nobody is told to wait in a queue.
    assert_refused(account.imagine(), 503, "no_channel", code=9)
    operator.patch(used, is_active=True)


def test_a_channel_that_has_drawn_is_disabled_instead(stack: Stack, operator: Key) -> None:
    account = open_desk(stack).account
    path = f"channels/{account.channel.pk}"
    account.finish(account.draw())
    answer = operator.ask("DELETE", path)
    assert_refused(answer, 409, "conflict", says="disable it")
    assert operator.patch(path, state="disabled")["state"] == "disabled"


def test_a_key_chooses_which_channel_draws(shared_desk: Desk) -> None:
    owner = shared_desk.owner
    made = owner.post("keys", name="thrifty", policy="cost")["details"]
    assert made["policy"] == "cost"
    assert owner.patch(f"keys/{made['id']}", policy="stability")["policy"] == "stability"
    answer = owner.ask("PATCH", f"keys/{made['id']}", json={"policy": "luck"})
    assert_refused(answer, 400, "invalid_request", says="policy:")


def test_a_key_that_queues_waits_for_room_at_a_full_channel(open_an_account: Any) -> None:
    account: Account = open_an_account()
    Channel.objects.filter(pk=account.channel.pk).update(concurrency=1)
    first = account.draw()
    assert_refused(account.imagine(), 429, "queue_full", code=23)
    Token.objects.filter(pk=account.token.pk).update(queue_seconds=20)
    second = account.draw()
    assert account.fetch(first)["status"] == "SUCCESS"
    assert account.finish(second)["status"] == "SUCCESS"
    # It is known that there is no room for longer than it would wait.
    until = timezone.now() + timedelta(seconds=60)
    Channel.objects.filter(pk=account.channel.pk).update(rests_until=until)
    started = time.monotonic()
    answer = account.imagine()
    assert_refused(answer, 429, "queue_full", code=23)
    assert 55 <= int(answer.headers["Retry-After"]) <= 60
    assert time.monotonic() - started < 10
