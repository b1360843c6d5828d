"""Which line counts: exact before the longest prefix before `*`, a mode's own before any."""

import pytest

from common.patterns import Patterns, check_mode, check_pattern

LINES = Patterns(
    [
        ("*", "", "anything"),
        ("*", "relax", "anything, relaxed"),
        ("gpt-4-gizmo-*", "", "gizmo"),
        ("gpt-4-*", "relax", "four, relaxed"),
        ("gpt-4-all", "", "exact"),
        ("mj_upscale", "", "upscale"),
        ("mj_upscale_*", "", "upscales"),
        ("mj_upscale_4x", "relax", "4x, relaxed"),
    ]
)


@pytest.mark.parametrize(
    ("names", "mode", "found"),
    [
        (["gpt-4-gizmo-g-2fkFE8rbu"], "fast", "gizmo"),
        (["gpt-4-gizmo-"], "fast", "gizmo"),
        # The longer prefix, though the shorter one knows the mode.
        (["gpt-4-gizmo-x"], "relax", "gizmo"),
        (["gpt-4-gizmo"], "relax", "four, relaxed"),
        (["gpt-4-gizmo"], "fast", "anything"),
        (["gpt-4-all"], "relax", "exact"),
        (["gpt-4-allx"], "relax", "four, relaxed"),
        (["gpt-4"], "relax", "anything, relaxed"),
        (["GPT-4-all"], "fast", "anything"),
        ([""], "fast", "anything"),
        # What it is called too: by its exact line, before any pattern.
        (["mj_upscale_hd", "mj_upscale"], "fast", "upscale"),
        (["mj_upscale_hd"], "fast", "upscales"),
        (["mj_upscale_4x", "mj_upscale"], "relax", "4x, relaxed"),
        (["mj_upscale_4x", "mj_upscale"], "fast", "upscale"),
    ],
)
def test_the_line_that_fits_best_counts(names: list[str], mode: str, found: str) -> None:
    assert LINES.find(names, mode) == found


def test_nothing_fits() -> None:
    lines = Patterns([("mj_*", "relax", 1), ("mj_imagine", "turbo", 2)])
    assert lines.find(["mj_imagine"], "fast") is None
    assert lines.find(["swap_face"], "relax") is None
    assert Patterns[int]().find(["mj_imagine"], "fast") is None


def test_nothing_at_all_is_a_value_too() -> None:
    assert Patterns([("free", "", 0), ("*", "", 5)]).find(["free"], "fast") == 0


@pytest.mark.parametrize(
    "pattern", ["mj_imagine", "*", "mj_*", "gpt-4-gizmo-*", "a b", "图", "x" * 64]
)
def test_patterns(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        " ",
        "**",
        "*mj",
        "m*j",
        "mj_**",
        "mj_*_*",
        "a\x00",
        "a\nb",
        "a ",
        " a",
        "\ud800",
        "x" * 65,
    ],
)
def test_no_patterns(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a price name"):
        check_pattern(pattern)


@pytest.mark.parametrize("mode", ["FAST", "quick", " ", "any", "\x00"])
def test_no_modes(mode: str) -> None:
    with pytest.raises(ValueError, match="is not a mode"):
        check_mode(mode)
