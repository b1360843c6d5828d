"""Who runs: facts about processes, from /proc or, where there is none, from `ps`.

Standard library only, this whole folder: it is loaded before every start of a program.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    group: int
    # Pids are used again; with the time of its start (and the boot) a process is unmistakable.
    started: str
    command: str


def look(pid: int) -> Process | None:
    """The process with this pid; None when it has ended, reaped or not."""
    if (PROC / "self" / "stat").exists():
        return _from_proc(pid)
    return next((found for found in _from_ps("-p", str(pid)) if found.pid == pid), None)


def everyone() -> Iterable[Process]:
    if not (PROC / "self" / "stat").exists():
        return _from_ps("-A")
    pids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    return [found for found in map(_from_proc, pids) if found]


@cache
def boot() -> str:
    """The id of this boot, from which /proc counts start times; "" where `ps` gives dates."""
    with suppress(OSError):
        return (PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
    return ""


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def send(number: signal.Signals, process: Process) -> None:
    """Signals the process, or its whole group when it leads one."""
    with suppress(ProcessLookupError):
        if process.group == process.pid:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)


def _from_proc(pid: int) -> Process | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
        command = (PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in brackets and may hold anything, so count from the last bracket.
    state, _, group, *rest = stat.rpartition(")")[2].split()
    if state in "ZX":
        return None
    text = command.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return Process(pid, int(group), rest[16], text)


def _from_ps(*selection: str) -> Iterable[Process]:
    columns = "pid=,pgid=,stat=,lstart=,command="
    done = subprocess.run(
        ["ps", *selection, "-ww", "-o", columns],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    for line in done.stdout.splitlines():
        pid, group, state, *rest = line.split(maxsplit=8)
        if not state.startswith("Z"):
            yield Process(int(pid), int(group), " ".join(rest[:5]), "".join(rest[5:]))
