"""Who is stopped, and who is not, after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import processes
from common.processes.records import Records
from tests.run.machine import ROOT

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# Starts a child in its own group and waits, as a web server does.
MASTER = [sys.executable, "-c", f"import subprocess; subprocess.run({SLEEP!r})"]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records(tmp_path)
    made.write_own("test")
    yield made
    made.end_all(seconds=0)


def start(records: Records, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    child = [sys.executable, "-S", "-m", "common.processes.child"]
    process = subprocess.Popen(
        [*child, str(records.folder), "test", name, *command], cwd=ROOT, start_new_session=True
    )
    assert processes.wait_until(lambda: records.pid(name) == process.pid, seconds=5)
    return process


def test_a_recorded_process_is_ended(records: Records) -> None:
    process = start(records, "sleep", SLEEP)
    assert records.end_all(seconds=5)
    assert process.wait(timeout=5) == -signal.SIGTERM
    assert not records.end_all(seconds=5)


def test_orphans_of_a_dead_master_are_ended(records: Records) -> None:
    process = start(records, "master", MASTER)
    assert processes.wait_until(lambda: len(group(process.pid)) == 2, seconds=5)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=5)
    assert len(records.alive("master")) == 1
    records.end_all(seconds=5)
    assert not group(process.pid)


def test_another_process_with_the_same_pid_is_left_alone(records: Records) -> None:
    process = start(records, "sleep", SLEEP)
    path = records.folder / "sleep.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"started": "1"}))
    assert not records.end_all(seconds=0)
    assert process.poll() is None
    path.write_text(json.dumps(record | {"boot": "another boot"}))
    assert not records.end_all(seconds=0)
    assert process.poll() is None
    path.write_text(json.dumps(record))


def test_a_child_whose_parent_is_gone_does_not_start(records: Records) -> None:
    child = [sys.executable, "-S", "-m", "common.processes.child", str(records.folder)]
    done = subprocess.run(
        [*child, "nobody", "sleep", *SLEEP], cwd=ROOT, capture_output=True, timeout=5, check=False
    )
    assert done.returncode == 1
    assert b"is gone" in done.stderr


@pytest.mark.skipif(not shutil.which("ps"), reason="there is no ps to compare /proc with")
def test_ps_sees_what_proc_sees(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    process = start(records, "sleep", SLEEP)
    # Until it has become what it is to be.
    assert processes.wait_until(lambda: " -S " not in command_of(process.pid), seconds=5)
    by_proc = processes.look(process.pid)
    monkeypatch.setattr(processes, "PROC", Path("/nowhere"))
    by_ps = processes.look(process.pid)
    assert by_proc
    assert by_ps
    assert (by_ps.pid, by_ps.group, by_ps.command) == (
        by_proc.pid,
        by_proc.group,
        by_proc.command,
    )
    assert by_ps in list(processes.everyone())
    process.kill()
    # Dead, though nobody has asked for its status yet.
    assert processes.wait_until(lambda: processes.look(process.pid) is None, seconds=5)


def group(number: int) -> list[processes.Process]:
    return [found for found in processes.everyone() if found.group == number]


def command_of(pid: int) -> str:
    found = processes.look(pid)
    return found.command if found else ""
