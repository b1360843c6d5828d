"""How long to wait until the next look."""

import pytest
from django.conf import LazySettings

from relay import polling

HOUR = 3600


@pytest.fixture(autouse=True)
def as_shipped(settings: LazySettings) -> None:
    settings.POLL_MIN_SECONDS = 2.0
    settings.POLL_MAX_SECONDS = 30.0
    settings.POLL_OLD_SECONDS = 300.0


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (-5, 2),  # clocks differ
        (0, 2),
        (20, 2),
        (21, 2.1),
        (60, 6),
        (299, 29.9),
        (300, 30),
        (HOUR, 30),
        (2 * HOUR - 1, 30),
        (2 * HOUR, 300),
        (24 * HOUR, 300),
    ],
)
def test_the_wait_grows_with_the_age(age: float, wait: float) -> None:
    assert polling.wait_seconds(age) == pytest.approx(wait)


def test_the_wait_never_shrinks_with_the_age() -> None:
    waits = [polling.wait_seconds(age) for age in range(0, 3 * HOUR, 7)]
    assert waits == sorted(waits)
