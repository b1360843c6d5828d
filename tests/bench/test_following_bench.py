"""Following and the soak in small: not how fast they are, but that they measure and tell all."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import drawings, following, soak
from bench.following import Outcome, Size
from bench.live import Plan
from bench.load import Load
from tests.bench.generator import need_wrk
from tests.stack import ROOT

STATE = "1763724000000000.abcdefghijklmnopqrstuv"
PLAN = Plan(live=100, opens=1_800_000_000.0, rate=5, seconds=20, drawing=10)


def ran(*command: str, **env: str) -> str:
    """What it printed. The servers are the bench's own."""
    own = {"DATABASE_URL", "REDIS_URL", "RELAY_VAR", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
    given = {name: value for name, value in os.environ.items() if name not in own} | env
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT, env=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_all_that_end_are_stored_and_told_and_the_books_are_right() -> None:
    sizes = ["--live", "60", "--rate", "4", "--seconds", "5", "--settle", "12"]
    told = ran("bench.following", *sizes, "--workers", "0")
    delays = dict(re.findall(r"60 live tasks: (finish to \w+, p\d+): ([\d.]+) s", told))
    assert len(delays) == 4
    assert 0 < float(delays["finish to stored, p50"]) <= float(delays["finish to stored, p99"])
    assert float(delays["finish to stored, p50"]) < float(delays["finish to callback, p99"])
    assert "20 tasks ended, 4 a second" in told
    assert re.search(r"cores used: .*postgres [\d.]+.*worker [\d.]+; MB: ", told)


def test_the_soak_tells_of_each_part_and_loses_nothing(tmp_path: Path) -> None:
    need_wrk()
    path = tmp_path / "bench.json"
    ran("bench", "--only", "h", "--tenants", "5", "--json", str(path), BENCH_SOAK_SECONDS="6")
    found = json.loads(path.read_text())
    figures = {figure["key"]: figure for figure in found["figures"]}
    assert {"h.rate", "h.p99", "h.errors", "h.memory.web", "h.memory.worker"} <= set(figures)
    assert (figures["h.errors"]["value"], found["wrong"]) == (0, [])
    assert figures["h.rate"]["value"] > 0


def test_a_plan_ends_one_after_the_other_and_leaves_as_many_as_are_wanted() -> None:
    ends = [PLAN.end(place) for place in range(PLAN.number)]
    assert PLAN.number == 200
    assert sum(end >= PLAN.opens + PLAN.seconds for end in ends) == PLAN.live
    assert ends[5] - ends[0] == pytest.approx(1)
    ids = [PLAN.task_id(place) for place in range(PLAN.number)]
    assert sorted(set(ids)) == ids
    # All are there before the first one ends, the newest just so.
    assert PLAN.submitted(0) < PLAN.submitted(PLAN.number - 1) < PLAN.opens
    assert ids[0] // 1000 == round(PLAN.submitted(0) * 1000)


@pytest.mark.parametrize(
    ("seconds", "status", "progress"),
    [
        (-1, "SUBMITTED", "0%"), (0, "IN_PROGRESS", "0%"), (4.9, "IN_PROGRESS", "0%"),
        (5, "IN_PROGRESS", "50%"), (9.9, "IN_PROGRESS", "50%"), (10, "SUCCESS", "100%"),
        (99, "SUCCESS", "100%"),
    ],
)  # fmt: skip
def test_a_drawing_waits_is_drawn_and_is_finished(
    seconds: float, status: str, progress: str
) -> None:
    name = drawings.upstream_id(1_800_000_000, STATE)
    found = drawings.row(name, now=1_800_000_000 + seconds, drawing=10)
    assert (found["id"], found["state"]) == (name, STATE)
    assert (found["status"], found["progress"]) == (status, progress)
    assert (found["finishTime"] is not None) == (status == "SUCCESS")


@pytest.mark.parametrize(
    ("percent", "found"), [(50, 50.0), (99, 99.0), (99.5, 100.0), (100, 100.0), (0, 1.0)]
)
def test_a_percentile_is_one_of_the_numbers(percent: float, found: float) -> None:
    assert following.percentile([float(n) for n in range(1, 101)], percent) == found


def test_a_delay_of_nothing_is_not_a_good_one() -> None:
    outcome = Outcome(Size(10, 1, wanted=5.0), ended=3, stored=[1.0, 2.0, 6.0])
    held = {figure.key: figure.held for figure in following.figures(outcome)}
    assert held == {
        "e.10.stored.p50": None, "e.10.stored.p99": False,
        "e.10.told.p50": None, "e.10.told.p99": False,
    }  # fmt: skip


def test_memory_that_grows_is_seen_and_that_caches_fill_is_not() -> None:
    megabyte = 1_000_000
    load = Load(100, 60, 0, 1, 2, 3, 4, 1)
    course = soak.Course([load] * 4, taken=400, told=400, used=[{}] * 4)
    for web, worker in ((100, 50), (140, 90), (150, 91), (160, 92)):
        course.memory.append({"web": web * megabyte, "worker": worker * megabyte})
    held = {figure.key: figure.held for figure in soak.figures(course)}
    assert (held["h.memory.web"], held["h.memory.worker"]) == (False, True)
    assert held["h.errors"] is True
    course.told = 399
    assert {f.key: f.held for f in soak.figures(course)}["h.errors"] is False


def test_the_moment_of_an_arrival_is_that_of_the_end() -> None:
    notes, before = drawings.Notes(), time.time()
    notes.arrived("1", b'{"status":"IN_PROGRESS"}')
    notes.arrived("1", b'{"status":"SUCCESS"}')
    notes.arrived("1", b'{"status":"SUCCESS"}')
    assert (list(notes.arrivals), notes.messages) == (["1"], 3)
    assert before <= notes.arrivals["1"] <= time.time()
