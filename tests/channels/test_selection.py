"""Which channel gets a task: who may, the highest priority, a weighted lot among equals."""

import itertools
from collections import Counter
from typing import Any

import pytest

from channels import selection, states
from channels.errors import NoChannel, NoRoom
from channels.models import Channel, CostRule
from common.models import Generation

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def forgotten(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test may have worked on another database, whose counter stood higher."""
    monkeypatch.setattr(selection, "_known", selection._Known(generation=-1, listed=()))


@pytest.fixture
def group() -> str:
    """A group that no other test's channels serve."""
    return f"selection-{next(_numbers)}"


def channel(group: str, **fields: Any) -> Channel:
    """One that nobody could reach; here it is only chosen."""
    fields.setdefault("groups", [group])
    name = f"{group}-{next(_numbers)}"
    kind = Channel.Kind.MIDJOURNEY_PROXY
    secret = fields.pop("secret", "")
    row = Channel(name=name, kind=kind, base_url="http://[::]:9/", **fields)
    return states.make(row, secret=secret, actor="test")


def pick(group: str, *, mode: str = "fast", tried: tuple[int, ...] = ()) -> int:
    generation = Generation.objects.get(name="channels").value
    wanted = selection.Wanted(group=group, action="IMAGINE", mode=mode)
    return selection.pick(wanted, generation=generation, tried=tried).id


def picks(group: str, times: int = 60) -> set[int]:
    return {pick(group) for _ in range(times)}


def test_without_a_channel_there_is_none(group: str) -> None:
    with pytest.raises(NoChannel, match="IMAGINE in fast mode"):
        pick(group)


def test_the_highest_priority_is_asked_first(group: str) -> None:
    channel(group, priority=1)
    high = channel(group, priority=5)
    channel(group, priority=-3)
    assert picks(group) == {high.pk}


def test_what_was_tried_is_left_out_down_to_the_last(group: str) -> None:
    low, high, middle = (channel(group, priority=number) for number in (-1, 5, 1))
    assert pick(group) == high.pk
    assert pick(group, tried=(high.pk,)) == middle.pk
    assert pick(group, tried=(high.pk, middle.pk)) == low.pk
    with pytest.raises(NoChannel):
        pick(group, tried=(high.pk, middle.pk, low.pk))


def test_equals_share_the_work_by_their_weight(group: str) -> None:
    light, heavy = channel(group, weight=1), channel(group, weight=9)
    counts = Counter(pick(group) for _ in range(1000))
    assert set(counts) == {light.pk, heavy.pk}
    # 100 are expected; the odds against these bounds are a million to one.
    assert 50 < counts[light.pk] < 160


@pytest.mark.parametrize("state", ["draining", "disabled"])
def test_only_enabled_channels_get_new_work(group: str, state: str) -> None:
    channel(group, state=state, priority=9)
    with pytest.raises(NoChannel):
        pick(group)
    enabled = channel(group)
    assert picks(group) == {enabled.pk}


def test_a_group_has_channels_of_its_own(group: str) -> None:
    own = channel(group, groups=["others", group])
    channel(group, groups=["others"], priority=9)
    assert picks(group) == {own.pk}


def test_a_channel_without_groups_serves_every_group(group: str) -> None:
    everyones = channel(group, groups=[], priority=99)
    try:
        assert picks(group) == {everyones.pk}
        assert picks("a group that nobody knows") == {everyones.pk}
    finally:
        # The tests after this one have channels of their own.
        everyones.delete()


def test_a_mode_has_channels_of_its_own(group: str) -> None:
    relax = channel(group, modes=["relax", "turbo"], priority=9)
    fast = channel(group, modes=["fast"])
    every = channel(group, modes=[])
    assert picks(group) == {fast.pk, every.pk}
    assert {pick(group, mode="relax") for _ in range(30)} == {relax.pk}


def test_an_action_has_channels_of_its_own(group: str) -> None:
    channel(group, actions=["UPSCALE"], priority=9)
    imagine = channel(group, actions=["IMAGINE", "BLEND"])
    assert picks(group) == {imagine.pk}


def test_a_change_is_seen_by_who_asks_after_it(group: str) -> None:
    first = channel(group)
    before = Generation.objects.get(name="channels").value
    assert pick(group) == first.pk
    second = channel(group, priority=9)
    # Whoever came before the change may still see the old list.
    wanted = selection.Wanted(group=group, action="IMAGINE", mode="fast")
    old = selection.pick(wanted, generation=before)
    assert old.id == first.pk
    assert pick(group) == second.pk
    second.delete()
    assert pick(group) == first.pk
    Channel.objects.filter(pk=first.pk).update(state="draining")
    with pytest.raises(NoChannel):
        pick(group)


def test_following_sees_a_channel_whatever_its_state(group: str) -> None:
    closed = channel(group, state="disabled", secret="open sesame")
    upstream = selection.load(closed.pk)
    assert (upstream.id, upstream.state, upstream.secret) == (closed.pk, "disabled", "open sesame")
    assert upstream.base_url == "http://[::]:9"


def test_a_secret_does_not_show_in_logs(group: str) -> None:
    row = channel(group, secret="open sesame")
    assert "open sesame" not in repr(selection.load(row.pk))


def best(group: str, policy: str, **details: Any) -> int:
    generation = Generation.objects.get(name="channels").value
    wanted = selection.Wanted(
        group=group, action="IMAGINE", mode="fast", names=("mj_imagine",), policy=policy
    )
    return selection.pick(wanted, generation=generation, **details).id


def test_who_looks_at_cost_gets_the_one_that_takes_least(group: str) -> None:
    unknown, dear, cheap, cheap_too = (channel(group, priority=number) for number in (9, 5, -1, -2))
    for row, amount in ((dear, 3), (cheap, 2), (cheap_too, 2)):
        CostRule.objects.create(channel=row, name="mj_*", amount=amount)
    order: list[int] = []
    tried: list[int] = []
    for _ in range(4):
        tried.append(best(group, "cost", tried=tried))
        order.append(tried[-1])
    # Of equals the one of higher priority; what is not known counts as the most.
    assert order == [cheap.pk, cheap_too.pk, dear.pk, unknown.pk]
    assert best(group, "priority") == unknown.pk


def test_who_looks_at_stability_gets_the_one_that_failed_least(group: str) -> None:
    shaky, sound, new = (channel(group, priority=number) for number in (9, 1, 0))
    shares = {shaky.pk: 0.3, sound.pk: 0.01}
    assert best(group, "stability", faults=lambda: shares) == sound.pk
    assert best(group, "stability", faults=lambda: shares, tried=[sound.pk]) == new.pk
    # A single fault more or less is no reason to move all the work.
    assert best(group, "stability", faults=lambda: {shaky.pk: 0.04}) == shaky.pk


def test_nobody_else_has_the_faults_counted(group: str) -> None:
    channel(group)
    channel(group)

    def counted() -> dict[int, float]:
        raise AssertionError

    assert best(group, "priority", faults=counted)
    assert best(group, "cost", faults=counted)


def test_a_full_channel_is_passed_over_by_priority(group: str) -> None:
    first, second, third = (channel(group, priority=number) for number in (3, 2, 1))
    full = {first.pk}
    room = {"has_room": lambda upstream: upstream.id not in full}
    assert best(group, "priority", **room) == second.pk
    full.add(second.pk)
    assert best(group, "priority", **room) == third.pk
    full.add(third.pk)
    with pytest.raises(NoRoom) as refusal:
        best(group, "priority", **room)
    assert refusal.value.retry_after is None
