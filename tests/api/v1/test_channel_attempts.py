"""What a channel was given and what it said; how quickly it answers free questions."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import management_keys
from channels.models import Channel, Probe
from relay.api.v1 import channel_attempts
from relay.api.v1.operation import perform
from relay.models import Attempt
from tests.accounts import Account
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, unique
from tests.faults.place import begin_attempt
from tests.stack import Stack


@pytest.fixture
def tried(desk: Desk) -> Desk:
    """Nine attempts at the desk's channel, three at the same moment; every third was a fault."""
    task_id = int(desk.account.draw("zzslow"))
    Attempt.objects.filter(task=task_id).delete()
    now = timezone.now()
    for number in range(1, 10):
        is_fault = number % 3 == 0
        Attempt.objects.create(
            task_id=task_id, channel=desk.account.channel, number=number, is_fault=is_fault,
            outcome="unreachable" if is_fault else "refused", milliseconds=number,
            answer=f"<b>{number}</b>", cost=50_000,
            created_at=now - timedelta(seconds=number - number % 3),
        )  # fmt: skip
    return desk


def numbers(desk: Desk, **query: object) -> list[int]:
    path, found = f"channels/{desk.account.channel.pk}/attempts", []
    while True:
        page = desk.operator.get(path, **query)
        found += [row["number"] for row in page["data"]]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


def test_attempts_come_with_the_upstream_s_own_words(tried: Desk) -> None:
    path = f"channels/{tried.account.channel.pk}/attempts"
    newest = tried.operator.get(path)["data"][0]
    assert newest["answer"] == f"<b>{newest['number']}</b>"
    assert newest["task_id"] == str(tried.account.last_task.pk)
    assert (newest["action"], newest["cost"], newest["credential"]) == ("IMAGINE", "0.05", None)
    assert "cost" not in tried.site["support"].get(path)["data"][0]


def test_pages_have_all_attempts_once_also_those_of_one_moment(tried: Desk) -> None:
    whole = numbers(tried)
    assert sorted(whole) == list(range(1, 10))
    for limit in (1, 2, 4, 9):
        assert numbers(tried, limit=limit) == whole


def test_attempts_are_found_by_outcome_and_fault(tried: Desk) -> None:
    assert numbers(tried, is_fault="true", limit=2) == [3, 6, 9]
    assert numbers(tried, outcome="refused", limit=2) == numbers(tried, is_fault="false")
    assert numbers(tried, outcome="accepted") == []


def test_a_wrong_place_in_the_list_is_refused(tried: Desk) -> None:
    path = f"channels/{tried.account.channel.pk}/attempts"
    for wrong in ("1", "x-1", "ffffffffffffff-1", "1-ffffffffffffffff", "1-1-1", "1_1"):
        answer = tried.operator.ask("GET", path, params={"after": wrong})
        assert_refused(answer, 400, "invalid_request", says="after: ")


def test_what_is_rare_is_looked_for_in_steps(
    bystander: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_attempts, "LOOK_MAX", 4)
    task_id, first = begin_attempt(bystander, "a lighthouse")
    Attempt.objects.filter(pk=first).delete()
    for number in range(1, 10):
        Attempt.objects.create(
            task_id=task_id, channel=bystander.channel, number=number,
            outcome="refused", is_fault=number in (1, 6),
            created_at=timezone.now() - timedelta(seconds=number),
        )  # fmt: skip
    who = management_keys.person(user_id=1, name="x", role="operator", tenant_id=None)
    pages, after = [], None
    while True:
        query = {"is_fault": "true"} | ({"after": after} if after else {})
        page = perform(
            channel_attempts.Attempts, "get", who=who, query=query,
            ids={"channel_id": bystander.channel.pk},
        )  # fmt: skip
        pages.append([row["number"] for row in page["data"]])
        after = page["next"]
        if after is None:
            break
    assert pages == [[1], [6], []]


def test_probes_are_a_series_of_the_same_length_whatever_there_is(desk: Desk, stack: Stack) -> None:
    del stack
    channel = Channel.objects.create(
        name=unique("probed"), kind="trueai", base_url="http://x.example", state="disabled"
    )
    now = timezone.now()
    for seconds, is_ok, milliseconds, headroom in (
        (60, True, 100, 5), (70, True, 300, 3), (80, False, 9000, None), (30 * 3600, True, 7, 1),
    ):  # fmt: skip
        probe = Probe.objects.create(
            channel=channel, is_ok=is_ok, milliseconds=milliseconds, headroom=headroom
        )
        Probe.objects.filter(pk=probe.pk).update(created_at=now - timedelta(seconds=seconds))
    path = f"channels/{channel.pk}/probe-series"
    day = desk.operator.get(path)["data"]
    assert len(day) == len(desk.operator.get(path, hours=168)["data"]) == 96
    assert sum(row["number"] for row in day) == 3
    assert sum(row["number"] for row in desk.operator.get(path, hours=48)["data"]) == 4
    (last,) = [row for row in desk.operator.get(path, hours=168)["data"] if row["number"] == 3]
    told = (last["failures"], last["median_ms"], last["slowest_ms"], last["headroom"])
    assert told == (1, 100, 300, 3)
    for wrong in ("0", "169", "x"):
        answer = desk.operator.ask("GET", path, params={"hours": wrong})
        assert_refused(answer, 400, "invalid_request", says="hours: ")
    channel.delete()


def test_channels_are_found_by_kind_breaker_and_group(desk: Desk) -> None:
    channel = desk.account.channel
    until = timezone.now() + timedelta(hours=1)
    Channel.objects.filter(pk=channel.pk).update(breaker="open", breaker_until=until)

    def found(**query: str) -> bool:
        page = desk.operator.get("channels", limit=200, q=channel.name, **query)
        return [row["id"] for row in page["data"]] == [channel.pk]

    assert found(kind=channel.kind)
    assert found(breaker="open")
    assert found(group=channel.groups[0])
    for query in ({"kind": "newapi"}, {"breaker": "closed"}, {"group": "nobody's"}):
        assert not found(**query)
    desk.operator.patch(f"channels/{channel.pk}", groups=[])
    assert found(group="anybody's")
    desk.operator.patch(f"channels/{channel.pk}", groups=[desk.tenant.name])
