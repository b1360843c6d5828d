"""tools/healthy.py, the health check of a container."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relay.serving import alive
from tests.stack import ROOT, Stack, free_port, wait_until


def check(kind: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/healthy.py", kind],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_web_that_answers_is_healthy(stack: Stack) -> None:
    assert check("web", PORT=str(stack.port)).returncode == 0


def test_a_port_where_nobody_answers_is_not() -> None:
    done = check("web", PORT=str(free_port()))
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["worker", "beat"])
def test_who_has_touched_its_file_lately_is_healthy(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "alive"
    missing = check(kind, ALIVE_FILE=str(file))
    assert missing.returncode == 1
    file.touch()
    assert check(kind, ALIVE_FILE=str(file)).returncode == 0
    os.utime(file, (time.time() - 61,) * 2)
    silent = check(kind, ALIVE_FILE=str(file))
    assert silent.returncode == 1
    # The check is a program of its own, which takes its time to start.
    assert re.search(r"silent for 6\d s", silent.stderr)


def test_a_worker_goes_on_touching_it(
    settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alive, "TOUCH_SECONDS", 0.05)
    settings.ALIVE_FILE = str(tmp_path / "alive")
    alive.keep_touching()
    file = Path(settings.ALIVE_FILE)
    for _ in range(2):
        wait_until(file.exists)
        file.unlink()


def test_a_folder_that_cannot_be_written_stops_nobody(settings) -> None:
    settings.ALIVE_FILE = "/nonexistent/alive"
    alive.touch()
