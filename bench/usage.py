"""What processes and their children use, read from /proc: seconds of CPU, and memory."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROC = Path("/proc")
LOOK_SECONDS = 1.0
_TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, counted from behind the name: user, system, and both of ended children.
_PARENT, _TIMES = 1, slice(11, 15)
# Of a core in /proc/stat: idle and waiting, and the last one that is not counted twice.
_IDLE, _STEAL = slice(3, 5), 7


def tree(pid: int) -> list[int]:
    """The process and all that descend from it; nothing when it has ended."""
    children: dict[int, list[int]] = {}
    for found, fields in _everyone():
        children.setdefault(int(fields[_PARENT]), []).append(found)
    if not (PROC / str(pid)).exists():
        return []
    pids = [pid]
    for one in pids:
        pids += children.get(one, ())
    return pids


def cpu_seconds(pid: int) -> float:
    """Of the process and all that descend from it, those that have ended too."""
    wanted = set(tree(pid))
    ticks = (sum(map(int, fields[_TIMES])) for found, fields in _everyone() if found in wanted)
    return sum(ticks) / _TICKS


def pss_bytes(pid: int) -> int:
    """Memory of the process and all that descend from it; what several share counts once."""
    return sum(map(_pss, tree(pid)))


def _pss(pid: int) -> int:
    with suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _everyone() -> Iterator[tuple[int, list[str]]]:
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            # The name stands in brackets and may hold anything.
            yield int(entry.name), (entry / "stat").read_text().rpartition(")")[2].split()


def cores() -> set[int]:
    """Those that this process may run on."""
    return os.sched_getaffinity(0)


def busy_seconds() -> float:
    """Of those cores, for whomever they worked, a host that took them away included."""
    ours = {f"cpu{core}" for core in cores()}
    lines = (line.split() for line in (PROC / "stat").read_text().splitlines())
    times = ([int(word) for word in words[1:]] for words in lines if words[0] in ours)
    return sum(sum(row[: _STEAL + 1]) - sum(row[_IDLE]) for row in times) / _TICKS


def own_children_seconds() -> float:
    """CPU of the children of this process that have ended."""
    times = os.times()
    return times.children_user + times.children_system


class Highest:
    bytes = 0


@contextmanager
def highest(look: Callable[[], int]) -> Iterator[Highest]:
    """The most that is seen while it goes on inside, by a look each second."""
    found, over = Highest(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            found.bytes = max(found.bytes, look())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()
        found.bytes = max(found.bytes, look())
