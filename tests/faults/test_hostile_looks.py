"""Upstreams that answer a look with nonsense: the poller survives it, the other tasks of the batch
are stored, and no money moves that should not."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
from django.conf import settings as product_settings
from django.db import connection
from django.utils import timezone

from channels import selection
from channels.errors import Refusal, Rejected
from channels.models import Channel
from relay import actions
from relay.following import polling
from relay.models import Task
from relay.submits import forwarding
from relay.submits.forwarding import Handover
from relay.submits.orders import Order
from tests.accounts import Account, open_account, open_channel
from tests.faults.hostile import Exchange, HostileUpstream, row, row_of
from tests.faults.place import accept, begin, begin_attempt, hurry_tasks
from tests.proofs import prove
from tests.stack import Stack

# Longer than any look may take with the times of `quick_times`.
LOOK_SECONDS = 20
DEEP = 900


@pytest.fixture
def account(own_database_url: str, upstream: HostileUpstream, tmp_path: Path) -> Account:
    """Nobody polls for it but the test."""
    stack = Stack(folder=tmp_path, env={}, drawing_seconds=1)
    return open_account(stack, channel_url=upstream.url)


@pytest.fixture(autouse=True)
def quick_times(settings) -> None:
    settings.UPSTREAM_CONNECT_SECONDS = 1
    settings.UPSTREAM_POLL_SECONDS = 1
    settings.TASK_GRACE_SECONDS = 0


def running(account: Account, *, own_id: str = "") -> Task:
    """A task that the upstream has accepted under this id, `up-...` by default."""
    task_id = begin(account)
    accept(task_id, own_id or f"up-{task_id}")
    return Task.objects.get(pk=task_id)


def look(account: Account, *tasks: Task) -> list[str]:
    """One look, as a worker does it, and the status of each task after it."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            polling.look(account.channel.pk, [task.pk for task in tasks])
        except BaseException as error:  # noqa: BLE001  the test judges it
            problems.append(error)
        finally:
            connection.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(LOOK_SECONDS)
    assert not thread.is_alive(), "the look does not end"
    assert not problems, problems
    prove(account.tenant.pk)
    for task in tasks:
        task.refresh_from_db()
    return [task.status for task in tasks]


def deep(levels: int) -> object:
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


# What stands in the place of the first task's row, beside the honest row of the second.
# (row from task, status of the first task afterwards)
BAD_ROWS: dict[str, tuple[Callable[[Task], object], str]] = {
    "null": (lambda t: None, "SUBMITTED"),
    "number": (lambda t: 7, "SUBMITTED"),
    "text": (lambda t: "SUCCESS", "SUBMITTED"),
    "list": (lambda t: [row_of(t)], "SUBMITTED"),
    "empty object": (lambda t: {}, "SUBMITTED"),
    "id is null": (lambda t: row_of(t) | {"id": None}, "SUBMITTED"),
    "id is a list": (lambda t: row_of(t) | {"id": [f"up-{t.pk}"]}, "SUBMITTED"),
    "id is an object": (lambda t: row_of(t) | {"id": {"a": 1}}, "SUBMITTED"),
    "id is a number": (lambda t: row_of(t) | {"id": t.pk}, "SUBMITTED"),
    "id nobody asked for": (lambda t: row_of(t) | {"id": "up-0"}, "SUBMITTED"),
    "state of somebody else": (lambda t: row_of(t) | {"state": "1.forged"}, "SUBMITTED"),
    "status is null": (lambda t: row_of(t, None), "IN_PROGRESS"),
    "status is a list": (lambda t: row_of(t, ["SUCCESS"]), "IN_PROGRESS"),
    "status is unknown": (lambda t: row_of(t, "DONE"), "IN_PROGRESS"),
    "status in small letters": (lambda t: row_of(t, "success"), "IN_PROGRESS"),
    "action is a list": (lambda t: row_of(t, action=["IMAGINE"]), "SUCCESS"),
    "action is an object": (lambda t: row_of(t, action={}), "SUCCESS"),
    "properties are a text": (lambda t: row_of(t, properties="none"), "SUCCESS"),
    "properties are a list": (lambda t: row_of(t, properties=[1]), "SUCCESS"),
    "picture is a list": (lambda t: row_of(t, imageUrl=["http://x/1.png"]), "SUCCESS"),
    "nul characters": (
        lambda t: row_of(t, imageUrl="http://x/\0", description="\0", other={"\0": ["\0"]}),
        "SUCCESS",
    ),
    "huge numbers": (
        lambda t: row_of(t, startTime=10**40, finishTime=-(10**40), other=10**300),
        "SUCCESS",
    ),
    "times that are true": (lambda t: row_of(t, startTime=True, finishTime=True), "SUCCESS"),
    "times are texts": (lambda t: row_of(t, startTime="now", finishTime=[]), "SUCCESS"),
    "progress beyond measure": (lambda t: row_of(t, progress="999%"), "SUCCESS"),
    "progress is negative": (lambda t: row_of(t, "IN_PROGRESS", progress="-1%"), "IN_PROGRESS"),
    "negative price": (lambda t: row_of(t, price=-1, cost=-(10**9), quota=-1), "SUCCESS"),
    "a very long text": (lambda t: row_of(t, description="x" * 5_000_000), "SUCCESS"),
    "deeply nested": (lambda t: row_of(t, other=deep(DEEP)), "SUCCESS"),
    "deeply nested, with a nul": (
        lambda t: row_of(t, other=deep(DEEP), description="\0"),
        "SUCCESS",
    ),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_harms_no_other(
    account: Account, upstream: HostileUpstream, settings, name: str
) -> None:
    settings.TASK_GRACE_SECONDS = 60
    bad, good = running(account), running(account)
    make, expected = BAD_ROWS[name]
    upstream.rows = [make(bad), row_of(good)]
    assert look(account, bad, good)[1] == "SUCCESS"
    assert bad.status == expected
    if expected == "SUCCESS":
        assert account.entries(str(bad.pk))[1:] == [("capture", "-0.10", "-0.10")]


def test_a_number_beyond_all_measure(account: Account, upstream: HostileUpstream) -> None:
    """JSON of Python's own making cannot say it, upstreams can."""
    bad, good = running(account), running(account)
    rows = json.dumps([row_of(bad, other="BIG"), row_of(good)]).replace('"BIG"', "1e999")
    upstream.on_look = lambda exchange: exchange.reply(rows.encode())
    look(account, bad, good)
    # An answer that is no JSON is a broken answer; one that is taken for JSON is stored.
    assert {bad.status, good.status} in ({"SUCCESS"}, {"SUBMITTED"})


def test_one_id_twice_with_different_words(account: Account, upstream: HostileUpstream) -> None:
    task = running(account)
    upstream.rows = [row_of(task, "SUCCESS"), row_of(task, "FAILURE"), row_of(task, "IN_PROGRESS")]
    look(account, task)
    upstream.rows = upstream.rows[:1]
    look(account, task)
    assert task.status in ("SUCCESS", "FAILURE")
    assert len(account.entries(str(task.pk))) == 2


def test_words_that_go_backwards(account: Account, upstream: HostileUpstream) -> None:
    task = running(account)
    seen = []
    for status, progress in (
        ("IN_PROGRESS", "62%"),
        ("NOT_START", "0%"),
        ("SUBMITTED", "0%"),
        ("IN_PROGRESS", "31%"),
        ("SUCCESS", "100%"),
        ("IN_PROGRESS", "93%"),
        ("FAILURE", ""),
    ):
        upstream.rows = [row_of(task, status, progress=progress)]
        look(account, task)
        seen.append((task.status, task.progress))
    assert seen == [("IN_PROGRESS", 62)] * 4 + [("SUCCESS", 100)] * 3
    assert account.funds == ("99.90", "0.00")


def test_one_id_for_two_submits(account: Account, upstream: HostileUpstream) -> None:
    """The word of the upstream about whose drawing it is counts: ours, sent back."""
    first = running(account)
    second = running(account, own_id=first.upstream_id)
    upstream.rows = [row_of(first)]
    assert look(account, first, second) == ["SUCCESS", "FAILURE"]
    assert account.funds == ("99.90", "0.00")


def test_one_id_for_two_submits_and_no_word_about_whose_it_is(
    account: Account, upstream: HostileUpstream
) -> None:
    """One drawing is not paid twice."""
    first = running(account)
    second = running(account, own_id=first.upstream_id)
    upstream.rows = [row_of(first) | {"state": None}]
    look(account, first, second)
    assert account.funds[0] == "99.90"


def test_an_upstream_that_counts_anew(account: Account, upstream: HostileUpstream) -> None:
    """After its restart it gives the ids of old tasks to new ones. Its rows carry our own word, so
    there is no doubt about whose drawing each of them is."""
    old = running(account)
    upstream.rows = [row_of(old)]
    look(account, old)
    new = running(account, own_id=old.upstream_id)
    upstream.rows = [row_of(new) | {"id": old.upstream_id}]
    assert look(account, old, new) == ["SUCCESS", "SUCCESS"]
    assert account.funds == ("99.80", "0.00")


def test_a_search_that_fails_does_not_keep_others_waiting(
    account: Account, upstream: HostileUpstream
) -> None:
    """One task of unknown outcome must be searched for in the upstream's whole list, which is too
    long to be answered. The others need no search."""
    nameless, good = Task.objects.get(pk=begin(account)), running(account)
    upstream.rows = [row_of(good)]
    upstream.on_list = lambda exchange: exchange.reply(b"<html>", status=504, kind="text/html")
    assert look(account, nameless, good) == ["NOT_START", "SUCCESS"]


def test_nothing_is_absent_because_the_search_for_it_failed(
    account: Account, upstream: HostileUpstream
) -> None:
    nameless = Task.objects.get(pk=begin(account))
    upstream.on_list = lambda exchange: exchange.reply(b"", status=500)
    for _ in range(3):
        assert look(account, nameless) == ["NOT_START"]
    upstream.on_list = None
    upstream.rows = [row_of(nameless)]
    assert look(account, nameless) == ["SUCCESS"]


def test_a_task_found_by_our_word_although_its_id_is_a_number(
    account: Account, upstream: HostileUpstream
) -> None:
    task = Task.objects.get(pk=begin(account))
    upstream.rows = [row_of(task) | {"id": 12345}]
    assert look(account, task) == ["SUCCESS"]
    assert task.description == "/imagine a lighthouse"
    assert account.funds == ("99.90", "0.00")


def test_a_late_look_at_the_first_upstream_leaves_the_second_alone(
    account: Account, upstream: HostileUpstream
) -> None:
    """The first one hints, refuses, and only then answers the look: it has no such task. By then
    the second one is being asked, and nobody may look there before the answer can have come."""
    task_id, attempt_id = begin_attempt(account)
    second = selection.load(open_channel(account.stack, group="nobody").pk)
    no = Rejected("full", refusal=Refusal.QUEUE_FULL, next_channel=True)

    def refuse_meanwhile(exchange: Exchange) -> None:
        nobody = cast("Any", None)
        forwarding._move(
            Handover(
                nobody, Order(action=actions.IMAGINE, mode="fast"), task_id, attempt_id, second
            ),
            second,
            no,
        )
        connection.close()
        exchange.reply_json([])

    upstream.on_look = refuse_meanwhile
    hurry_tasks(task_id)
    assert polling.claim(account.channel.pk).task_ids == [task_id]
    task = Task.objects.get(pk=task_id)
    look(account, task)
    assert (task.channel_id, task.missing_since) == (second.id, None)
    assert task.next_poll_at is not None
    submit_time = timedelta(seconds=product_settings.UPSTREAM_SUBMIT_SECONDS)
    assert task.next_poll_at > timezone.now() + submit_time


def test_the_grace_of_a_lost_task_passes_even_if_every_look_takes_long(
    account: Account, upstream: HostileUpstream, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that lasts longer than its lease must still remember that the task was missing."""
    monkeypatch.setattr(polling, "LEASE_SECONDS", 0.1)
    settings.TASK_GRACE_SECONDS = 0.5

    def slow(exchange: Exchange) -> None:
        time.sleep(0.3)
        exchange.reply_json([])

    task = running(account)
    upstream.on_look = slow
    for _ in range(4):
        hurry_tasks(task.pk)
        polling.claim(account.channel.pk)
        look(account, task)
    assert task.status == "FAILURE"


def test_two_hundred_tasks_among_ten_thousand_rows(
    account: Account, upstream: HostileUpstream
) -> None:
    tasks = [running(account) for _ in range(30)]
    strangers = [row(f"stranger-{number}", "", "SUCCESS") for number in range(10_000)]
    upstream.rows = strangers + [row_of(task) for task in tasks]
    assert set(look(account, *tasks)) == {"SUCCESS"}


def page(exchange: Exchange) -> None:
    exchange.reply(b"<html>502</html>", kind="text/html")


def cut_body(exchange: Exchange) -> None:
    exchange.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{"id":')
    exchange.connection.close()


# How an upstream can answer as a whole. None of it says anything about any task.
BAD_ANSWERS: dict[str, Callable[[Exchange], None]] = {
    "a page": page,
    "nothing": lambda e: e.reply(b""),
    "no content": lambda e: e.reply(b"", status=204),
    "null": lambda e: e.reply(b"null"),
    "an object": lambda e: e.reply(b"{}"),
    "a text": lambda e: e.reply(b'"[]"'),
    "half an answer": lambda e: e.reply(b'[{"id":'),
    "no utf-8": lambda e: e.reply(b'["\xff\xfe"]'),
    "half a character": lambda e: e.reply(b'["\\ud800"]'),
    "rows with an error": lambda e: e.reply(b"[]", status=500),
    "a key that does not fit": lambda e: e.reply(b"", status=401),
    "a redirect": lambda e: e.reply(b"[]", status=302),
    "a cut body": cut_body,
    "twenty megabytes": lambda e: e.reply(b'[{"id":"' + b"x" * 20_000_000 + b'"}]'),
    "very deep": lambda e: e.reply(b"[" * 100_000 + b"]" * 100_000),
    "noise": lambda e: e.wfile.write(b"\x00\xff\x00 no http at all\r\n\r\n" * 10) and None,
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_that_is_none_changes_nothing(
    account: Account, upstream: HostileUpstream, name: str
) -> None:
    """Above all it is no proof that a task is lost: the grace here is zero."""
    named, nameless = running(account), Task.objects.get(pk=begin(account))
    before = Task.objects.in_bulk([named.pk, nameless.pk])
    upstream.on_look = BAD_ANSWERS[name]
    for _ in range(2):
        assert look(account, named, nameless) == ["SUBMITTED", "NOT_START"]
    assert named.missing_since is None
    assert nameless.missing_since is None
    # Both are looked at again, and soon; until the lease at the latest.
    assert all(task.next_poll_at for task in before.values())
    upstream.on_look = None
    upstream.rows = [row_of(named), row_of(nameless)]
    assert look(account, named, nameless) == ["SUCCESS", "SUCCESS"]


def test_a_channel_whose_address_is_nonsense(account: Account) -> None:
    task = running(account)
    for address in ("http://127.0.0.1:1", "http://no.such.host.invalid", "ftp://x", "http://[::"):
        Channel.objects.filter(pk=account.channel.pk).update(base_url=address)
        assert look(account, task) == ["SUBMITTED"]
