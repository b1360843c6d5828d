"""Numbers for the processes of this machine that keep metrics: the files of METRICS_DIR are called
by them.

Pids would leave files behind for ever, one for each process that ever was. A number is free again
when its process has ended, however it ended, because the kernel drops its lock; the next one counts
on where it stopped.
"""

import fcntl
import os
from itertools import count
from pathlib import Path

from django.conf import settings

# The open files hold the locks. By pid: a fork has the variables of its parent and not its number.
_held: dict[int, tuple[str, int]] = {}


def known() -> str:
    """This process's number; "" before it has taken one. Raises OSError in a fork that cannot get
    one of its own."""
    held = _held.get(os.getpid())
    if held:
        return held[0]
    return take() if _held else ""


def take() -> str:
    """Takes the lowest number that is free. Raises OSError."""
    if held := _held.get(os.getpid()):
        return held[0]
    folder: Path = settings.METRICS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    for number in count():
        descriptor = os.open(folder / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            _held[os.getpid()] = (str(number), descriptor)
            return str(number)
    raise AssertionError
