"""How long to wait until the next look (what it does: test_looks.py)."""

import pytest
from django.conf import LazySettings

from relay.following import late, waits

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture(autouse=True)
def as_shipped(settings: LazySettings) -> None:
    settings.POLL_MIN_SECONDS = 2.0
    settings.POLL_MAX_SECONDS = 30.0
    settings.POLL_OLD_SECONDS = 300.0
    settings.LATE_FIRST_SECONDS = 300.0
    settings.LATE_LAST_SECONDS = 48.0 * HOUR


@pytest.mark.parametrize(
    ("idle", "mode", "wait"),
    [
        (-5, "fast", 2),  # clocks differ
        (0, "fast", 2),
        (0, "relax", 4),  # waits for its turn
        (0, "turbo", 2),
        (20, "fast", 2),
        (21, "fast", 2.1),
        (21, "relax", 4),
        (41, "relax", 4.1),
        (MINUTE, "fast", 6),
        (299, "fast", 29.9),
        (300, "fast", 30),
        (600, "relax", 30),
        (2 * HOUR - 1, "fast", 30),
        (2 * HOUR, "fast", 300),
        (DAY, "relax", 300),
    ],
)
def test_the_wait_follows_idleness_and_mode(idle: float, mode: str, wait: float) -> None:
    assert waits.seconds(idle=idle, mode=mode) == pytest.approx(wait)


@pytest.mark.parametrize("mode", ["fast", "relax", "turbo"])
def test_the_wait_never_shrinks_while_a_task_stands_still(mode: str) -> None:
    found = [waits.seconds(idle=idle, mode=mode) for idle in range(0, 3 * HOUR, 7)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (4 if mode == "relax" else 2, 300)


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (-1, 300),
        (0, 300),
        (300, 300),
        (301, 301),
        (HOUR, HOUR),
        (2 * DAY - 1, 2 * DAY - 1),
        (2 * DAY, None),
        (9 * DAY, None),
    ],
)
def test_what_was_given_up_is_asked_for_ever_more_rarely(age: float, wait: float | None) -> None:
    assert late.wait_seconds(age) == wait


def test_two_days_of_late_looks_are_ten_questions() -> None:
    age, looks = 300.0, 1
    while (wait := late.wait_seconds(age)) is not None:
        age, looks = age + wait, looks + 1
    assert looks == 11


@pytest.mark.parametrize(
    ("live", "longest"),
    [(0, 30), (1, 30), (90_000, 30), (90_001, 30.0003), (180_000, 60), (10**9, 300)],
)
def test_among_many_what_stands_still_waits_longer(
    settings: LazySettings, live: int, longest: float
) -> None:
    settings.POLL_LOOKS_PER_SECOND = 3000.0
    assert waits.longest(live) == pytest.approx(longest, abs=0.001)


@pytest.mark.parametrize(
    ("live", "late", "longest"),
    [(0, 0, 30), (0, 1, 36), (0, 5, 60), (0, 50, 60), (180_000, 2.5, 90), (10**9, 5, 300)],
)
def test_where_looks_come_late_what_stands_still_waits_longer(
    settings: LazySettings, live: int, late: float, longest: float
) -> None:
    settings.POLL_LOOKS_PER_SECOND = 3000.0
    assert waits.longest(live, late) == pytest.approx(longest)


def test_lateness_is_believed_after_some_looks_and_forgotten_after_some() -> None:
    lateness = waits.Lateness()
    lateness.note(8)
    assert 0 < lateness.seconds < 1
    for _ in range(50):
        lateness.note(8)
    assert lateness.seconds == pytest.approx(8, abs=0.1)
    for _ in range(50):
        lateness.note(-1)  # before its time, as clocks have it
    assert lateness.seconds == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("idle", "longest", "wait"),
    [(1, 60, 2), (299, 60, 29.9), (450, 60, 45), (1000, 60, 60), (1000, 5, 30), (1000, 0, 30)],
)
def test_what_moves_waits_no_longer_for_that(idle: float, longest: float, wait: float) -> None:
    found = waits.seconds(idle=idle, mode="fast", longest=longest)
    assert found == pytest.approx(wait)
