"""How long a task may take, by action and mode (what a deadline does: test_looks.py)."""

from typing import Any

import pytest

from relay import checks
from relay.following import deadlines

KNOWN = {"VIDEO": 7200, "relax": 5400, "IMAGINE/relax": 10800, "IMAGINE": 1800.5}


@pytest.mark.parametrize(
    ("action", "mode", "seconds"),
    [
        ("IMAGINE", "relax", 10800),
        ("IMAGINE", "fast", 1800.5),
        ("IMAGINE", "turbo", 1800.5),
        # The action tells more than the mode.
        ("VIDEO", "relax", 7200),
        ("VIDEO", "fast", 7200),
        ("BLEND", "relax", 5400),
        ("BLEND", "fast", 3600),
        ("SWAP_FACE", "fast", 3600),
    ],
)
def test_what_fits_best_counts(settings: Any, action: str, mode: str, seconds: float) -> None:
    settings.TASK_DEADLINES, settings.TASK_DEADLINE_SECONDS = KNOWN, 3600
    assert deadlines.seconds(action, mode) == seconds


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (["VIDEO"], "a JSON object"),
        ("VIDEO", "a JSON object"),
        (None, "a JSON object"),
        ({"VIDEOS": 7200}, "VIDEOS is no action or mode"),
        ({"video": 7200}, "video is no action or mode"),
        ({"IMAGINE/slow": 7200}, "IMAGINE/slow is no action or mode"),
        ({"VIDEO": 0}, "VIDEO: 0 is not a number of seconds"),
        ({"VIDEO": -1}, "VIDEO: -1 is not a number of seconds"),
        ({"VIDEO": True}, "VIDEO: True is not a number of seconds"),
        ({"VIDEO": "7200"}, "VIDEO: '7200' is not a number of seconds"),
        ({"relax": float("nan")}, "relax: nan is not a number of seconds"),
        ({"relax": 1e300}, "relax: 1e+300 is not a number of seconds"),
    ],
)
def test_what_cannot_be_a_deadline_is_refused_before_anything_starts(
    settings: Any, wrong: object, word: str
) -> None:
    settings.TASK_DEADLINES = wrong
    errors = checks.task_deadlines(None)
    assert [error.id for error in errors] == ["relay.E010"]
    assert word in errors[0].msg


@pytest.mark.parametrize("right", [{}, KNOWN])
def test_what_can_be_one_is_not(settings: Any, right: object) -> None:
    settings.TASK_DEADLINES = right
    assert checks.task_deadlines(None) == []
