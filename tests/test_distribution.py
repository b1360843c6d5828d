"""Which worker runs which files is no chance."""

from tests.distribution import SECONDS, share
from tests.stack import ROOT


def test_the_same_files_are_shared_out_in_the_same_way() -> None:
    seconds = {f"tests/{number}.py": float(number % 7) for number in range(50)}
    backwards = dict(reversed(seconds.items()))
    assert share(seconds, 4) == share(backwards, 4)
    assert set(share(seconds, 4)) == set(seconds)


def test_all_are_done_at_about_the_same_time() -> None:
    found = share(SECONDS, 4)
    loads = [
        sum(seconds for file, seconds in SECONDS.items() if found[file] == worker)
        for worker in range(4)
    ]
    assert max(loads) - min(loads) < max(SECONDS.values()) / 2


def test_the_files_that_take_long_are_there() -> None:
    assert [file for file in SECONDS if not (ROOT / file).exists()] == []
