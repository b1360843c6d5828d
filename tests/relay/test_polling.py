"""How long to wait until the next look (what it does: test_looks.py)."""

import pytest
from django.conf import LazySettings

from relay import late, polling

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture(autouse=True)
def as_shipped(settings: LazySettings) -> None:
    settings.POLL_MIN_SECONDS = 2.0
    settings.POLL_MAX_SECONDS = 30.0
    settings.POLL_OLD_SECONDS = 300.0
    settings.LATE_FIRST_SECONDS = 300.0
    settings.LATE_LAST_SECONDS = 48.0 * HOUR


@pytest.mark.parametrize(
    ("age", "idle", "mode", "wait"),
    [
        (-5, -5, "fast", 2),  # clocks differ
        (0, 0, "fast", 2),
        (0, 0, "relax", 4),  # waits for its turn
        (0, 0, "turbo", 2),
        (20, 20, "fast", 2),
        (21, 21, "fast", 2.1),
        (21, 21, "relax", 4),
        (41, 41, "relax", 4.1),
        (MINUTE, MINUTE, "fast", 6),
        # It has just moved, so there will be more news soon.
        (10 * MINUTE, 1, "fast", 2),
        (10 * MINUTE, 1, "relax", 4),
        (10 * MINUTE, 299, "fast", 29.9),
        (10 * MINUTE, 300, "fast", 30),
        (10 * MINUTE, 600, "relax", 30),
        (2 * HOUR - 1, 2 * HOUR - 1, "fast", 30),
        (2 * HOUR, 2 * HOUR, "fast", 300),
        (2 * HOUR, 0, "turbo", 300),
        (DAY, DAY, "relax", 300),
    ],
)
def test_the_wait_follows_age_idleness_and_mode(
    age: float, idle: float, mode: str, wait: float
) -> None:
    assert polling.wait_seconds(age=age, idle=idle, mode=mode) == pytest.approx(wait)


@pytest.mark.parametrize("mode", ["fast", "relax", "turbo"])
def test_the_wait_never_shrinks_while_a_task_stands_still(mode: str) -> None:
    waits = [polling.wait_seconds(age=age, idle=age, mode=mode) for age in range(0, 3 * HOUR, 7)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (4 if mode == "relax" else 2, 300)


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
