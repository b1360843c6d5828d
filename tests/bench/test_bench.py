"""The whole bench in small: not how fast it is, but that it measures and tells everything."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import figures, upstream, usage
from bench.figures import Figure
from tests.bench.generator import need_wrk
from tests.stack import ROOT

CASES = "idle,sql,g,a,b,f,d,c,a.followed"
KEYS = {
    "idle", "sql", "g", "a", "a.followed", "a.naive", "b.p50", "b.p95", "b.p99", "f", "d",
    "c", "c.errors", "c.memory", "c.p99",
}  # fmt: skip
# Its tenants are a few and its seconds two, on a machine that tests other things meanwhile.
SIZES = ["--seconds", "2", "--tenants", "20", "--slow-clients", "40"]
LIMIT_SECONDS = 600


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The table, and what is in the file. The servers are the bench's own."""
    need_wrk()
    path = tmp_path_factory.mktemp("bench") / "bench.json"
    own = {"DATABASE_URL", "REDIS_URL", "RELAY_VAR", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
    env = {name: value for name, value in os.environ.items() if name not in own}
    command = [sys.executable, "-m", "bench", "--only", CASES, *SIZES, "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(path.read_text())


@pytest.mark.timeout(LIMIT_SECONDS)
def test_every_figure_is_in_the_table_and_in_the_file(ran: tuple[str, dict[str, Any]]) -> None:
    table, told = ran
    assert {figure["key"] for figure in told["figures"]} == KEYS
    assert told["wrong"] == []
    for key in KEYS:
        assert f"\n{key} " in table


def test_the_figures_are_plausible(ran: tuple[str, dict[str, Any]]) -> None:
    value = {figure["key"]: figure["value"] for figure in ran[1]["figures"]}
    # Whoever does less is quicker; how much so, a second on a busy machine does not tell.
    assert value["idle"] > value["sql"] > 0
    assert value["idle"] > max(value["a"], value["d"], value["f"], value["g"], value["a.followed"])
    assert min(value["a"], value["d"], value["f"], value["g"], value["a.followed"]) > 0
    # One answer a second for each client, never more.
    assert 0 < value["c"] <= 40
    assert 1000 <= value["c.p99"] < 10_000
    assert value["c.errors"] == 0
    assert 50 < value["c.memory"] < 2000
    assert 0 < value["b.p50"] <= value["b.p95"] <= value["b.p99"]


def test_what_is_wanted_is_judged_by_the_floor_of_the_same_run(
    ran: tuple[str, dict[str, Any]],
) -> None:
    found = {figure["key"]: figure for figure in ran[1]["figures"]}
    assert found["a"]["floor"] == found["sql"]["value"]
    assert found["a"]["held"] == (found["a"]["value"] >= found["sql"]["value"] / 8)
    assert found["a.naive"]["floor"] == found["g"]["value"]
    assert found["f"]["held"] == (found["f"]["value"] >= found["a"]["value"] / 2)
    assert found["d"]["held"] == (found["d"]["value"] >= found["a"]["value"] * 4)


def test_the_file_says_where_and_with_what(ran: tuple[str, dict[str, Any]]) -> None:
    told = ran[1]
    assert told["postgresql_settings"]["fsync"] == "on"
    assert told["postgresql_settings"]["synchronous_commit"] == "on"
    assert len(told["cores"]) <= 2
    assert {"commit", "cpu", "date", "kernel", "packages", "postgresql", "python"} <= told.keys()


def test_a_missed_figure_is_a_no_in_the_table() -> None:
    missed = Figure("x", "something", 5.0, "/s", floor=100.0, wanted="half", held=False, note="why")
    line, *_, note = figures.table([missed]).splitlines()[2:]
    assert line.split() == ["x", "something", "5", "/s", "100", "0.05", "half", "NO"]
    assert note == "x: why"


def test_a_drawing_of_the_fake_upstream_takes_as_long_as_its_address_says() -> None:
    began = 1_700_000_000
    task_id = f"{began * 1_000_000:016}"
    half = upstream.row(task_id, now=began + 15, drawing=30, address="http://up")
    assert (half["status"], half["progress"], half["imageUrl"]) == ("IN_PROGRESS", "50%", None)
    done = upstream.row(task_id, now=began + 30, drawing=30, address="http://up")
    assert (done["status"], done["finishTime"]) == ("SUCCESS", (began + 30) * 1000)


def test_what_a_process_uses_counts_its_children_too() -> None:
    busy = "import time; began = time.process_time()\nwhile time.process_time() - began < 0.5: pass"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        _until_idle(parent.pid)
        assert 0.4 < usage.cpu_seconds(parent.pid) < 3
        assert usage.pss_bytes(parent.pid) > 1_000_000
        parent.communicate(b"\n")
    assert usage.tree(parent.pid) == []


def _until_idle(pid: int) -> None:
    from tests.stack import wait_until

    wait_until(lambda: usage.cpu_seconds(pid) > 0.4 and usage.tree(pid) == [pid], seconds=20)


def test_one_that_is_not_there_is_told_how_to_be_got(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path("/nowhere")))
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "idle"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "apt-get install wrk" in done.stderr
