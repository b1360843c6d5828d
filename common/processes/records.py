"""Records of what was started, so that the next start finds what a `kill -9` left behind.

Every process writes its own record just before it becomes the program it is there for
(child.py): there is no moment at which one runs unrecorded.
"""

import json
import os
import signal
from pathlib import Path

from common import processes
from common.processes import Process

KILL_SECONDS = 3.0
# Ended first and by force, so that nothing they have started comes back.
RESTARTERS = ("supervisord", "initdb")
# PostgreSQL's TERM waits for its clients, its INT does not.
STOP_SIGNALS = {"postgres": signal.SIGINT}


class Records:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write_own(self, name: str) -> None:
        own = processes.look(os.getpid())
        if own is None:
            raise RuntimeError("this process cannot see itself")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.json"
        draft = path.with_suffix(f".{own.pid}")
        record = {"pid": own.pid, "started": own.started, "boot": processes.boot()}
        draft.write_text(json.dumps(record))
        draft.replace(path)

    def pid(self, name: str) -> int:
        """The recorded pid, alive or not; 0 without a record."""
        return self._read(name)[0]

    def alive(self, name: str) -> list[Process]:
        """What still runs of the recorded program: itself, or the orphans of its group."""
        pid, started, boot = self._read(name)
        if not pid or boot != processes.boot():
            return []
        leader = processes.look(pid)
        if leader:
            return [leader] if leader.started == started else []
        # A pid is not given away again while a group of that number lives: these are orphans.
        return [found for found in processes.everyone() if found.group == pid]

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def kill(self, name: str) -> None:
        for process in self.alive(name):
            processes.send(signal.SIGKILL, process)
        processes.wait_until(lambda: not self.alive(name), seconds=KILL_SECONDS)

    def end_all(self, *, seconds: float) -> bool:
        """Ends whatever the records name, after so many seconds by force.

        Returns whether anything had still been running.
        """
        others = [name for name in self.names() if self.pid(name) != os.getpid()]
        left = [name for name in others if self.alive(name)]
        for name in RESTARTERS:
            self.kill(name)
        for name in left:
            for process in self.alive(name):
                processes.send(STOP_SIGNALS.get(name, signal.SIGTERM), process)
        processes.wait_until(lambda: not any(map(self.alive, left)), seconds=seconds)
        for name in others:
            self.kill(name)
            (self.folder / f"{name}.json").unlink(missing_ok=True)
        return bool(left)

    def _read(self, name: str) -> tuple[int, str, str]:
        try:
            record = json.loads((self.folder / f"{name}.json").read_text())
            return int(record["pid"]), str(record["started"]), str(record["boot"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, "", ""
